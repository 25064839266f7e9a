"""API keys: made, written down and refused."""

import pytest

from layoutserve.service.cli.main import main
from layoutserve.service.errors import SettingsError
from layoutserve.service.http.auth import load_keys
from layoutserve.service.settings import Settings


def test_what_api_key_prints_can_be_pasted_into_the_file(tmp_path, capsys):
    file = tmp_path / "keys.txt"
    assert main(["api-key", "anna"]) == 0
    printed = capsys.readouterr()
    file.write_text(printed.err)
    keys = load_keys(Settings(api_keys_file=file))
    assert keys.name_of(f"Bearer {printed.out.strip()}") == "anna"
    assert main(["api-key", "anna smith"]) == 2
    assert "at most 64 letters" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["no colon", "anna:", "an na:secret", "anna:sha256:12", "bert:secret"])
def test_a_key_that_is_refused_is_named_by_its_file_and_line_and_not_shown(tmp_path, line):
    file = tmp_path / "keys.txt"
    file.write_text(f"# keys\n\nbert:hidden\n{line}\n")
    with pytest.raises(SettingsError) as refused:
        load_keys(Settings(api_keys_file=file))
    assert str(refused.value).startswith(f"{file}, line 4, ")
    assert "secret" not in str(refused.value) and "hidden" not in str(refused.value)
