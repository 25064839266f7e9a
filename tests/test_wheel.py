"""The wheel as an index gets it: what is inside, what it says of itself, and that its README works elsewhere."""

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from layoutserve.model.ops import LIBRARY

ROOT = Path(__file__).parents[1]


def build(folder, native):
    command = [sys.executable, "setup.py", "--quiet", "bdist_wheel", "--dist-dir", folder, "--bdist-dir", folder / "b"]
    environment = os.environ | {"LAYOUTSERVE_NATIVE": native, "PYTHONWARNINGS": "ignore"}
    subprocess.run(command, check=True, cwd=ROOT, env=environment, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def pure(tmp_path_factory):
    return build(tmp_path_factory.mktemp("pure"), "no")


def text(wheel, name):
    with zipfile.ZipFile(wheel) as archive:
        (member,) = (member for member in archive.namelist() if member.endswith(f".dist-info/{name}"))
        return archive.read(member).decode()


def files(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_it_holds_one_package_with_its_data_and_nothing_else(pure):
    names = files(pure)
    tracked = {
        f"layoutserve/{path.relative_to(ROOT)}" for room in ("model", "service") for path in (ROOT / room).rglob("*.py")
    }
    assert {name for name in names if name.endswith(".py")} == tracked | {"layoutserve/__init__.py"}
    assert {"layoutserve/model/bundles/starter/encoder.onnx", "layoutserve/service/playground/index.html"} <= names
    assert not {Path(name).suffix for name in names} & {".cc", ".h", ".sh", ".pyc", ".o", ".txt"}


def test_it_is_for_any_platform_without_the_operators(pure):
    assert pure.name.endswith("-py3-none-any.whl")
    assert "Root-Is-Purelib: true\n" in text(pure, "WHEEL")


@pytest.mark.skipif(not LIBRARY.exists(), reason="the native operators are not built")
def test_it_names_its_platform_with_them(pure, tmp_path):
    wheel = build(tmp_path, "required")
    assert re.search(r"-py3-none-(?!any)\w+\.whl$", wheel.name)
    assert "Root-Is-Purelib: false\n" in text(wheel, "WHEEL")
    assert files(wheel) - files(pure) == {f"layoutserve/model/ops/native/{LIBRARY.name}"}


def test_its_readme_has_no_path_of_the_repository(pure):
    metadata = message_from_string(text(pure, "METADATA"))
    assert metadata["Description-Content-Type"] == "text/markdown"
    readme = metadata.get_payload()
    targets = re.findall(r'(?:\]\(|src=")([^)"]+)', readme)
    assert len(targets) > 10
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []


def test_it_carries_the_licences_of_code_and_weights(pure):
    assert "Apache License" in text(pure, "licenses/LICENSE")
    assert "SROIE" in text(pure, "licenses/layoutserve/model/bundles/starter/NOTICE")


def megabytes(folder):
    return round(sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6)


@pytest.mark.slow
@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_the_guides_lines_without_docker_lead_to_a_service_that_is_ready(pure, tmp_path, installer):
    """As they stand in the guide, but for the wheel, which no index has yet; an environment of uv has no pip."""
    if installer == "uv" and not shutil.which("uv"):
        pytest.skip("needs uv")
    guide = (ROOT / "docs" / "deploy.md").read_text().partition("## Without Docker")[2].partition("\n## ")[0]
    install, serve = (line.partition("#")[0].strip() for line in re.findall(r"^\$ (.+)$", guide, re.MULTILINE))
    assert "'layoutserve[cpu]'" in install and serve == "layoutserve serve"
    install = install.replace("layoutserve[cpu]", f"{pure}[cpu]")
    folder = tmp_path / "environment"
    if installer == "uv":
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, folder], check=True)
        install = f"uv {install}"
    else:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    unset = ("PYTHONPATH", "PYTHONHOME", "LAYOUTSERVE_DATA_FOLDER")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"PATH": f"{folder / 'bin'}:{environment['PATH']}", "VIRTUAL_ENV": str(folder)}
    # A user who has nothing yet, neither models nor jobs.
    environment |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "LAYOUTSERVE_PORT": "0"}
    environment |= {"LAYOUTSERVE_DATA_FOLDER": str(tmp_path / "jobs")}
    began = time.monotonic()
    subprocess.run(["bash", "-ec", install], check=True, cwd=tmp_path, env=environment)
    installed = time.monotonic()
    log = tmp_path / "log"
    with log.open("w") as lines:
        process = subprocess.Popen(["bash", "-ec", f"exec {serve}"], cwd=tmp_path, env=environment, stderr=lines)
    try:
        while '"event": "ready"' not in log.read_text():
            assert process.poll() is None and time.monotonic() < installed + 300, log.read_text()
            time.sleep(0.2)
    finally:
        process.terminate()
        assert process.wait(60) == 0
    told = f"{installer}: installed in {installed - began:.0f} s, ready {time.monotonic() - installed:.0f} s later"
    print(f"{told}; {megabytes(folder)} MB, and {megabytes(tmp_path / 'cache')} MB of OCR models")
