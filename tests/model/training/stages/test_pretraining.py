from dataclasses import replace

import numpy as np
import pytest
import torch

from layoutserve.model.encoding.encoder import IGNORE, Encoder
from layoutserve.model.training.stages.batches import sheet
from layoutserve.model.training.stages.loop import Schedule
from layoutserve.model.training.stages.pretraining import OBJECTIVES, Pretraining, Rates, corrupt, pretrain, windows

MASK, VOCABULARY = 103, 30522


@pytest.fixture
def rows(receipt, tokenizer):
    encoder = Encoder(tokenizer)
    return [windows(sheet(receipt(company=f"ACME {i}", name=str(i))), encoder)[0] for i in range(4)]


def made(rows, rng, **rates):
    none = {"masked": 0.0, "covered": 0.0, "replaced": 0.0, "dropped": 0.0}
    return corrupt(rows, rng, mask_id=MASK, vocabulary=VOCABULARY, rates=Rates(**{**none, **rates}))


def test_the_rates_are_the_papers():
    rates = Rates()
    assert (rates.masked, rates.replaced, rates.dropped) == (0.15, 0.15, 0.05)


def test_hidden_tokens_are_mostly_masked_and_always_predicted(rows, rng):
    many = made(rows * 50, rng, masked=0.15)
    hidden = many.hidden != IGNORE
    text = sum(int((row.lines >= 0).sum()) for row in rows * 50)
    assert abs(int(hidden.sum()) / text - 0.15) < 0.02
    masked = many.batch.input_ids[hidden] == MASK
    assert abs(float(masked.float().mean()) - 0.8) < 0.05
    same = many.batch.input_ids[hidden] == many.hidden[hidden]
    assert abs(float(same.float().mean()) - 0.1) < 0.05
    assert not (many.hidden[:, 0] != IGNORE).any()


def test_the_region_of_a_hidden_token_is_hidden_in_the_picture(rows, rng):
    white = [
        replace(row, encoding=replace(row.encoding, image=np.full((3, 224, 224), 255, np.uint8), image_key=b""))
        for row in rows
    ]
    found = made(white, rng, masked=0.5)
    for i in range(len(rows)):
        for j in torch.where(found.hidden[i] != IGNORE)[0]:
            x0, y0, x1, y1 = (found.batch.bbox[i, j] * 224 // 1000).tolist()
            assert (found.batch.image[i, :, y0 : y1 + 1, x0 : x1 + 1] == 0).any()
    none = made(white, rng)
    assert (none.batch.image == 255).all()


def test_covered_lines_are_told_by_every_token_that_is_not_hidden(rows, rng):
    found = made(rows, rng, covered=0.5, masked=0.3)
    for i, row in enumerate(rows):
        lines = {}
        for j, line in enumerate(row.lines):
            if line < 0 or found.hidden[i, j] != IGNORE:
                assert found.covered[i, j] == IGNORE
            else:
                lines.setdefault(int(line), set()).add(int(found.covered[i, j]))
        assert all(len(told) == 1 for told in lines.values())
    told = found.covered[found.covered != IGNORE].float().mean()
    assert 0.2 < float(told) < 0.8


def test_pictures_are_replaced_and_dropped(rows, rng):
    found = made(rows * 100, rng, replaced=0.15, dropped=0.05)
    matching = found.matching.bool()
    assert abs(1 - float(matching.float().mean()) - 0.2) < 0.06
    empty = (found.batch.image == 0).flatten(1).all(dim=1)
    assert abs(float(empty.float().mean()) - 0.05) < 0.03
    original = torch.from_numpy(np.stack([row.encoding.image for row in rows * 100]))
    assert (found.batch.image[matching] == original[matching]).all()
    assert not (found.batch.image[~matching] == original[~matching]).flatten(1).all(dim=1).any()
    # In a pair that does not match, every token counts as covered.
    told = found.covered[~matching]
    assert (told[told != IGNORE] == 1).all()


def test_a_lone_row_keeps_its_picture(rows, rng):
    assert made(rows[:1], rng, replaced=1.0).matching.tolist() == [1]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_reaches_text_layout_and_picture(rows, rng, tiny, objective):
    torch.manual_seed(0)
    module = Pretraining(tiny({}))
    losses = module(made(rows, rng, masked=0.3, covered=0.3, replaced=0.3), (objective,))
    assert list(losses) == [objective]
    losses[objective].backward()
    gradients = {name: p.grad for name, p in module.named_parameters() if p.grad is not None}
    for part in ("word_embeddings", "x_position", "rel_pos_x_bias", "visual_proj"):
        assert any(part in name and bool(g.abs().sum() > 0) for name, g in gradients.items()), part


def test_pretraining_learns_and_resumes(receipt, tokenizer, tiny, tmp_path):
    torch.manual_seed(0)
    pages = [sheet(receipt(company=f"ACME {i}", name=str(i))) for i in range(3)]
    schedule = Schedule(steps=4, batch_size=2, learning_rate=1e-3, bf16=False)
    assert pretrain(tiny({}), pages, tokenizer, schedule, tmp_path).step == 4
    more = replace(schedule, steps=6)
    again = pretrain(tiny({}), pages, tokenizer, more, tmp_path)
    assert again.step == 6
