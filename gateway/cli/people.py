"""Commands about who may use the gateway: users and API keys."""

from __future__ import annotations

import getpass
import sys
from typing import Literal

from gateway.cli.invocation import ConfigFile, LoopbackFile, read_settings, run_to_end


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

    settings, loopback = read_settings(config, loopback_file)
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")

    async def work() -> None:
        async with visiting_admin(settings, loopback) as admin:
            await admin.add_user(name=name or email, email=email, password=password, role=Role(role))

    run_to_end(work)
    sys.stdout.write(f"{email} can sign in now.\n")


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

    settings, loopback = read_settings(config, loopback_file)

    async def work() -> str:
        async with visiting_admin(settings, loopback) as admin:
            return await admin.create_key(name=name, scopes=scope or ["*"], sessions=session or [])

    key = run_to_end(work)
    sys.stdout.write(f"{key}\n")
    if not plain:
        sys.stderr.write("Keep it safe: it is not shown again.\n")
