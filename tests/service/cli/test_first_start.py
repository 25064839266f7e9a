"""The first start of ``layoutserve serve``: the OCR models are there before it listens, or it says what to do."""

import pytest

from layoutserve.model.errors import OcrError
from layoutserve.model.ocr import int8, store
from layoutserve.service import server
from layoutserve.service.cli.main import main

MODELS = store.default_folder()


@pytest.fixture
def served(tmp_path, monkeypatch):
    """What every call of the server found in the cache, which is empty at first; it ends at once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = []

    def serve(settings):
        folder = store.default_folder()
        found.append({str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()})
        return 0

    monkeypatch.setattr(server, "serve", serve)
    return found


@pytest.fixture
def fetched(served, monkeypatch):
    """The folders that models were fetched into: links to those of this machine."""
    if not store.is_complete(MODELS):
        store.fetch(MODELS)
    folders = []

    def fetch(folder):
        folders.append(folder)
        for model in store.MODELS:
            (folder / model.folder).mkdir(parents=True)
            for name in ("inference.onnx", "inference.yml"):
                (folder / model.folder / name).symlink_to(MODELS / model.folder / name)

    monkeypatch.setattr(store, "fetch", fetch)
    return folders


def test_the_models_are_fetched_once_and_quantized(served, fetched):
    assert main(["serve"]) == 0
    assert main(["serve"]) == 0
    assert fetched == [store.default_folder()]
    files = {
        f"{model.folder}/{name}" for model in store.MODELS for name in ("inference.onnx", "inference.yml", int8.FILE)
    }
    assert served == [files, files]


@pytest.mark.parametrize("setting", ["LAYOUTSERVE_OCR_MODELS=/models", "LAYOUTSERVE_OCR_LANGUAGES=de"])
def test_models_of_ones_own_are_not_fetched(served, fetched, monkeypatch, setting):
    monkeypatch.setenv(*setting.split("="))
    assert main(["serve"]) == 0
    assert (served, fetched) == ([set()], [])


def test_what_cannot_be_fetched_is_one_sentence(served, monkeypatch, capsys):
    def fetch(folder):
        raise OcrError("There is no way out: run `layoutserve ocr-models --wheel FILE`.")

    monkeypatch.setattr(store, "fetch", fetch)
    assert main(["serve"]) == 2
    assert served == []
    assert capsys.readouterr().err.endswith(
        "layoutserve serve: There is no way out: run `layoutserve ocr-models --wheel FILE`.\n"
    )
