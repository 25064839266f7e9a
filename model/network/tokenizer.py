"""A checkpoint's tokenizer as ``tokenizer.json``, the one form a bundle holds.

Checkpoints come with ``tokenizer.json``, or with what the first tokenizers were saved as: BERT's ``vocab.txt``,
RoBERTa's ``vocab.json`` and ``merges.txt``, or XLM-R's ``sentencepiece.bpe.model`` alone. Of each the tokenizer is made
as transformers would make it, so that words give the same tokens.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE, Unigram, WordPiece

from layoutserve.model.bundle import SEPARATOR_BOX
from layoutserve.model.errors import CheckpointError
from layoutserve.model.network import sentencepiece

# What becomes of several spaces in a row, as in XLM-R's slow tokenizer.
_SEVERAL_SPACES = Regex(" {2,}")
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_ROBERTA_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
_CONFIG, _ADDED = "tokenizer_config.json", "added_tokens.json"
FORMS = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model")

FILES = (*FORMS, "merges.txt", _CONFIG, _ADDED)
"""Every file of a checkpoint that says something of its tokenizer."""


def find(folder: Path) -> Path | None:
    """The tokenizer of a checkpoint's folder: the first of the forms at the top that is there, or None."""
    return next((folder / name for name in FORMS if (folder / name).is_file()), None)


def write(source: Path, target: Path) -> None:
    """Write ``source``, a tokenizer in any of the forms at the top, to ``target`` as a tokenizer.json.

    ``do_lower_case`` and ``add_prefix_space`` of a tokenizer_config.json beside it are heeded, and added_tokens.json.
    Raises CheckpointError when there is no such file or it is none of these.
    """
    given, tokenizer = _given_and_read(source)
    if not (tokenizer is given and _is_json(source)):
        tokenizer.save(str(target))
    elif source.resolve() != target.resolve():
        shutil.copyfile(source, target)


def read(source: Path) -> Tokenizer:
    """The tokenizer that ``source`` stands for, as ``write`` writes it. Raises CheckpointError."""
    return _given_and_read(source)[1]


def _is_json(source: Path) -> bool:
    return source.suffix == ".json" and source.name != "vocab.json"


def _given_and_read(source: Path) -> tuple[Tokenizer, Tokenizer]:
    """The tokenizer as the files have it, and as words need it: the same object, if nothing had to be changed."""
    if not source.is_file():
        raise CheckpointError(f"There is no tokenizer {source}; name one of {', '.join(FORMS)}.")
    config = _json(source.parent / _CONFIG)
    if _is_json(source):
        tokenizer = _tokenizer_json(source)
        return tokenizer, _of_words(tokenizer, config)
    if source.suffix == ".model":
        tokenizer = _xlm_roberta(source)
    elif source.suffix == ".txt":
        tokenizer = _bert(source, config)
    elif source.name == "vocab.json":
        tokenizer = _roberta(source)
    else:
        raise CheckpointError(f"{source.name} is no tokenizer's name; name one of {', '.join(FORMS)}.")
    added = sorted(_json(source.parent / _ADDED).items(), key=lambda entry: int(entry[1]))
    new = [AddedToken(token, normalized=False) for token, _ in added if tokenizer.token_to_id(token) is None]
    tokenizer.add_tokens(new)
    if moved := [token for token, number in added if tokenizer.token_to_id(token) != number]:
        raise CheckpointError(f"{source.parent / _ADDED} numbers {', '.join(moved)} otherwise than {source.name} does.")
    return tokenizer, _of_words(tokenizer, config)


def separator_box(source: Path | None, family: str) -> int:
    """All four numbers of a separator's box: what tokenizer_config.json says, else as each family was trained.

    LayoutLMv3 has 0, and so has LiLT with RoBERTa's tokenizer, which is LayoutLMv3's; all others have 1000. Raises
    CheckpointError for a box of several numbers.
    """
    box = _json(source.parent / _CONFIG).get("sep_token_box") if source is not None else None
    if box is not None:
        if not isinstance(box, list) or len({*box}) != 1 or not isinstance(box[0], int):
            raise CheckpointError(f"sep_token_box must be four times the same number, not {box}.")
        return int(box[0])
    if family == "layoutlmv3":
        return 0
    byte_level = family == "lilt" and source is not None and isinstance(read(source).model, BPE)
    return 0 if byte_level else SEPARATOR_BOX


def _tokenizer_json(source: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(source))
    except Exception as error:  # the binding raises a bare Exception
        raise CheckpointError(f"{source} cannot be read as a tokenizer ({error}).") from error


def _bert(source: Path, config: Mapping[str, Any]) -> Tokenizer:
    vocabulary = {token: number for number, token in enumerate(source.read_text(encoding="utf-8").splitlines())}
    if missing := [token for token in ("[CLS]", "[SEP]", "[UNK]", "[PAD]") if token not in vocabulary]:
        raise CheckpointError(f"{source} is not BERT's vocabulary: it has no {', '.join(missing)}.")
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(
        lowercase=bool(config.get("do_lower_case", True)),
        strip_accents=config.get("strip_accents"),
        handle_chinese_chars=bool(config.get("tokenize_chinese_chars", True)),
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = [(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", special_tokens=special
    )
    tokenizer.add_special_tokens([token for token in _SPECIAL if token in vocabulary])
    return tokenizer


def _roberta(source: Path) -> Tokenizer:
    merges = source.with_name("merges.txt")
    if not merges.is_file():
        raise CheckpointError(f"{source.parent} has vocab.json, but no merges.txt; both are needed.")
    try:
        tokenizer = Tokenizer(BPE.from_file(str(source), str(merges)))
    except Exception as error:  # the binding raises a bare Exception
        raise CheckpointError(f"{source} and merges.txt cannot be read as a tokenizer ({error}).") from error
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    _frame_as_roberta(tokenizer, source)
    return tokenizer


def _xlm_roberta(source: Path) -> Tokenizer:
    model = sentencepiece.read(source)
    # fairseq's numbers: its own four come first, and everything after SentencePiece's three moves up by one.
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *model.pieces[3:], ("<mask>", 0.0)]
    tokenizer = Tokenizer(Unigram(pieces, unk_id=3, byte_fallback=False))
    steps: list[normalizers.Normalizer] = [normalizers.Replace(_SEVERAL_SPACES, " ")]
    if model.character_map:
        steps.insert(0, normalizers.Precompiled(model.character_map))
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    _frame_as_roberta(tokenizer, source)
    return tokenizer


def _frame_as_roberta(tokenizer: Tokenizer, source: Path) -> None:
    """``<s> words </s>``, ``<s> question </s></s> words </s>``; all tokens are of one type."""
    if missing := [token for token in _ROBERTA_SPECIAL[:4] if tokenizer.token_to_id(token) is None]:
        raise CheckpointError(f"{source} is not RoBERTa's vocabulary: it has no {', '.join(missing)}.")
    special = [(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s>:0 $A:0 </s>:0", pair="<s>:0 $A:0 </s>:0 </s>:0 $B:0 </s>:0", special_tokens=special
    )
    there = [token for token in _ROBERTA_SPECIAL if tokenizer.token_to_id(token) is not None]
    tokenizer.add_special_tokens([AddedToken(token, lstrip=token == "<mask>", normalized=False) for token in there])


def _of_words(tokenizer: Tokenizer, config: Mapping[str, Any]) -> Tokenizer:
    """Let byte-level tokens of every word begin as after a space.

    A page is given word by word, and RoBERTa's own tokenizer.json would read each as the beginning of a text. Only a
    LayoutLMv3 may have been trained so, and then says it.
    """
    own = str(config.get("tokenizer_class", "")).startswith("LayoutLMv3")
    spaced = bool(config.get("add_prefix_space", True)) if own else True
    state = json.loads(tokenizer.to_str())
    step = state.get("pre_tokenizer") or {}
    levels = [part for part in (step, *step.get("pretokenizers", ())) if part.get("type") == "ByteLevel"]
    if all(part["add_prefix_space"] == spaced for part in levels):
        return tokenizer
    for part in levels:
        part["add_prefix_space"] = spaced
    return Tokenizer.from_str(json.dumps(state))


def _json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; an empty one where there is no file. Raises CheckpointError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise CheckpointError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} does not hold a JSON object.")
    return found
