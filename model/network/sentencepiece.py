"""SentencePiece's model file, as far as a Unigram tokenizer is made of it.

The file is a protocol buffer (sentencepiece_model.proto of google/sentencepiece); the few fields that count are
declared here, so that SentencePiece itself need not be there.
"""

from dataclasses import dataclass
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from layoutserve.model.errors import CheckpointError

_UNIGRAM = 1
_Field = descriptor_pb2.FieldDescriptorProto


@dataclass(frozen=True, slots=True)
class Model:
    """pieces: with their scores, in the order of their numbers. character_map: how characters are normalised."""

    pieces: list[tuple[str, float]]
    character_map: bytes


def read(path: Path) -> Model:
    """Read a Unigram model. Raises CheckpointError for a file that is none."""
    message = message_class()()
    try:
        message.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise CheckpointError(f"{path} is damaged: it is no SentencePiece model; fetch or copy it again.") from error
    if len(message.pieces) < 4 or not all(piece.piece for piece in message.pieces):
        raise CheckpointError(f"{path} is damaged: it holds no pieces of words; fetch or copy it again.")
    if message.trainer_spec.model_type != _UNIGRAM:
        raise CheckpointError(f"{path} is no Unigram model, which XLM-R's is; only those can be used.")
    pieces = [(piece.piece, piece.score) for piece in message.pieces]
    return Model(pieces, message.normalizer_spec.precompiled_charsmap)


def message_class() -> type[Message]:
    """ModelProto with the fields of interest; the others are skipped, as protocol buffers do with what they ignore."""
    file = descriptor_pb2.FileDescriptorProto(name="layoutserve_sentencepiece.proto", package="layoutserve")

    def message(name: str, *fields: tuple[str, int, int, str | None]) -> None:
        made = file.message_type.add(name=name)
        for field, number, kind, type_name in fields:
            repeated = _Field.LABEL_REPEATED if field == "pieces" else _Field.LABEL_OPTIONAL
            made.field.add(name=field, number=number, type=kind, label=repeated, type_name=type_name)

    message("Piece", ("piece", 1, _Field.TYPE_STRING, None), ("score", 2, _Field.TYPE_FLOAT, None))
    message("TrainerSpec", ("model_type", 3, _Field.TYPE_INT32, None))
    message("NormalizerSpec", ("precompiled_charsmap", 2, _Field.TYPE_BYTES, None))
    message(
        "ModelProto",
        ("pieces", 1, _Field.TYPE_MESSAGE, ".layoutserve.Piece"),
        ("trainer_spec", 2, _Field.TYPE_MESSAGE, ".layoutserve.TrainerSpec"),
        ("normalizer_spec", 3, _Field.TYPE_MESSAGE, ".layoutserve.NormalizerSpec"),
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found: type[Message] = message_factory.GetMessageClass(pool.FindMessageTypeByName("layoutserve.ModelProto"))
    return found
