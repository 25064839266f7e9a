import numpy as np
import pytest

from layoutserve.model.errors import BundleError
from layoutserve.model.inference.session import Session
from layoutserve.model.page import Box, Page, Word
from layoutserve.model.pipeline import Request
from layoutserve.service.cli.main import main
from layoutserve.service.settings import Settings
from layoutserve.service.work import loading


def page_of(words: int) -> Page:
    boxes = ((10.0, 10.0 + 3 * row, 60.0, 12.0 + 3 * row) for row in range(words))
    image = np.full((4 * words, 300, 3), 255, np.uint8)
    return Page(image, words=tuple(Word.from_box("total", Box(*box), line=row) for row, box in enumerate(boxes)))


def test_windows_are_as_long_as_the_session_runs_them_well(bundle, monkeypatch):
    monkeypatch.setattr(Session, "window_tokens", 100)
    loaded = loading.load(bundle, Settings())
    work = next(loaded.pipeline.page(page_of(300), 0, Request(tasks=("kie",))))
    assert max(map(len, work.encodings)) == 100
    assert len(loaded.infer(work.encodings)) == len(work.encodings) > 3


def test_a_bundle_that_computes_otherwise_is_refused_by_the_service_and_the_command_line(
    bundle, monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(Session, "selftest", lambda session: 0.5)
    with pytest.raises(BundleError, match="fails its self-test"):
        loading.load(bundle, Settings())
    (tmp_path / "page.png").write_bytes(b"")
    assert main(["kie", str(tmp_path / "page.png"), "--bundle", str(bundle)]) == 2
    assert "fails its self-test" in capsys.readouterr().err
