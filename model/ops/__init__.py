"""The custom relative-bias operators: numpy definition, ONNX function bodies, native kernel."""

from model.ops.definition import (
    DOMAIN,
    VERSION,
    bucket_table,
    relative_attention_bias,
    relative_position_bucket,
)

__all__ = ["DOMAIN", "VERSION", "bucket_table", "relative_attention_bias", "relative_position_bucket"]
