import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from layoutserve.model.bundle import Inputs
from layoutserve.model.encoding.encoder import Encoder, answer_tokens, label_tokens, model_image, normalized_boxes
from layoutserve.model.encoding.windows import merge_words
from layoutserve.model.errors import BundleError, RequestError
from layoutserve.model.page import Box, Page, Word

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.:,$?"


def bert(path: Path) -> Path:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "total", "##:", "what", "is", "[", "]", "sep"]
    pieces += list(LETTERS) + [f"##{letter}" for letter in LETTERS if letter != ":"]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    # As published tokenizers come: with a truncation and padding that a page must not suffer.
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8)
    tokenizer.save(str(path))
    return path


def xlm(path: Path) -> Path:
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0), ("\u2581total", -1.0)]
    pieces += [(letter, -3.0) for letter in LETTERS]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(path))
    return path


@pytest.fixture(scope="module")
def tokenizer_json(tmp_path_factory):
    return bert(tmp_path_factory.mktemp("bert") / "tokenizer.json")


def word(text, box=(10.0, 20.0, 30.0, 40.0)):
    x0, y0, x1, y1 = box
    return Word(text, Box(*box), 1.0, 0, ((x0, y0), (x1, y0), (x1, y1), (x0, y1)))


def page(*texts, width=200, height=100, turn=0, boxes=None):
    words = tuple(word(t, b) for t, b in zip(texts, boxes, strict=True)) if boxes else tuple(map(word, texts))
    return Page(np.zeros((height, width, 3), np.uint8), turn=turn, words=words)


def test_windows_are_what_the_reference_makes(tokenizer_json):
    # LayoutLMv2Tokenizer of transformers 5.23.0, the same vocabulary, words, boxes and question.
    ids = [2, 7, 8, 16, 72, 57, 52, 3, 5, 49, 51, 47, 48, 43, 79, 32, 66, 61, 5, 71, 3]
    boxes = [[0] * 4] * 7 + [[1000] * 4] + [[1, 2, 3, 4]] * 2 + [[5, 6, 7, 8]] * 5 + [[9, 10, 11, 12]] * 3
    boxes += [[0, 0, 1000, 1000]] * 2 + [[1000] * 4]
    places = [(1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12), (0, 0, 1000, 1000)]
    asked = page("Total:", "$9.50", "Ünï", "TOTALS", width=1000, height=1000, boxes=places)
    (window,) = Encoder(tokenizer_json).encode(asked, question="What is  Été?")
    assert window.input_ids.tolist() == ids
    assert window.bbox.tolist() == boxes
    assert window.token_type_ids.tolist() == [0] * 8 + [1] * 13


def test_a_page_is_framed_by_the_tokenizers_special_tokens(tokenizer_json):
    (window,) = Encoder(tokenizer_json).encode(page("Total:", "9"), 4)
    vocabulary = Tokenizer.from_file(str(tokenizer_json))
    assert [vocabulary.id_to_token(int(i)) for i in window.input_ids] == ["[CLS]", "total", ":", "9", "[SEP]"]
    assert window.word_index.tolist() == [-1, 0, 0, 1, -1]
    assert window.bbox.tolist() == [[0] * 4, *[[50, 200, 150, 400]] * 3, [1000] * 4]
    assert window.token_type_ids.tolist() == [0] * 5
    assert window.page == 4


def test_a_question_stands_before_the_words_with_types_and_boxes_of_its_own(tokenizer_json):
    (window,) = Encoder(tokenizer_json).encode(page("9"), question="What is?")
    assert window.word_index.tolist() == [-1, -1, -1, -1, -1, 0, -1]
    assert window.token_type_ids.tolist() == [0, 0, 0, 0, 0, 1, 1]
    assert window.bbox[:, 2].tolist() == [0, 0, 0, 0, 1000, 150, 1000]


def test_xlm_roberta_pairs_have_two_separators_and_no_types(tmp_path):
    encoder = Encoder(xlm(tmp_path / "tokenizer.json"))
    (window,) = encoder.encode(page("9"), question="total")
    assert window.input_ids[[0, 2, 3, -1]].tolist() == [0, 2, 2, 2]
    assert window.bbox[[0, 2, 3, -1], 0].tolist() == [0, 1000, 1000, 1000]
    assert window.token_type_ids.max() == 0
    (plain,) = encoder.encode(page("total", "9"))
    assert plain.word_index.tolist() == [-1, 0, 1, 1, -1]


def test_text_that_spells_a_special_token_stays_text(tokenizer_json):
    (window,) = Encoder(tokenizer_json).encode(page("[SEP]"), question="[CLS]")
    assert (window.input_ids == 3).sum() == 2
    assert (window.input_ids == 2).sum() == 1


def test_words_without_tokens_keep_their_place(tokenizer_json):
    (window,) = Encoder(tokenizer_json).encode(page("\u200b", "9", "", "\x00", "total"))
    assert window.word_index.tolist() == [-1, 0, 1, 2, 3, 4, -1]
    assert (window.input_ids == 1).sum() == 3


def test_a_page_without_words_still_has_one_window(tokenizer_json):
    (window,) = Encoder(tokenizer_json).encode(page())
    assert window.word_index.tolist() == [-1, -1]


@pytest.mark.parametrize(("turn", "expected"), [(0, [0, 0, 500, 250]), (90, [750, 0, 1000, 500])])
def test_boxes_follow_the_upright_page(turn, expected):
    bbox, clipped = normalized_boxes(page("a", boxes=[(0, 0, 100, 25)], turn=turn))
    assert bbox.tolist() == [expected]
    assert clipped == 0


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_image_and_boxes_turn_alike(turn):
    # A red patch: where the model sees it must be where its box says.
    drawn = np.zeros((300, 600, 3), np.uint8)
    drawn[30:90, 60:240, 0] = 255
    patch = Page(drawn, turn=turn, words=(word("a", (60, 30, 240, 90)),))
    (bbox,), _ = normalized_boxes(patch)
    image = model_image(patch)
    assert image.shape == (3, 224, 224) and image[:2].max() == 0  # BGR
    rows, columns = np.nonzero(image[2] > 127)
    seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / 224 * 1000
    assert np.abs(seen - bbox).max() < 8


def test_boxes_beyond_the_page_are_clipped_and_reported(tokenizer_json, caplog):
    tokens = Encoder(tokenizer_json).tokens(page("a", "b", boxes=[(-50, -5, 9999, 50), (1, 1, 2, 2)]))
    assert tokens.clipped == 1
    assert tokens.bbox[0].tolist() == [0, 0, 1000, 500]
    assert "1 of 2 words" in caplog.text


def test_not_a_number_is_no_crash():
    bbox, _ = normalized_boxes(page("a", boxes=[(float("nan"), 1.0, float("inf"), 2.0)]))
    assert bbox.tolist() == [[0, 10, 1000, 20]]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lengths=st.lists(st.one_of(st.integers(1, 5), st.integers(1, 60)), max_size=60),
    max_tokens=st.integers(8, 40),
    stride=st.integers(0, 40),
    asked=st.booleans(),
)
def test_windows_cover_every_word_whole_and_in_order(tokenizer_json, lengths, max_tokens, stride, asked):
    encoder = Encoder(tokenizer_json, max_tokens=max_tokens, stride=stride)
    question = "is" if asked else None
    windows = encoder.encode(page(*("a" * n for n in lengths)), question=question)
    capacity = max_tokens - (4 if asked else 2)
    seen = []
    for window in windows:
        assert len(window) <= max_tokens
        held = window.word_index[window.word_index >= 0]
        assert (np.diff(held) >= 0).all() and (np.diff(held) <= 1).all()
        for index, count in zip(*np.unique(held, return_counts=True), strict=True):
            assert count == min(lengths[index], capacity)
        seen.append(set(held.tolist()))
        assert asked == (window.input_ids[1:3].tolist() == [8, 3])  # the question, in each window
    assert set().union(*seen) == set(range(len(lengths)))
    for earlier, later in itertools.pairwise(seen):
        assert max(later) > max(earlier)  # every window gets further
        assert min(later) > min(earlier)
        assert sum(min(lengths[i], capacity) for i in earlier & later) <= min(stride, capacity // 2)


def test_windows_of_a_page_share_its_image(tokenizer_json):
    encoder = Encoder(tokenizer_json, max_tokens=10, stride=2)
    tokens = encoder.tokens(page(*"abcdefghijklmnop"))
    windows = encoder.windows(tokens) + encoder.windows(tokens, "what")
    assert len(windows) > 3
    assert all(window.image is tokens.image for window in windows)
    assert {window.image_key for window in windows} == {tokens.image_key}


@pytest.mark.parametrize("question", ["", "  ", "is " * 300])
def test_questions_that_cannot_be_asked(tokenizer_json, question):
    with pytest.raises(RequestError):
        Encoder(tokenizer_json).encode(page("a"), question=question)


def test_missing_broken_and_bare_tokenizers(tmp_path):
    with pytest.raises(BundleError, match="has no tokenizer"):
        Encoder(tmp_path / "tokenizer.json")
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(BundleError, match="cannot be read"):
        Encoder(tmp_path / "broken.json")
    bare = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    bare.save(str(tmp_path / "bare.json"))
    with pytest.raises(BundleError, match="special tokens"):
        Encoder(tmp_path / "bare.json")


def test_training_targets(tokenizer_json):
    (window,) = Encoder(tokenizer_json).encode(page("Total:", "9.5", "a"))
    assert window.word_index.tolist() == [-1, 0, 0, 1, 1, 1, 2, -1]
    assert label_tokens(window, [3, 5, 7]).tolist() == [-100, 3, -100, 5, -100, -100, 7, -100]
    assert answer_tokens(window, 0, 1) == (1, 5)
    assert answer_tokens(window, 1, 9) == (0, 0)


def test_a_word_is_taken_from_the_window_with_most_context(tokenizer_json):
    encoder = Encoder(tokenizer_json, max_tokens=12, stride=4)
    windows = encoder.encode(page(*"abcdefghijklmnopqr"))
    assert [w.word_index[1] for w in windows] == [0, 6, 12]
    rows = [np.full((len(w), 1), i, dtype=np.float32) for i, w in enumerate(windows)]
    # Words 6 to 9 stand in the first two windows: 6 and 7 are deeper in the first, 8 and 9 in the second.
    assert merge_words(windows, rows, 18)[:, 0].tolist() == [0] * 8 + [1] * 6 + [2] * 4


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=50), max_tokens=st.integers(10, 24))
def test_merging_loses_no_word(tokenizer_json, lengths, max_tokens):
    windows = Encoder(tokenizer_json, max_tokens=max_tokens, stride=6).encode(page(*("a" * n for n in lengths)))
    rows = [np.stack([w.word_index, np.arange(len(w))], axis=1).astype(np.float32) for w in windows]
    merged = merge_words(windows, rows, len(lengths))
    assert merged[:, 0].tolist() == list(range(len(lengths)))
    assert all(
        any(w.word_index[int(p)] == i != w.word_index[int(p) - 1] for w in windows if p < len(w))
        for i, p in enumerate(merged[:, 1])
    )


def test_a_relative_gets_its_own_picture_separators_and_types(tokenizer_json):
    red = replace(page("9"), image=np.full((100, 200, 3), (255, 0, 0), np.uint8))
    bgr, rgb, none = (
        Encoder(tokenizer_json, inputs).encode(red, question="What is?")[0]
        for inputs in (
            Inputs(),
            Inputs(channels="RGB", visual_tokens=197, separator_box=0, token_types=1),
            Inputs(channels=None, visual_tokens=0),
        )
    )
    assert (bgr.image[2].min(), rgb.image[0].min(), none.image) == (255, 255, None)
    assert (bgr.all_tokens, rgb.all_tokens, none.all_tokens) == (len(bgr) + 49, len(bgr) + 197, len(bgr))
    separators = np.flatnonzero(bgr.input_ids == 3)
    assert len(separators) == 2
    assert (bgr.bbox[separators] == 1000).all() and not rgb.bbox[separators].any()
    assert bgr.token_type_ids.any() and not rgb.token_type_ids.any()
    assert bgr.image_key and not none.image_key
