"""Why a backup or a restore cannot be done."""

from __future__ import annotations

from gateway.exits import CannotStartError


class BackupError(CannotStartError):
    """It cannot be done here and now; the text is one line for the operator."""
