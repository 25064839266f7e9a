"""The map of the rooms names every file that is there, and none that is not."""

import re
from pathlib import Path

from layoutserve import service

ROOT = Path(service.__file__).parent


def test_the_map_names_every_file_outside_of_the_command_line():
    files = {path.relative_to(ROOT).with_suffix("").as_posix() for path in ROOT.rglob("*.py")}
    files = {file for file in files if "__" not in file and not file.startswith("cli/")}
    text = service.__doc__
    named = {*re.findall(r"^ {4}([a-z_/]+)", text, re.MULTILINE), *re.findall(r"``([a-z_/]+)``", text)}
    assert named - {"cli"} == files | {"cli/main", "cli/running"}


def test_no_file_is_long():
    lengths = {path.name: len(path.read_text().splitlines()) for path in ROOT.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 400} == {}
