"""PDFs for tests, written object by object."""

import pytest

_FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def _pdf(*contents, box=(0, 0, 300, 200), page="", objects=(), trailer="", resources=""):
    """A PDF with a page for each content stream, Helvetica as /F1; ``objects`` are numbered from 10 on."""
    bodies = {1: "<< /Type /Catalog /Pages 2 0 R {} >>".format(trailer.partition("|")[2]), 3: _FONT}
    kids = []
    number = 10
    for body in objects:
        bodies[number] = body
        number += 1
    for content in contents:
        stream = content.encode("latin-1")
        bodies[number] = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream)
        kids.append(f"{number + 1} 0 R")
        bodies[number + 1] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [{' '.join(map(str, box))}] /Contents {number} 0 R"
            f" /Resources << /Font << /F1 3 0 R >> /XObject << /Im 10 0 R >> {resources} >> {page} >>"
        )
        number += 2
    bodies[2] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(kids)}] >>"
    out = bytearray(b"%PDF-1.7\n")
    offsets = {}
    for key in sorted(bodies):
        body = bodies[key]
        offsets[key] = len(out)
        out += b"%d 0 obj\n" % key + (body if isinstance(body, bytes) else body.encode("latin-1")) + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for key, offset in offsets.items():
        out += b"%d 1\n%010d 00000 n \n" % (key, offset)
    extra = trailer.partition("|")[0]
    out += f"trailer\n<< /Root 1 0 R /Size {number} {extra} >>\nstartxref\n{start}\n%%EOF\n".encode("latin-1")
    return bytes(out)


@pytest.fixture(scope="session")
def pdf():
    """The function that writes a PDF: of content streams, the page's box and entries, objects and trailer."""
    return _pdf
