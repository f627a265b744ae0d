"""The `wagate` command."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Literal, NoReturn, TypeVar

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console
from rich.table import Table

from gateway import __version__
from gateway.config.loading import ConfigError, load_config
from gateway.config.settings import Config
from gateway.startup import CannotStartError, ExitCode, LoopbackFileError, read_loopback
from sessions.protocol import Loopback

T = TypeVar("T")

_HELP = """\
A standalone WhatsApp host gateway: many linked phones, one HTTP API, one daemon.

Settings come from a file and from the environment: `WAGATE_HTTP__PORT=3006` is `port` of `[http]`.
Exit codes: 0 all is well, 1 crashed, 2 wrong option or setting, 3 cannot start (port, data folder, store, engine).
"""

ConfigFile = Annotated[
    Path | None,
    Parameter(
        name=["--config", "-c"],
        env_var="WAGATE_CONFIG",
        help="Settings file. Without it config.toml in the current folder is read, if there is one.",
    ),
]
LoopbackFile = Annotated[Path | None, Parameter(name="--loopback-file", show=False)]

app = App(name="wagate", version=__version__, help=_HELP, help_format="markdown", result_action="return_value")
user_app = App(name="user", help="People who sign in.")
key_app = App(name="key", help="API keys.")
session_app = App(name="session", help="Linked phones.")
app.command(user_app)
app.command(key_app)
app.command(session_app)


@app.command
def serve(*, config: ConfigFile = None, loopback_file: LoopbackFile = None) -> None:
    """Run the gateway until it is stopped."""
    from gateway.serve import run_gateway

    settings, loopback = _settings(config, loopback_file)
    _run(lambda: run_gateway(settings, loopback))


@app.command
def sandbox(
    *,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    data: Path | None = None,
    port: int = 0,
    control_port: int = 0,
) -> None:
    """Start a WhatsApp of your own on this machine and a gateway joined to it.

    Parameters
    ----------
    as_json
        Print one line of JSON instead of a table.
    data
        Folder to keep everything in. Without it everything is deleted at the end.
    port
        Port of the gateway; any free one by default.
    control_port
        Port of the virtual phones; any free one by default.
    """
    from gateway.sandbox.command import run_sandbox

    _run(lambda: run_sandbox(data=data, as_json=as_json, port=port, control_port=control_port))


@app.command
def bench(*names: str, quick: bool = False) -> None:
    """Measure this machine against the promises, with a sandbox of its own.

    Parameters
    ----------
    names
        What to measure: pairing, send, receive, cold, kill. Everything by default.
    quick
        Fewer repetitions.
    """
    from gateway.bench.command import run_bench

    if not _run(lambda: run_bench(names=names, quick=quick)):
        sys.exit(ExitCode.CRASHED)


@app.command
def check(*, config: ConfigFile = None) -> None:
    """Check the settings and show what is in force, with passwords masked."""
    from gateway.config_text import effective

    settings, _ = _settings(config, None)
    sys.stdout.write(effective(settings))


@app.command
def doctor(*, config: ConfigFile = None) -> None:
    """Look at this machine the way the gateway will use it."""
    from gateway.doctor import Verdict
    from gateway.examination import examine

    settings, _ = _settings(config, None)
    findings = _run(lambda: examine(settings))
    marks = {
        Verdict.FINE: "[green]ok[/green]",
        Verdict.ADVICE: "[yellow]note[/yellow]",
        Verdict.WRONG: "[red]WRONG[/red]",
    }
    table = Table(show_header=False, box=None, padding=(0, 2))
    for finding in findings:
        remedy = f" → {finding.remedy}" if finding.remedy else ""
        table.add_row(marks[finding.verdict], finding.name, f"{finding.sentence}{remedy}")
    Console().print(table)
    if any(finding.verdict is Verdict.WRONG for finding in findings):
        sys.exit(ExitCode.CANNOT_START)


@app.command
def migrate(*, config: ConfigFile = None, loopback_file: LoopbackFile = None) -> None:
    """Bring the store to this version's schema. `serve` does it, too."""
    from gateway.startup import visited_store

    settings, loopback = _settings(config, loopback_file)

    async def work() -> None:
        async with visited_store(settings, loopback):
            pass

    _run(work)
    sys.stdout.write("The store is up to date.\n")


@app.command
def openapi() -> None:
    """Print the OpenAPI document of the HTTP API."""
    from gateway.examination import openapi_document

    sys.stdout.write(_run(openapi_document) + "\n")


@user_app.command(name="add")
def user_add(
    email: str,
    *,
    name: str = "",
    role: Literal["owner", "admin"] = "owner",
    config: ConfigFile = None,
    loopback_file: LoopbackFile = None,
) -> None:
    """Add a user who can sign in. The password is asked for, or read from standard input when that is a pipe.

    Parameters
    ----------
    email
        What the user signs in with.
    name
        What the user is called; the e-mail address by default.
    role
        What the user may do.
    """
    from gateway.access.models import Role
    from gateway.admin import visiting_admin

    settings, loopback = _settings(config, loopback_file)
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")

    async def work() -> None:
        async with visiting_admin(settings, loopback) as admin:
            await admin.add_user(name=name or email, email=email, password=password, role=Role(role))

    _run(work)
    sys.stdout.write(f"{email} can sign in now.\n")


@key_app.command(name="create")
def key_create(
    name: str,
    *,
    scope: list[str] | None = None,
    session: list[str] | None = None,
    plain: bool = False,
    config: ConfigFile = None,
    loopback_file: LoopbackFile = None,
) -> None:
    """Create an API key and print it. It is shown only this once.

    Parameters
    ----------
    name
        What it is for.
    scope
        Operations it may call, such as messages.*; repeat for more. Everything by default.
    session
        Session it may use, by id or name; repeat for more. All by default.
    plain
        Print nothing but the key.
    """
    from gateway.admin import visiting_admin

    settings, loopback = _settings(config, loopback_file)

    async def work() -> str:
        async with visiting_admin(settings, loopback) as admin:
            return await admin.create_key(name=name, scopes=scope or ["*"], sessions=session or [])

    key = _run(work)
    sys.stdout.write(f"{key}\n")
    if not plain:
        sys.stderr.write("Keep it safe: it is not shown again.\n")


@session_app.command(name="list")
def session_list(*, config: ConfigFile = None, loopback_file: LoopbackFile = None) -> None:
    """List the sessions and where they stand."""
    from gateway.admin import visiting_admin
    from gateway.kit.ids import render_id

    settings, loopback = _settings(config, loopback_file)

    async def work() -> list[tuple[str, ...]]:
        async with visiting_admin(settings, loopback) as admin:
            return [
                (render_id("ses", row.id), row.name, row.status, row.phone or "", row.reason or "")
                for row in await admin.list_sessions()
            ]

    table = Table("id", "name", "status", "phone", "reason", box=None, padding=(0, 2, 0, 0))
    for row in _run(work):
        table.add_row(*row)
    Console().print(table)


def main() -> None:
    """Entry point of the `wagate` command."""
    os.umask(0o077)  # keys and messages are nobody else's business
    try:
        app(exit_on_error=False)
    except CycloptsError:
        sys.exit(ExitCode.USAGE)


def _settings(config: Path | None, loopback_file: Path | None) -> tuple[Config, Loopback | None]:
    here = Path("config.toml")
    try:
        settings = load_config(config or (here if here.exists() else None))
        return settings, None if loopback_file is None else read_loopback(loopback_file)
    except (ConfigError, LoopbackFileError) as error:
        _fail(str(error), ExitCode.USAGE)


def _run(work: Callable[[], Awaitable[T]]) -> T:
    """Run a command to its end; what a person can do something about is one line, not a traceback."""
    from gateway.kit.errors import GatewayError

    async def run() -> T:
        return await work()

    try:
        return asyncio.run(run())
    except CannotStartError as error:
        _fail(str(error), ExitCode.CANNOT_START)
    except GatewayError as error:
        details = "".join(f" {field.path}: {field.problem}." for field in error.fields)
        _fail(f"{error.detail}{details}", ExitCode.USAGE)
    except KeyboardInterrupt:
        sys.exit(ExitCode.OK)


def _fail(text: str, code: ExitCode) -> NoReturn:
    for line in text.splitlines():
        sys.stderr.write(f"wagate: {line}\n")
    sys.exit(code)
