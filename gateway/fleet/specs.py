"""Tells the engine how to run a session: where its keys lie and how it shows itself on the phone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from gateway.fleet.models import Session
from gateway.fleet.render import session_id
from gateway.kit.ids import render_id
from sessions.protocol import SessionSpec


class SessionDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """What applies to a session whose own settings say nothing else."""

    device_name: str = "wagate"
    history: Literal["none", "recent", "full"] = "recent"
    typing_events: bool = True


class Specs:
    """Makes a session's spec from its row."""

    def __init__(self, *, folder: Path, defaults: SessionDefaults) -> None:
        self._folder = folder
        self._defaults = defaults

    def of(self, session: Session) -> SessionSpec:
        """What a worker needs to run this session."""
        name = session_id(session)
        settings = msgspec.structs.asdict(self._defaults) | session.settings
        return msgspec.convert(
            {
                **settings,
                "session_id": name,
                "folder": str(self._folder / name),
                "group": render_id("org", session.org_id),
            },
            SessionSpec,
        )
