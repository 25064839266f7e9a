"""README and guides keep their word: their code is run, and what they say is printed is what is printed.

Every ``console`` block holds commands (``$ ...``, continued after ``\\`` and ``|``) and their output, every ``python``
block is a program, its output the ``text`` block that follows; ``norun`` after the language, with a reason, excepts a
block.

They are run in a folder with the samples, against a running service with the starter bundle. Outputs are compared,
numbers nearly: processors round differently.

``python tests/test_documentation.py http://127.0.0.1:8080`` writes the true outputs of that service into the files, and
draws the pictures anew.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [
    ROOT / "README.md",
    ROOT / "client" / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
SAMPLES = ROOT / "service" / "playground" / "samples"
ADDRESS = "http://127.0.0.1:8080"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


@dataclass
class Block:
    """A fenced block: its language, what follows it, its lines, and the number of its first line."""

    language: str
    remark: str
    lines: list[str]
    start: int


def blocks(path):
    found, block = [], None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        if block is None and line.startswith("```"):
            language, _, remark = line[3:].partition(" ")
            block = Block(language, remark, [], number + 1)
        elif block is not None and line == "```":
            found.append(block)
            block = None
        elif block is not None:
            block.lines.append(line)
    assert block is None, f"{path.name}: the block at line {block.start} does not end"
    return found


def commands(lines):
    """Commands of a console block with the output that is said to follow each."""
    said = []
    for line in lines:
        if line.startswith("$ "):
            said.append(([line[2:]], []))
        elif said and said[-1][0][-1].endswith(("\\", "|")) and not said[-1][1]:
            said[-1][0].append(line)
        else:
            assert said, f"output without a command: {line}"
            said[-1][1].append(line)
    return [("\n".join(command), output) for command, output in said]


def uses(path, tool):
    """Whether a command of the file needs a tool that Python does not bring."""
    return any(tool in line.split() for block in blocks(path) if block.language == "console" for line in block.lines)


def run(command, folder, url):
    """Run a command or program in the folder and give its output; fails where it does."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LAYOUTSERVE_")}
    environment |= {"PATH": f"{Path(sys.executable).parent}:{environment['PATH']}", "COLUMNS": "100"}
    environment |= {"LAYOUTSERVE_BASE_URL": url, "PYTHONWARNINGS": "error"}
    arguments = [sys.executable, "-c", command] if isinstance(command, Program) else ["bash", "-ec", command]
    done = subprocess.run(
        [argument.replace(ADDRESS, url) for argument in arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return [line.replace(url, ADDRESS).rstrip() for line in done.stdout.rstrip("\n").split("\n")] if done.stdout else []


class Program(str):
    """Python code; other strings are for the shell."""


def said_and_done(path, folder, url):
    """Run what a file says in turn; gives for each step block, command, the lines said and the lines printed."""
    found = blocks(path)
    for index, block in enumerate(found):
        if block.remark.startswith("norun"):
            assert len(block.remark) > 10, f"{path.name}:{block.start}: say why it is not run"
        elif block.language == "console":
            for command, output in commands(block.lines):
                yield block, command, output, run(command, folder, url)
        elif block.language == "python":
            after = found[index + 1] if index + 1 < len(found) and found[index + 1].language == "text" else None
            printed = run(Program("\n".join(block.lines)), folder, url)
            if after is not None:
                yield after, None, after.lines, printed
            else:
                assert printed == [], f"{path.name}:{block.start}: prints what is not said to be printed"


def alike(said, printed):
    """Whether two outputs are the same but for ids, and numbers that another processor rounds otherwise."""
    said, printed = (re.sub(r"\b[0-9a-f]{32}\b", "ID", "\n".join(lines)) for lines in (said, printed))
    if NUMBER.sub("N", said) != NUMBER.sub("N", printed):
        return False
    pairs = zip(NUMBER.findall(said), NUMBER.findall(printed), strict=True)
    # Scores by a twentieth, edges of boxes by a pixel.
    return all(abs(float(one) - float(other)) <= (0.05 if abs(float(one)) <= 1 else 1.0) for one, other in pairs)


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(SAMPLES, tmp_path / "samples")
    return tmp_path / "samples"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_is_run_and_gives_what_is_said(path, folder, starter):
    for block, command, said, printed in said_and_done(path, folder, starter):
        where = f"{path.name}:{block.start} {command or 'the program above'}"
        assert alike(said, printed), f"{where} prints\n{_text(printed)}\nand is said to print\n{_text(said)}"


def _text(lines):
    return "\n".join(lines)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    text = re.sub(r"```.*?\n```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'(?:src|href|srcset)="([^"#]+)"', text):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}, which is not there"


def test_json_in_the_guides_is_json():
    for path in FILES:
        for block in blocks(path):
            if block.language == "json":
                json.loads("\n".join(block.lines))


def test_every_setting_is_listed_in_the_guide():
    from layoutserve.service.settings import PREFIX, Settings

    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(LAYOUTSERVE_\w+)` \|", text, re.MULTILINE))
    assert listed == {PREFIX + name.upper() for name in Settings.model_fields}


def test_every_problem_is_listed_in_the_guide():
    from layoutserve.model.errors import LayoutServeError
    from layoutserve.service.errors import status_of

    text = (ROOT / "docs" / "rest.md").read_text(encoding="utf-8")
    listed = {(int(status), slug) for status, slug in re.findall(r"^\| (\d{3}) \| `([a-z-]+)` \|", text, re.MULTILINE)}
    # Some problems are never seen by a caller: the connection is gone by then.
    classes = [c for c in with_subclasses(LayoutServeError) if c.__module__.startswith("layoutserve")]
    told = {(status_of(class_), class_.slug) for class_ in classes} - {(499, "client-departed")}
    assert listed == told


def with_subclasses(class_):
    return {class_, *(found for below in class_.__subclasses__() for found in with_subclasses(below))}


def test_every_path_is_listed_in_the_guide():
    yaml = pytest.importorskip("yaml")
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
    text = (ROOT / "docs" / "rest.md").read_text(encoding="utf-8")
    for path, verbs in document["paths"].items():
        for verb in verbs:
            assert f"`{verb.upper()} {path}`" in text


def test_every_public_name_of_the_client_is_in_its_guide():
    import layoutserve_client

    text = (ROOT / "docs" / "sdk.md").read_text(encoding="utf-8")
    names = [
        *layoutserve_client.__all__,
        *(name for name in vars(layoutserve_client.Client) if not name.startswith("_")),
    ]
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []


def draw(url):
    """Draw the pictures of the README: a real answer, and the playground with it."""
    from playwright.sync_api import sync_playwright

    from layoutserve_client import Client

    with Client(url) as client:
        result = client.kie(SAMPLES / "receipt.jpg")
    result.draw(SAMPLES / "receipt.jpg").save(ROOT / "docs" / "answer.jpg", quality=85)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
        page.goto(url)
        page.get_by_role("button", name="Receipt").click()
        page.locator("#timings .bar").first.wait_for()
        page.get_by_role("button", name="Ask").click()
        page.locator("#answers .answered").wait_for()
        page.screenshot(path=ROOT / "docs" / "playground.png")
        browser.close()


def write(url):
    """Write the true outputs into the files."""
    for path in FILES:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(shutil.copytree(SAMPLES, Path(temporary) / "samples"))
            lines = path.read_text(encoding="utf-8").splitlines()
            replaced = {}
            for block, command, _, printed in said_and_done(path, folder, url):
                begun = [] if command is None else [*f"$ {command}".split("\n")]
                replaced.setdefault(block.start, (block, []))[1].extend([*begun, *printed])
            for start, (block, new) in sorted(replaced.items(), reverse=True):
                lines[start : start + len(block.lines)] = new
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    draw(sys.argv[1])
    write(sys.argv[1])
