import numpy as np
import torch

from layoutserve.model.encoding.encoder import IGNORE, Encoder
from layoutserve.model.training.stages.batches import (
    Labels,
    buckets,
    collate,
    group_weights,
    sheet,
    targets,
    word_labels,
)

LABELS = Labels(("COMPANY", "DATE", "TAX", "TOTAL"), ("receipt", "letter"))


def test_the_thumbnail_keeps_the_places_of_words_in_proportion(receipt, page):
    word, small = receipt().words[0], page.words[0]
    assert page.page.image.shape == (224, 224, 3)
    assert small.box.x0 / 224 == word.box.x0 / 200
    assert small.box.y1 / 224 == word.box.y1 / 400


def test_labels_are_bio():
    assert Labels(("A", "B")).kie == ("O", "B-A", "I-A", "B-B", "I-B")


def test_words_carry_their_labels(page):
    names = [LABELS.kie[i] for i in word_labels(page, LABELS)]
    assert names[:2] == ["B-COMPANY", "I-COMPANY"]
    assert names[-2:] == ["O", "B-TOTAL"]


def test_targets_align_with_the_tokens_that_serve(page, tokenizer):
    (target,) = targets(page, Encoder(tokenizer), LABELS)
    first = {int(w): i for i, w in reversed(list(enumerate(target.encoding.word_index)))}
    assert LABELS.kie[target.kie[first[0]]] == "B-COMPANY"
    assert target.kie[0] == IGNORE
    assert (target.kie != IGNORE).sum() == len(page.words)
    assert target.document_class == 0
    assert [LABELS.kie[i] for i in np.flatnonzero(target.unlabelled)] == ["B-TAX", "I-TAX"]


def test_a_question_points_at_its_answer_or_at_cls(page, tokenizer):
    encoder = Encoder(tokenizer)
    (asked,) = targets(page, encoder, LABELS, page.questions[0])
    ((start, end),) = asked.answers
    assert set(asked.encoding.word_index[start : end + 1]) == {len(page.words) - 1}
    (none,) = targets(page, encoder, LABELS, page.questions[1])
    assert none.answers == ((0, 0),)
    assert none.document_class == -1


def test_batches_are_padded_to_their_longest_row(receipt, tokenizer):
    encoder = Encoder(tokenizer)
    pages = [sheet(receipt()), sheet(receipt(company="A MUCH LONGER NAME OF A COMPANY", name="b"))]
    rows = [targets(page, encoder, LABELS, page.questions[0])[0] for page in pages]
    batch = collate(rows, len(LABELS.kie))
    short, long = sorted(len(row.encoding) for row in rows)
    assert batch.input_ids.shape == (2, long)
    assert batch.attention_mask.sum(dim=1).tolist() == [short, long]
    assert (batch.kie[0, short:] == IGNORE).all()
    assert batch.asked.all()
    assert batch.starts.sum() == 2
    assert batch.image.dtype == torch.uint8


def test_buckets_hold_rows_of_like_length_and_lose_none(receipt, tokenizer, rng):
    encoder = Encoder(tokenizer)
    names = ["X " * n for n in (1, 9, 2, 8)]
    rows = [targets(sheet(receipt(company=n.strip(), name=str(len(n)))), encoder, LABELS)[0] for n in names]
    groups = list(buckets(rows, 2, rng, pool=2))
    assert sum(map(len, groups)) == 4
    assert all(abs(len(a.encoding) - len(b.encoding)) < 4 for a, b in groups)


def test_a_large_group_is_drawn_less_than_its_share(receipt):
    pages = [sheet(receipt(name=f"a{i}")) for i in range(4)] + [sheet(receipt(company="OTHER", name="b"))]
    weights = group_weights(pages)
    assert np.isclose(weights.sum(), 1)
    assert np.isclose(weights[:4].sum() / weights[4], 2)
