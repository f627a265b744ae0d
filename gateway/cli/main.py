"""Puts the commands together, and the entry point of `wagate`."""

from __future__ import annotations

import os
import sys

from cyclopts import App, CycloptsError

from gateway import __version__
from gateway.cli import backups, looking, measuring, people, serving, sessions
from gateway.exits import ExitCode

_HELP = """\
A standalone WhatsApp host gateway: many linked phones, one HTTP API, one daemon.

Settings come from a file and from the environment: `WAGATE_HTTP__PORT=3006` is `port` of `[http]`.
Exit codes: 0 all is well, 1 crashed, 2 wrong option or setting, 3 cannot start (port, data folder, store, engine).
"""


def build_app() -> App:
    """Every command under its name."""
    app = App(name="wagate", version=__version__, help=_HELP, help_format="markdown", result_action="return_value")
    user = App(name="user", help="People who sign in.")
    user.command(people.user_add, name="add")
    key = App(name="key", help="API keys.")
    key.command(people.key_create, name="create")
    session = App(name="session", help="Linked phones.")
    session.command(sessions.session_list, name="list")
    session.command(sessions.session_export, name="export")
    session.command(sessions.session_import, name="import")
    backup = App(name="backup", help="Everything in one encrypted file.")
    backup.default(backups.backup)
    backup.command(backups.verify)
    for group in (user, key, session, backup):
        app.command(group)
    for command in (
        serving.serve,
        serving.sandbox,
        measuring.bench,
        measuring.torture,
        backups.restore,
        looking.check,
        looking.doctor,
        looking.migrate,
        looking.openapi,
    ):
        app.command(command)
    return app


def main() -> None:
    """Entry point of the `wagate` command."""
    os.umask(0o077)  # keys and messages are nobody else's business
    try:
        build_app()(exit_on_error=False)
    except CycloptsError:
        sys.exit(ExitCode.USAGE)
