"""How a command ends. Nothing else is imported here, so that `wagate --help` is there at once."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How `wagate` ends; documented, so that scripts and systemd may rely on it."""

    OK = 0
    CRASHED = 1
    USAGE = 2  #: a wrong option or setting
    CANNOT_START = 3  #: port taken, data folder in use, database too new or out of reach, engine unusable


class CannotStartError(Exception):
    """The gateway cannot start here and now; the text is one line for the operator."""
