"""The house stays in order: every file stands on a map, modules stay short, and nothing goes round in circles."""

import ast
import re
from itertools import chain
from pathlib import Path
from statistics import median

import grimp
import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(
    path for room in ("model", "service") for path in (ROOT / room).rglob("*.py") if path.name != "__init__.py"
)
# The layers of a network belong together, however many there are.
NETWORKS = ROOT / "model" / "network"


def lines(path):
    return len(path.read_text(encoding="utf-8").splitlines())


def maps_above(path):
    """The docstrings of the rooms that a file is in, from its own to the top one."""
    rooms = [room for room in path.parents if room != ROOT and ROOT in room.parents]
    return "\n".join(ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8"))) for room in rooms)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_is_on_the_map_of_its_room_or_of_one_above(path):
    assert re.search(rf"(?<![\w-]){re.escape(path.stem)}(?![\w-])", maps_above(path))


def test_maps_name_no_file_that_is_gone():
    """What stands as ``room/file`` on a map is there."""
    for room in ("model", "service"):
        text = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8")))
        named = re.findall(r"(?m)(?:^ {4}|, |``)(\w+/\w+(?:/\w+)*)", text)
        assert named
        known = {str(path.relative_to(ROOT / room).with_suffix("")) for path in (ROOT / room).rglob("*")}
        assert {name for name in named if name.removeprefix(f"{room}/") not in known} == set()


def test_modules_are_short():
    assert {str(path) for path in FILES if lines(path) > 400 and NETWORKS not in path.parents} == set()
    assert median(lines(path) for path in FILES) < 150


def test_the_top_floor_of_the_model_has_four_modules_at_most():
    assert len([path for path in FILES if path.parent == ROOT / "model"]) <= 4


def test_no_file_is_in_a_circle_of_imports():
    graph = grimp.build_graph("layoutserve")
    below = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    # What imports nothing that is left cannot be in a circle, so it is taken away until nothing changes.
    while free := {module for module, imported in below.items() if not imported & below.keys()}:
        below = {module: imported for module, imported in below.items() if module not in free}
    assert sorted(below) == []


def test_the_readme_names_every_room_and_no_other():
    tree = re.search(r"```text\nmodel/ .*?```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    named = [f"{top}{room}" for top, room in rooms(tree)]
    assert [name for name in named if not (ROOT / name).is_dir()] == []
    there = chain(*((ROOT / top).iterdir() for top in ("model", "service")))
    kept = (path for path in there if path.is_dir() and any(part.name != "__pycache__" for part in path.iterdir()))
    folders = {str(path.relative_to(ROOT)) + "/" for path in kept if path.name != "__pycache__"}
    assert folders <= set(named)


def rooms(tree):
    """The folders of a tree of indented lines, as the folder above and the name; a name may hold several folders."""
    top = ""
    for line in tree.splitlines():
        if found := re.match(r"(  )?([\w/]+/)", line):
            top = top if found[1] else ""
            yield top, found[2]
            top = top or found[2]
