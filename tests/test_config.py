"""Settings are read, checked and written out as the operator expects."""

from __future__ import annotations

import os
import re
import tomllib
from ipaddress import ip_network
from pathlib import Path

import pytest

import gateway
from gateway.config.loading import ConfigError, load_config
from gateway.config.settings import Config
from gateway.config_text import effective, example

EXAMPLE = Path(gateway.__file__).parents[1] / "config.example.toml"


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("WAGATE_")]:
        monkeypatch.delenv(name)

    def write_config(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, "utf-8")
        return path

    return write_config


def problems(path: Path | None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return list(caught.value.problems)


def test_without_any_settings_everything_has_a_default(write):
    config = load_config(None)

    assert (config.http.host, config.http.port) == ("127.0.0.1", 3005)
    assert config.public_url == "http://127.0.0.1:3005"
    assert config.database_url == f"sqlite:///{Path.cwd()}/wagate-data/wagate.db"


def test_the_file_is_read_and_the_environment_wins_over_it(write, monkeypatch):
    monkeypatch.setenv("WAGATE_HTTP__PORT", "4001")
    monkeypatch.setenv("WAGATE_GUARD__ALLOW_NETWORKS", '["127.0.0.0/8", "::1/128"]')

    config = load_config(write('[http]\nport = 4000\nhost = "0.0.0.0"\n'))

    assert (config.http.host, config.http.port) == ("0.0.0.0", 4001)
    assert config.guard.allow_networks == (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def test_a_misspelt_key_is_named_with_what_was_probably_meant(write):
    (problem,) = problems(write("[http]\nprot = 4000\n"))

    assert problem.startswith("http.prot: unknown name; did you mean port? known here: host, port,")


def test_a_misspelt_section_is_named_with_what_was_probably_meant(write):
    (problem,) = problems(write("[htpp]\nport = 4000\n"))

    assert problem.startswith("htpp: unknown name; did you mean http? known here: http, store,")


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("WAGATE_HTPP__PORT", "WAGATE_HTPP__PORT: unknown name; did you mean http?"),
        ("WAGATE_HTTP__PROT", "http.prot: unknown name; did you mean port?"),
    ],
)
def test_a_misspelt_variable_is_not_ignored(write, monkeypatch, name, beginning):
    monkeypatch.setenv(name, "1")

    (problem,) = problems(None)

    assert problem.startswith(beginning)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[http]\nport = 0", "http.port = 0: input should be greater than or equal to 1"),
        ("[http]\nport = 'x'", "http.port = 'x': input should be a valid integer"),
        ("[log]\nlevel = 'loud'", "log.level = 'loud': input should be 'debug', 'info', 'warning' or 'error'"),
        ("[http]\npublic_url = 'wa.example.com'", "http.public_url = 'wa.example.com': string should match pattern"),
        ("[guard]\nallow_networks = ['10.0.0.1/8']", "guard.allow_networks.0 = '10.0.0.1/8': "),
        ("[store]\nurl = 'mysql://root:secret@db/x'", "store.url = (hidden): only sqlite:///file and postgresql:"),
        ("[store]\nurl = 5", "store.url = (hidden): input should be a valid string"),
        ("[store]\nurl_file = '/nowhere/url'", "store.url_file = '/nowhere/url': cannot be read (No such file"),
        ("[store]\nurl = 'sqlite:///a'\nurl_file = 'b'", "store.url, store.url_file: set one of them, not both"),
        ("http = 5", "http = 5: input should be a valid dictionary"),
    ],
)
def test_a_wrong_value_is_told_in_one_line_with_key_value_and_what_is_allowed(write, text, problem):
    told = problems(write(text))

    assert all(line.startswith(problem) for line in told), told
    assert not any("\n" in line or "secret" in line for line in told)


def test_every_wrong_key_is_told_at_once(write):
    assert len(problems(write("[http]\nport = 0\nburst = 0\n[log]\nlevel = 'x'"))) == 3


def test_a_list_in_the_environment_may_be_separated_by_commas(write, monkeypatch):
    monkeypatch.setenv("WAGATE_GUARD__ALLOW_NETWORKS", "10.0.0.0/8, 127.0.0.0/8")

    assert load_config(None).guard.allow_networks == (ip_network("10.0.0.0/8"), ip_network("127.0.0.0/8"))


def test_a_section_in_the_environment_that_is_no_section_is_told(write, monkeypatch):
    monkeypatch.setenv("WAGATE_HTTP", "127.0.0.1:80")

    assert problems(None) == ["http = ['127.0.0.1:80']: input should be a valid dictionary or instance of HttpSection"]


def test_broken_toml_is_told_with_its_line(write):
    (problem,) = problems(write("[http]\nport = \n"))

    assert "not valid TOML" in problem
    assert "line 2" in problem


def test_a_file_that_is_not_there_is_told(tmp_path):
    assert problems(tmp_path / "none.toml") == [f"{tmp_path / 'none.toml'}: there is no such file"]


def test_the_address_of_the_store_can_come_from_a_file(write, tmp_path):
    (tmp_path / "url").write_text("postgresql://wagate:secret@db/wagate\n")

    config = load_config(write(f"[store]\nurl_file = '{tmp_path}/url'"))

    assert config.database_url == "postgresql://wagate:secret@db/wagate"


def test_what_is_in_force_can_be_read_back_and_hides_passwords(write):
    config = load_config(write('[store]\nurl = "postgresql://wagate:secret@db/wagate"\n[http]\nport = 4000\n'))

    text = effective(config)

    assert "secret" not in text
    assert tomllib.loads(text)["http"]["port"] == 4000


def test_the_example_file_is_the_one_that_the_classes_describe():
    assert EXAMPLE.read_text("utf-8") == example()


def test_the_example_lists_every_key_with_its_default(write):
    uncommented = re.sub(r"^# (\w+ = )", r"\1", EXAMPLE.read_text("utf-8"), flags=re.MULTILINE)

    assert load_config(write(uncommented)) == load_config(None)
    assert {name: set(keys) for name, keys in tomllib.loads(uncommented).items()} == {
        name: set(field.annotation.model_fields) for name, field in Config.model_fields.items()
    }


def test_every_key_is_used_where_the_gateway_is_put_together():
    folder = Path(gateway.__file__).parent
    files = [
        *folder.glob("assembly/*.py"),
        *folder.glob("cli/*.py"),
        *folder.glob("examining/*.py"),
        *(folder / f"{name}.py" for name in ("startup", "serve")),
    ]
    source = "".join(file.read_text("utf-8") for file in [*files, folder / "config" / "settings.py"])
    keys = {key for field in Config.model_fields.values() for key in field.annotation.model_fields}

    assert [key for key in sorted(keys) if not re.search(rf"\.{key}\b", source)] == []
