"""A checkpoint's tokenizer as ``tokenizer.json``, the one form a bundle holds.

The first LayoutLMv2 checkpoints were published with BERT's ``vocab.txt`` alone; the WordPiece tokenizer that it
stands for is made of it as transformers' ``LayoutLMv2Tokenizer`` would.
"""

import json
import shutil
from pathlib import Path

from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

from layoutserve.model.errors import CheckpointError

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_FILES = ("tokenizer.json", "vocab.txt")


def find(folder: Path) -> Path | None:
    """The tokenizer of a checkpoint's folder: ``tokenizer.json``, else ``vocab.txt``, else None."""
    return next((folder / name for name in _FILES if (folder / name).is_file()), None)


def write(source: Path, target: Path) -> None:
    """Write ``source``, a tokenizer.json or a vocab.txt, to ``target`` as a tokenizer.json.

    ``do_lower_case`` of a tokenizer_config.json beside a vocab.txt is heeded, true by default. Raises
    CheckpointError when there is no such file or it is neither.
    """
    if not source.is_file():
        raise CheckpointError(f"There is no tokenizer {source}; name a tokenizer.json or a vocab.txt.")
    if source.suffix != ".txt":
        shutil.copyfile(source, target)
        return
    tokens = source.read_text(encoding="utf-8").splitlines()
    vocabulary = {token: number for number, token in enumerate(tokens)}
    if missing := [token for token in ("[CLS]", "[SEP]", "[UNK]", "[PAD]") if token not in vocabulary]:
        raise CheckpointError(f"{source} is not BERT's vocabulary: it has no {', '.join(missing)}.")
    lowercase = _lowercase(source.parent / "tokenizer_config.json")
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = [(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", special_tokens=special
    )
    tokenizer.add_special_tokens([token for token in _SPECIAL if token in vocabulary])
    tokenizer.save(str(target))


def _lowercase(config: Path) -> bool:
    try:
        return bool(json.loads(config.read_text()).get("do_lower_case", True)) if config.is_file() else True
    except ValueError as error:
        raise CheckpointError(f"{config} is not valid JSON: {error}") from error
