from layoutserve.model.training.data.receipt_values import value_pool


def test_the_pool_holds_the_own_values_and_made_up_ones_and_is_reproducible(receipt):
    examples = [receipt(company=f"NUMBER {n} TRADING", name=n) for n in ("ONE", "TWO")]
    pool = value_pool(examples, ("COMPANY", "DATE", "ADDRESS", "TOTAL"), 3)
    assert pool == value_pool(examples, ("COMPANY", "DATE", "ADDRESS", "TOTAL"), 3)
    assert {"NUMBER ONE TRADING", "NUMBER TWO TRADING"} < set(pool["COMPANY"])
    assert len(set(pool["COMPANY"])) > 1000
    assert "25/12/2018" in pool["DATE"]
    # A total is tied to the other amounts of its receipt; a made-up one would contradict them.
    assert "TOTAL" not in pool
