"""A vocab.txt becomes the tokenizer it stands for."""

import pytest
from tokenizers import Tokenizer

from layoutserve.model.errors import CheckpointError
from layoutserve.model.network import tokenizer as tokenizers

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "total", "to", "##tal", "cafe", "9", ".", "00", "Total", "Café"]


def vocabulary(folder):
    path = folder / "vocab.txt"
    path.write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    return path


def written(source, tmp_path):
    tokenizers.write(source, tmp_path / "tokenizer.json")
    return Tokenizer.from_file(str(tmp_path / "tokenizer.json"))


def test_a_vocabulary_becomes_bert_s_uncased_tokenizer(tmp_path):
    tokenizer = written(vocabulary(tmp_path), tmp_path)
    encoded = tokenizer.encode(["TOTAL", "Café"], ["9.00"], is_pretokenized=True)
    assert encoded.tokens == ["[CLS]", "total", "cafe", "[SEP]", "9", ".", "00", "[SEP]"]
    assert encoded.type_ids == [0, 0, 0, 0, 1, 1, 1, 1]
    assert tokenizer.encode(["zebra"], is_pretokenized=True).tokens == ["[CLS]", "[UNK]", "[SEP]"]


def test_case_is_kept_where_the_checkpoint_says_so(tmp_path):
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    tokenizer = written(vocabulary(tmp_path), tmp_path)
    assert tokenizer.encode(["Total", "Café"], is_pretokenized=True).tokens[1:3] == ["Total", "Café"]


def test_a_tokenizer_json_is_taken_as_it_is_and_before_a_vocabulary(tmp_path):
    (tmp_path / "source").mkdir()
    vocabulary(tmp_path / "source")
    assert tokenizers.find(tmp_path / "source").name == "vocab.txt"
    (tmp_path / "source" / "tokenizer.json").write_text('{"version": "1.0"}')
    found = tokenizers.find(tmp_path / "source")
    tokenizers.write(found, tmp_path / "tokenizer.json")
    assert (tmp_path / "tokenizer.json").read_text() == '{"version": "1.0"}'
    assert tokenizers.find(tmp_path) == tmp_path / "tokenizer.json"
    assert tokenizers.find(tmp_path / "nowhere") is None


def test_what_is_no_vocabulary_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no tokenizer"):
        tokenizers.write(tmp_path / "vocab.txt", tmp_path / "out.json")
    (tmp_path / "vocab.txt").write_text("total\n")
    with pytest.raises(CheckpointError, match=r"has no \[CLS\]"):
        tokenizers.write(tmp_path / "vocab.txt", tmp_path / "out.json")
    vocabulary(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text("{")
    with pytest.raises(CheckpointError, match="not valid JSON"):
        tokenizers.write(tmp_path / "vocab.txt", tmp_path / "out.json")
