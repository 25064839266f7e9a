"""What the first tokenizers were saved as becomes the tokenizer it stands for."""

import json

import pytest
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import BPE, WordLevel

from layoutserve.model.errors import CheckpointError
from layoutserve.model.network import sentencepiece
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
    words = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    (tmp_path / "source" / "tokenizer.json").write_text(words.to_str(pretty=True) + "\n\n")
    found = tokenizers.find(tmp_path / "source")
    tokenizers.write(found, tmp_path / "tokenizer.json")
    assert (tmp_path / "tokenizer.json").read_bytes() == found.read_bytes()
    assert tokenizers.find(tmp_path) == tmp_path / "tokenizer.json"
    assert tokenizers.find(tmp_path / "nowhere") is None
    tokenizers.write(found, found)


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


BYTES = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "t", "o", "a", "l", "\u0120", "to", "\u0120to", "\u0120tot"]
MERGES = "#version: 0.2\nt o\n\u0120 to\n\u0120to t\n"


def byte_level(folder):
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(BYTES)}))
    (folder / "merges.txt").write_text(MERGES, encoding="utf-8")
    return folder / "vocab.json"


def test_vocabulary_and_merges_become_roberta_s_tokenizer(tmp_path):
    tokenizer = written(byte_level(tmp_path), tmp_path)
    encoded = tokenizer.encode(["to"], ["total", "to"], is_pretokenized=True)
    assert encoded.tokens == ["<s>", "\u0120to", "</s>", "</s>", "\u0120tot", "a", "l", "\u0120to", "</s>"]
    assert set(encoded.type_ids) == {0}
    (tmp_path / "merges.txt").unlink()
    with pytest.raises(CheckpointError, match=r"no merges\.txt"):
        tokenizers.write(tmp_path / "vocab.json", tmp_path / "out.json")


def test_words_begin_after_a_space_whatever_the_tokenizer_says_but_layoutlmv3_s(tmp_path):
    bare = Tokenizer(BPE.from_file(str(byte_level(tmp_path)), str(tmp_path / "merges.txt")))
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.save(str(tmp_path / "tokenizer.json"))

    def pieces():
        made = tmp_path / "made.json"
        tokenizers.write(tmp_path / "tokenizer.json", made)
        return Tokenizer.from_file(str(made)).encode(["to", "to"], is_pretokenized=True).tokens

    assert pieces() == ["\u0120to", "\u0120to"]
    config = {"add_prefix_space": False, "tokenizer_class": "RobertaTokenizer"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    assert pieces() == ["\u0120to", "\u0120to"]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config | {"tokenizer_class": "LayoutLMv3TokenizerFast"}))
    assert pieces() == ["to", "to"]


def sentencepiece_model(path, pieces=("\u2581total", "\u2581", "9"), kind=1):
    message = sentencepiece.message_class()()
    for piece in ("<unk>", "<s>", "</s>", *pieces):
        message.pieces.add(piece=piece, score=-1.0)
    message.trainer_spec.model_type = kind
    path.write_bytes(message.SerializeToString())
    return path


def test_a_sentencepiece_model_alone_becomes_xlm_roberta_s_tokenizer(tmp_path):
    tokenizer = written(sentencepiece_model(tmp_path / "sentencepiece.bpe.model"), tmp_path)
    encoded = tokenizer.encode(["total"], ["9", "x"], is_pretokenized=True)
    assert encoded.tokens == ["<s>", "\u2581total", "</s>", "</s>", "\u2581", "9", "\u2581", "x", "</s>"]
    assert encoded.ids[-2] == tokenizer.token_to_id("<unk>")
    # fairseq's numbers: <s>, <pad>, </s>, <unk>, the pieces, <mask>.
    assert [tokenizer.token_to_id(token) for token in ("<s>", "<unk>", "\u2581total", "<mask>")] == [0, 3, 4, 7]


def test_a_sentencepiece_model_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "sentencepiece.bpe.model"
    for content in (b"any", b""):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="is damaged"):
            tokenizers.write(path, tmp_path / "out.json")
    with pytest.raises(CheckpointError, match="no Unigram model"):
        tokenizers.write(sentencepiece_model(path, kind=2), tmp_path / "out.json")


def test_added_tokens_keep_their_numbers(tmp_path):
    source = vocabulary(tmp_path)
    (tmp_path / "added_tokens.json").write_text(json.dumps({"<two>": len(WORDS) + 1, "<one>": len(WORDS)}))
    tokenizer = written(source, tmp_path / "..")
    assert tokenizer.token_to_id("<two>") == len(WORDS) + 1
    found = tokenizer.encode(["a<one>total"], is_pretokenized=True).tokens
    assert found == ["[CLS]", "[UNK]", "<one>", "total", "[SEP]"]
    (tmp_path / "added_tokens.json").write_text(json.dumps({"<one>": 99}))
    with pytest.raises(CheckpointError, match="numbers <one> otherwise"):
        tokenizers.read(source)


def test_separators_stand_where_each_family_was_trained_with_them(tmp_path):
    source = byte_level(tmp_path)
    assert [tokenizers.separator_box(source, family) for family in ("layoutlm", "layoutlmv3", "lilt")] == [1000, 0, 0]
    other = sentencepiece_model(tmp_path / "sentencepiece.bpe.model")
    assert [tokenizers.separator_box(other, family) for family in ("layoutxlm", "lilt")] == [1000, 1000]
    (tmp_path / "tokenizer_config.json").write_text('{"sep_token_box": [1000, 1000, 1000, 1000]}')
    assert tokenizers.separator_box(source, "layoutlmv3") == 1000
    (tmp_path / "tokenizer_config.json").write_text('{"sep_token_box": [0, 0, 9, 9]}')
    with pytest.raises(CheckpointError, match="sep_token_box"):
        tokenizers.separator_box(source, "layoutlmv3")
