"""What every command and every result is."""

from __future__ import annotations

import msgspec


class Command(msgspec.Struct, frozen=True, tag_field="do", kw_only=True):
    """Base of what the daemon may ask of a session."""


class Result(msgspec.Struct, frozen=True, tag_field="is", kw_only=True):
    """Base of what a command gives back."""


class Done(Result, frozen=True, tag="done"):
    """Nothing to say but that it worked."""
