"""Where a command takes the key or passphrase of an archive from: never from its arguments, which everybody sees."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from gateway.cli.invocation import fail
from gateway.exits import ExitCode

VARIABLE: Final = "WAGATE_ARCHIVE_PASSPHRASE"

KeyFile = Annotated[
    Path | None,
    Parameter(
        name="--key-file",
        help=f"File that holds the key or passphrase. Without it: the variable {VARIABLE}, or standard input when that "
        "is a pipe, or a question on the terminal.",
    ),
]


def read_secret(key_file: Path | None, *, fallback: str = "", is_new: bool) -> bytes:
    """The secret, from the first place that has one. A new one is asked for twice."""
    named = key_file or (None if VARIABLE in os.environ or not fallback else Path(fallback))
    if named is not None:
        return _from_file(named)
    if VARIABLE in os.environ:
        return os.environ[VARIABLE].encode()
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip().encode()
    return _asked(is_new=is_new)


def _from_file(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError as error:
        fail(f"{path}: cannot be read ({error.strerror})", ExitCode.USAGE)


def _asked(*, is_new: bool) -> bytes:
    secret = getpass.getpass("Passphrase: ")
    if is_new and getpass.getpass("Once more: ") != secret:
        fail("the two are not the same", ExitCode.USAGE)
    return secret.encode()
