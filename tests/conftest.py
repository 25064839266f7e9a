"""What the tests of several packages share: the service as a user runs it, in a process of its own."""

import contextlib
import lzma
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent

# A commit's tests try the same examples every time; `make properties` looks for others.
settings.register_profile("same", derandomize=True, print_blob=True)
settings.register_profile("search", print_blob=True)
settings.load_profile("same")


@pytest.fixture(scope="session")
def golden_sets(tmp_path_factory):
    """A folder of the golden sets, each a checkpoint in Hugging Face's layout: here its weights are unpacked."""
    folder = tmp_path_factory.mktemp("golden")
    for packed in (TESTS / "golden").glob("*/model.safetensors.xz"):
        copy = folder / packed.parent.name
        shutil.copytree(packed.parent, copy, ignore=shutil.ignore_patterns("*.xz"))
        (copy / packed.stem).write_bytes(lzma.decompress(packed.read_bytes()))
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory):
    """The bundle of the service's own tests: a tiny network with random weights and all three heads."""
    spec = spec_from_file_location("service_conftest", TESTS / "service" / "conftest.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_bundle(tmp_path_factory.mktemp("served") / "bundles")


@contextlib.contextmanager
def serve(folder: Path, **settings: object):
    """Run ``layoutserve serve`` until the block ends; gives its address once it is ready."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LAYOUTSERVE_")}
    environment |= {f"LAYOUTSERVE_{name.upper()}": str(value) for name, value in settings.items()}
    environment["LAYOUTSERVE_DATA_FOLDER"] = str(folder / "data")
    url = f"http://127.0.0.1:{port}"
    with (folder / "log.txt").open("w") as log:
        command = [sys.executable, "-m", "layoutserve.service", "serve", "--port", str(port)]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=TESTS.parent)
        try:
            _wait_until_ready(url, process, folder / "log.txt")
            yield url
        finally:
            process.terminate()
            process.wait(30)


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 240
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url + "/health/ready", timeout=5):
            return
        time.sleep(0.1)
    raise AssertionError(f"The service did not get ready:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def served(tiny_bundle, tmp_path_factory):
    """The address of a running service with the tiny bundle and the real OCR."""
    with serve(tmp_path_factory.mktemp("service"), bundles=tiny_bundle, starter=False) as url:
        yield url


@pytest.fixture(scope="session")
def starter(tmp_path_factory):
    """The address of a running service as ``make serve`` starts it: with the model that comes along."""
    with serve(tmp_path_factory.mktemp("starter")) as url:
        yield url
