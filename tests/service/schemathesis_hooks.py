"""Documents for schemathesis: what the contract calls a file is a file, most of the time."""

import base64
import io

import schemathesis
from hypothesis import strategies as st
from PIL import Image


def _drawn(width: int, height: int, grey: int, form: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height), grey).save(buffer, form)
    return buffer.getvalue()


documents = st.one_of(
    st.builds(
        _drawn,
        st.integers(1, 64),
        st.integers(1, 64),
        st.integers(0, 255),
        st.sampled_from(("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PDF")),
    ),
    st.binary(max_size=64),
)
schemathesis.openapi.format("binary", documents)
schemathesis.openapi.format("byte", documents.map(lambda document: base64.b64encode(document).decode()))

# What no schema can say of a request is answered with one of these; a request that fits its schema with no other.
BEYOND_THE_SCHEMA = {
    "unsupported-document",
    "invalid-document",
    "document-too-large",
    "invalid-request",
    "idempotency-mismatch",
    "conflict",
    "not-found",
    "overloaded",
}


@schemathesis.check
def what_fits_the_schema_is_understood(ctx, response, case):
    if case.meta is None or case.meta.generation.mode is not schemathesis.GenerationMode.POSITIVE:
        return
    if 400 <= response.status_code < 500 and response.status_code not in (401, 405):
        kind = response.json()["type"].rpartition(":")[2]
        assert kind in BEYOND_THE_SCHEMA, f"A request that fits its schema got {kind}: {response.json()['detail']}"
