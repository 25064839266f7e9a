import subprocess
import sys

import pytest

from layoutserve.service.cli.main import build_parser, main


def test_help_lists_every_command_with_its_sentence(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    assert "doctor" in capsys.readouterr().out


def test_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["no-such-command"])
    assert stop.value.code == 2
    assert "no-such-command" in capsys.readouterr().err


def test_an_error_of_ours_is_one_sentence_and_exit_code_2(capsys, tmp_path):
    code = main(["run", "--bundle", str(tmp_path), "--inputs", "x.npz", "--output", "y.npz"])
    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert captured.err.startswith("layoutserve run: ")
    assert "Traceback" not in captured.err


def test_building_the_parser_imports_nothing_heavy():
    heavy = ("torch", "onnxruntime", "paddleocr", "fastapi", "onnx", "rich", "numpy.testing")
    code = (
        f"import sys; from layoutserve.service.cli.main import build_parser; build_parser(); "
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_every_command_has_help():
    parser = build_parser()
    (commands,) = (action for action in parser._actions if isinstance(action.choices, dict))
    for name, subparser in commands.choices.items():
        assert subparser.description, name
