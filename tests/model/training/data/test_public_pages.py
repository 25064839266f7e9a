"""The public documents as pages, on a miniature of their folders and on the real ones where they are at hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from layoutserve.model.training.data import public_pages
from layoutserve.model.training.data.example import split_by_group

SHARED = Path(__file__).parents[5] / "shared" / "data"


def pdf(path, text):
    """A one-page PDF with a text layer of one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = f"BT /F1 18 Tf 40 700 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj%s endobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(body)
    body += b"xref\n0 6\n0000000000 65535 f \n" + table
    path.write_bytes(body + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % start)


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    pdf(folder / "kleister-nda" / "documents" / "a.pdf", "This agreement is made between")
    pdf(folder / "vrdu" / "fara" / "f.pdf", "Registration statement")
    pdf(folder / "vrdu" / "adbuy" / "i.pdf", "INVOICE WXYZ station WXYZ")
    pdf(folder / "vrdu" / "adbuy" / "o.pdf", "ORDER KABC spots")
    rows = [
        {"document": "fara/f.pdf", "type": "fara amendment", "registrant": "Arnold"},
        {"document": "adbuy/i.pdf", "type": "ad buy"},
        {"document": "adbuy/o.pdf", "type": "ad buy"},
    ]
    (folder / "vrdu" / "documents.jsonl").write_text("\n".join(map(json.dumps, rows)))
    images = folder / "docbank" / "images"
    images.mkdir(parents=True)
    Image.new("RGB", (100, 140), "white").save(images / "1.tar_7.gz_paper_3.jpg")
    (images / "1.tar_7.gz_paper_3.txt").write_text("Table\t100\t100\t200\t120\t0\t0\t0\tF\tparagraph\n")
    return folder


def test_every_folder_becomes_pages_of_its_class(data, tmp_path):
    pages = public_pages.collect(data, tmp_path / "work")
    assert [(p.document_class, p.group) for p in pages] == [
        ("contract", "kleister/a"),
        ("form", "fara/Arnold"),
        ("invoice", "station/WXYZ"),
        ("order", "station/KABC"),
        ("scientific_article", "arxiv/1.tar_7.gz_paper"),
    ]
    assert [w.text for w in pages[1].words] == ["Registration", "statement"]
    article = pages[-1].words[0]
    assert (article.text, article.box.x0, article.box.y0) == ("Table", 10.0, 14.0)


def test_pages_are_grey_and_kept(data, tmp_path):
    first = public_pages.collect(data, tmp_path / "work")
    image = first[0].read_image()
    assert np.array_equal(image[..., 0], image[..., 2])
    again = public_pages.collect(tmp_path / "no data", tmp_path / "work")
    assert [p.words for p in again] == [p.words for p in first]


@pytest.mark.shared
def test_sroie_values_find_their_places():
    from layoutserve.model.training.data.labelling import label
    from layoutserve.model.training.starter.corpus import receipt_pages

    if not SHARED.is_dir():
        pytest.skip("the public data is not beside the repository")
    pages = receipt_pages(SHARED)
    labelled, report = label(pages)
    assert len(report.missing) < 0.01 * sum(report.placed.values())
    training, held = split_by_group(labelled, 0.12)
    assert {p.group for p in training}.isdisjoint({p.group for p in held})
    # A total is one place, however often its amount stands on the page.
    assert all(sum(s.label == "TOTAL" for s in p.spans) <= 1 for p in labelled)
