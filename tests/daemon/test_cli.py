"""The `wagate` command does what its help says, and ends with the code that it promises."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

REPOSITORY = Path(__file__).parents[2]
COMMANDS = ("serve", "sandbox", "bench", "check", "doctor", "migrate", "user", "key", "session", "openapi")


@pytest.fixture
def wagate(tmp_path):
    """``wagate("key", "create", "x")`` runs the command in an empty folder; gives the finished process."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAGATE_")}

    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gateway", *arguments],
            cwd=tmp_path,
            env=inherited | {"PYTHONPATH": str(REPOSITORY)} | environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_help_names_every_command_and_the_exit_codes(wagate):
    shown = wagate("--help").stdout

    assert [name for name in COMMANDS if not re.search(rf"^│ {name} ", shown, re.MULTILINE)] == []
    assert "Exit codes: 0" in shown
    assert "--loopback-file" not in wagate("serve", "--help").stdout


def test_version_is_printed(wagate):
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", wagate("--version").stdout)


@pytest.mark.parametrize("arguments", [("frob",), ("serve", "--frob"), ("key", "create")])
def test_a_wrong_command_line_ends_with_2(wagate, arguments):
    assert wagate(*arguments).returncode == 2


def test_check_shows_what_is_in_force(wagate, tmp_path):
    (tmp_path / "config.toml").write_text('[http]\nport = 4321\n[store]\nurl = "postgresql://u:hush@db/x"\n')

    checked = wagate("check", WAGATE_LOG__LEVEL="warning")

    settings = tomllib.loads(checked.stdout)
    assert (settings["http"]["port"], settings["log"]["level"]) == (4321, "warning")
    assert "hush" not in checked.stdout


def test_check_names_what_is_wrong_and_ends_with_2(wagate, tmp_path):
    (tmp_path / "other.toml").write_text("[http]\nport = 0\nprot = 1\n")

    checked = wagate("check", "--config", "other.toml")

    assert checked.returncode == 2
    assert checked.stdout == ""
    assert [line.partition(": ")[0] for line in checked.stderr.splitlines()] == ["wagate"] * 2


def test_the_settings_file_can_be_named_in_the_environment(wagate, tmp_path):
    (tmp_path / "other.toml").write_text("[http]\nport = 4322\n")

    assert tomllib.loads(wagate("check", WAGATE_CONFIG="other.toml").stdout)["http"]["port"] == 4322


def test_migrate_makes_the_store(wagate, tmp_path):
    assert wagate("migrate").returncode == 0
    assert (tmp_path / "wagate-data" / "wagate.db").exists()


def test_a_key_is_printed_once_and_kept_only_as_a_hash(wagate, tmp_path):
    made = wagate("key", "create", "shop", "--scope", "messages.*", "--plain")

    key = made.stdout.strip()
    assert re.fullmatch(r"wag_[0-9A-Za-z]{36}", key)
    assert made.stderr == ""
    assert key.encode() not in (tmp_path / "wagate-data" / "wagate.db").read_bytes()


def test_a_key_for_a_session_that_is_not_there_is_refused(wagate):
    made = wagate("key", "create", "shop", "--session", "nowhere")

    assert made.returncode == 2
    assert made.stderr == "wagate: There is no such session.\n"


def test_a_user_is_added_with_a_password_from_standard_input(wagate, tmp_path):
    added = wagate("user", "add", "ada@example.com", "--name", "Ada", stdin="correct horse battery\n")

    assert added.returncode == 0, added.stderr
    assert b"correct horse" not in (tmp_path / "wagate-data" / "wagate.db").read_bytes()


def test_a_weak_password_is_refused_in_words(wagate):
    added = wagate("user", "add", "ada@example.com", stdin="short\n")

    assert added.returncode == 2
    assert "password" in added.stderr
    assert "short" not in added.stderr


def test_sessions_are_listed(wagate):
    listed = wagate("session", "list")

    assert listed.returncode == 0
    assert listed.stdout.split()[:3] == ["id", "name", "status"]


def test_the_doctor_finds_a_healthy_machine_healthy(wagate):
    examined = wagate("doctor", COLUMNS="200")

    assert examined.returncode == 0, examined.stdout + examined.stderr
    assert "engine" in examined.stdout
    assert "WRONG" not in examined.stdout


def test_the_doctor_finds_a_broken_store(wagate, tmp_path):
    (tmp_path / "wagate-data").mkdir(mode=0o700)
    (tmp_path / "wagate-data" / "wagate.db").write_bytes(b"certainly not a database" * 100)

    examined = wagate("doctor", COLUMNS="200")

    assert examined.returncode == 3
    assert "file is not a database" in examined.stdout


def test_the_openapi_document_is_printed(wagate):
    document = json.loads(wagate("openapi").stdout)

    assert document["openapi"].startswith("3.1")
    assert {"/api/v1/messages", "/api/v1/sessions", "/api/v1/webhooks", "/healthz"} <= set(document["paths"])
