"""The package as a user gets it: it stands alone, and its types are of use."""

import re
import subprocess
import sys
import time
import tomllib
import venv
from pathlib import Path

import pytest

CLIENT = Path(__file__).parents[2] / "client"


def test_it_imports_neither_model_nor_service_nor_anything_heavy():
    program = (
        "import sys, layoutserve_client, layoutserve_client.cli; "
        "print(sorted({name.split('.')[0] for name in sys.modules} "
        "& {'layoutserve', 'numpy', 'PIL', 'fastapi', 'starlette', 'torch', 'onnxruntime'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_index_page_says_whose_it_is_and_links_to_what_is_there():
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
    assert all((CLIENT / name).is_file() for name in (project["readme"], *project["license-files"]))
    assert project["authors"] and "Typing :: Typed" in project["classifiers"]
    links = re.findall(r"\]\(([^)]+)\)", (CLIENT / project["readme"]).read_text())
    assert links
    for link in (*links, *project["urls"].values()):
        assert link.startswith(project["urls"]["Homepage"])
        for file in re.findall(r"/(?:blob|tree)/HEAD/(.+)$", link):
            assert (CLIENT.parent / file).exists(), link


USER = """
import asyncio
from datetime import date
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, Field

from layoutserve_client import AsyncClient, Box, Client, LayoutServeError, Overloaded


class Receipt(BaseModel):
    total: Decimal
    issued: date | None = Field(None, alias="date")
    cashier: str | None = Field(None, description="Who served the customer?")


def main(client: Client, path: Path) -> None:
    result = client.kie(path, pages="1", ocr="always", timeout=10)
    total = result.fields["total"]
    amount: Decimal | None = total.amount
    box: Box = result.entities[0].box
    left: float = box.x0
    receipt: Receipt = client.extract(Receipt, path)
    receipt.total + 1
    for outcome in client.map([path, b"x"], concurrency=2, progress=True):
        print(outcome.unwrap().fields, outcome.error)
    for answered in client.map([path], lambda file: client.docvqa(file, "Who?", top_k=3)):
        print(answered.unwrap().answers[0].best)
    job = client.submit("docvqa", path, questions=["Who signed?"])
    print(client.wait(job, timeout=5).answers[0].no_answer_score)
    found = client.analyze(path, tasks=["kie", "classification"])
    if found.kie is not None:
        print(found.kie.fields)
    words = [{"text": "a", "box": [0.0, 0, 1, 1]}]
    client.kie(path, words=[{"text": "a", "box": (0, 0, 1, 1)}], words_unit="fractions")
    try:
        client.ocr(path)
    except Overloaded as error:
        print(error.retry_after_s, error.request_id)
    except LayoutServeError as error:
        print(error)


async def later(client: AsyncClient) -> None:
    receipt: Receipt = await client.extract(Receipt, b"x")
    async for outcome in client.map([b"x"], client.classification):
        print(outcome.unwrap().best.label, receipt.total)
    job = await client.submit("kie", b"x", idempotency_key="k")
    print((await client.wait(job)).fields["total"].value)


asyncio.run(later(AsyncClient()))
"""
WRONG = """
from layoutserve_client import Client

client = Client()
client.kie("a.jpg", page="1")
client.kie(3)
client.ocr("a.jpg", model="starter")
client.submit("docvqa", "a.pdf")
client.kie("a.jpg").fields["total"].boxes
client.wait(client.submit("ocr", "a.pdf")).entities
client.docvqa("a.jpg")
"""


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    """What mypy finds in both programs, by file and line."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "user.py").write_text(USER)
    (folder / "wrong.py").write_text(WRONG)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", folder / "cache", "user.py", "wrong.py"]
    environment = {"MYPYPATH": str(CLIENT), "PATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    assert done.stderr == ""
    lines = [line.split(":") for line in done.stdout.splitlines() if "error:" in line]
    return {(file, int(line)): message for file, line, _, *message in lines}


def test_a_users_program_type_checks(faults):
    assert {place: message for place, message in faults.items() if place[0] != "wrong.py"} == {}


def test_a_users_mistakes_are_found(faults):
    assert [line for file, line in faults if file == "wrong.py"] == [5, 6, 7, 8, 9, 10, 11]


@pytest.mark.slow
def test_it_installs_alone_in_a_fresh_environment_in_under_20_seconds(tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    began = time.monotonic()
    subprocess.run([python, "-m", "pip", "install", "--quiet", CLIENT], check=True)
    took = time.monotonic() - began
    program = "import layoutserve_client; print(layoutserve_client.__version__)"
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    )
    names = {line.split("==")[0].lower() for line in listed.stdout.splitlines()}
    assert done.stdout.strip() == tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]["version"]
    assert not names & {"layoutserve", "numpy", "torch", "onnxruntime", "fastapi", "pillow"}
    assert took < 20, f"installing took {took:.1f} s"
