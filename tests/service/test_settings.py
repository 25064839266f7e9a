from pathlib import Path

import pytest
from pydantic import ValidationError

from layoutserve.service.errors import SettingsError
from layoutserve.service.settings import Settings, load


def test_defaults_stand_without_environment_or_file():
    settings = load({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert not settings.beyond_loopback


def test_environment_wins_over_file_and_arguments_win_over_both(tmp_path: Path):
    file = tmp_path / "layoutserve.toml"
    file.write_text('port = 1\nmax_pages = 7\nbundles = ["/a", "/b"]\n')
    environment = {"LAYOUTSERVE_SETTINGS_FILE": str(file), "LAYOUTSERVE_PORT": "2", "LAYOUTSERVE_HOST": "0.0.0.0"}
    assert load(environment).port == 2
    settings = load(environment, port=3)
    assert (settings.port, settings.max_pages, settings.bundles) == (3, 7, (Path("/a"), Path("/b")))
    assert settings.beyond_loopback


def test_lists_are_separated_by_commas_in_the_environment():
    settings = load({"LAYOUTSERVE_BUNDLES": "/a, /b", "LAYOUTSERVE_API_KEYS": "anna:one,bert:two"})
    assert settings.bundles == (Path("/a"), Path("/b"))
    assert settings.api_keys == ("anna:one", "bert:two")


def test_keys_are_not_in_the_representation():
    assert "secret" not in repr(load({"LAYOUTSERVE_API_KEYS": "anna:secret"}))


def test_unknown_variable_is_refused_with_the_nearest_name():
    with pytest.raises(
        SettingsError, match=r"LAYOUTSERVE_MAX_PAGE is not a setting. Did you mean LAYOUTSERVE_MAX_PAGES"
    ):
        load({"LAYOUTSERVE_MAX_PAGE": "3"})


def test_unknown_name_in_the_file_is_refused(tmp_path: Path):
    file = tmp_path / "settings.toml"
    file.write_text("prot = 1\n")
    with pytest.raises(SettingsError, match="Did you mean port"):
        load({"LAYOUTSERVE_SETTINGS_FILE": str(file)})


def test_a_value_that_does_not_fit_is_refused_with_its_name():
    with pytest.raises(SettingsError, match="port"):
        load({"LAYOUTSERVE_PORT": "70000"})


def test_a_missing_or_broken_file_is_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="cannot be read"):
        load({"LAYOUTSERVE_SETTINGS_FILE": str(tmp_path / "none.toml")})
    (tmp_path / "broken.toml").write_text("port = = 1")
    with pytest.raises(SettingsError, match="cannot be read"):
        load({"LAYOUTSERVE_SETTINGS_FILE": str(tmp_path / "broken.toml")})


def test_variables_of_the_client_are_left_alone():
    load({"LAYOUTSERVE_BASE_URL": "http://127.0.0.1:8080", "LAYOUTSERVE_API_KEY": "k"})


def test_settings_are_frozen_and_read_no_environment_by_themselves(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LAYOUTSERVE_PORT", "99")
    settings = Settings()
    assert settings.port == 8080
    with pytest.raises(ValidationError):
        settings.port = 1
