"""A wheel from a package index of this machine, over HTTP and from a folder, in both forms of the simple API."""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from layoutserve.model.errors import OcrError
from layoutserve.model.ocr import package_index, store

WHEEL = b"the bytes of a wheel"
HASH = hashlib.sha256(WHEEL).hexdigest()
NAMES = ["3.9.1", "3.10.0", "3.10.2", "3.10.3", "3.11.0"]
FILES = [f"rapidocr-{version}-py3-none-any.whl" for version in NAMES]
OTHERS = ["rapidocr-3.10.9.tar.gz", "rapidocr-3.10.9-cp311-cp311-linux_x86_64.whl", "no wheel.whl"]
WITHDRAWN = "rapidocr-3.10.3-py3-none-any.whl"
USER = "Basic " + base64.b64encode(b"me:p@ss").decode()


def as_json(sha256=HASH):
    files = [
        {"filename": name, "url": f"/files/{name}", "hashes": {"sha256": sha256}, "yanked": name == WITHDRAWN}
        for name in FILES + OTHERS
    ]
    return "application/vnd.pypi.simple.v1+json", json.dumps({"meta": {"api-version": "1.1"}, "files": files})


def as_html(sha256=HASH, place="../../files/"):
    links = [
        f'<a href="{place}{name}#sha256={sha256}"{" data-yanked" if name == WITHDRAWN else ""}>{name}</a>'
        for name in FILES + OTHERS
    ]
    return "text/html", "<!DOCTYPE html><html><body>" + "<br>".join(links) + "</body></html>"


@pytest.fixture(autouse=True)
def settings(monkeypatch, tmp_path):
    """Nothing of what this machine's pip and uv are set to; a server of the test is asked without a proxy."""
    for name in ("INDEX_URL", "EXTRA_INDEX_URL", "NO_INDEX", "CERT"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    for name in ("DEFAULT_INDEX", "INDEX_URL", "INDEX", "EXTRA_INDEX_URL"):
        monkeypatch.delenv(f"UV_{name}", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))
    monkeypatch.setattr(package_index.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(package_index, "SYSTEM_FILE", tmp_path / "none.conf")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def index():
    """An index on a port of its own; ``page`` is its answer, ``asked`` who asked for what."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server = self.server
            server.asked.append((self.path, self.headers.get("Authorization")))
            if server.user and self.headers.get("Authorization") != server.user:
                self.send_error(401)
                return
            kind, body = ("application/octet-stream", WHEEL) if self.path.startswith("/files/") else server.page
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else body.encode())

        def log_message(self, *_):
            """The test prints nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.page, server.asked, server.user = as_json(), [], None
    server.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("page", [as_json(), as_html()], ids=["json", "html"])
def test_the_newest_pure_wheel_that_fits_comes(index, page, tmp_path, monkeypatch):
    index.page = page
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{index.address}/simple/")
    path = package_index.download("RapidOCR", "==3.10.*", tmp_path)
    assert (path.name, path.read_bytes()) == ("rapidocr-3.10.2-py3-none-any.whl", WHEEL)
    assert [place for place, _ in index.asked] == ["/simple/rapidocr/", f"/files/{path.name}"]


def test_a_folder_may_be_an_index(tmp_path, monkeypatch):
    (tmp_path / "simple" / "rapidocr").mkdir(parents=True)
    (tmp_path / "files").mkdir()
    (tmp_path / "simple" / "rapidocr" / "index.html").write_text(as_html()[1])
    (tmp_path / "files" / "rapidocr-3.10.2-py3-none-any.whl").write_bytes(WHEEL)
    monkeypatch.setenv("UV_DEFAULT_INDEX", (tmp_path / "simple").as_uri())
    assert package_index.download("rapidocr", "==3.10.*", tmp_path).read_bytes() == WHEEL


def test_a_name_and_a_password_are_sent_and_not_shown(index, tmp_path, monkeypatch):
    index.user = USER
    monkeypatch.setenv("PIP_INDEX_URL", f"http://me:p%40ss@{index.address}/simple")
    assert package_index.download("rapidocr", "==3.10.*", tmp_path).read_bytes() == WHEEL
    assert [user for _, user in index.asked] == [USER, USER]
    monkeypatch.setenv("PIP_INDEX_URL", f"http://me:other@{index.address}/simple")
    with pytest.raises(OSError, match="401") as refused:
        package_index.download("rapidocr", "==3.10.*", tmp_path)
    assert "other" not in str(refused.value)


def test_a_wheel_that_is_not_what_the_index_says_is_refused(index, tmp_path, monkeypatch):
    index.page = as_json(sha256="0" * 64)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{index.address}/simple")
    with pytest.raises(OSError, match="instead of 0000"):
        package_index.download("rapidocr", "==3.10.*", tmp_path)


def test_every_index_is_asked_and_its_reason_told(index, tmp_path, monkeypatch):
    index.page = "text/html", "<html></html>"
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{index.address}/one")
    monkeypatch.setenv("UV_INDEX", f"name=http://{index.address}/two file:///nowhere")
    with pytest.raises(OSError, match=r"/one has no rapidocr==3.10.*; .*/two has no .*; file:///nowhere: "):
        package_index.download("rapidocr", "==3.10.*", tmp_path)


def test_the_indexes_are_those_of_pip_and_uv(tmp_path, monkeypatch):
    assert package_index.indexes() == [package_index.PYPI]
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://a/simple\nextra-index-url =\n  https://b\n  https://c\n"
    )
    assert package_index.indexes() == ["https://a/simple", "https://b", "https://c"]
    monkeypatch.setenv("UV_INDEX_URL", "https://d")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://e")
    assert package_index.indexes() == ["https://a/simple", "https://e"]
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    assert package_index.indexes() == ["https://d", "https://e"]
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert package_index.indexes() == []


def test_models_that_cannot_be_had_are_one_sentence_with_the_command(index, tmp_path, monkeypatch):
    index.page = "text/html", "<html></html>"
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{index.address}/simple")
    monkeypatch.setattr(store.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OcrError, match=r"has no rapidocr.*layoutserve ocr-models --wheel FILE"):
        store.fetch(tmp_path)
