"""Tells the engine how to run a session: where its keys lie and how it shows itself on the phone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from gateway.fleet.models import Session
from gateway.fleet.proxies import ProxySeals
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

    def __init__(self, *, folder: Path, defaults: SessionDefaults, seals: ProxySeals) -> None:
        self._folder = folder
        self._defaults = defaults
        self._seals = seals

    def of(self, session: Session) -> SessionSpec:
        """What a worker needs to run this session."""
        name = session_id(session)
        settings = msgspec.structs.asdict(self._defaults) | session.settings
        ignore = settings.get("ignore")
        spec = msgspec.convert(
            {
                **{key: value for key, value in settings.items() if key != "proxy"},
                "channel_events": not (isinstance(ignore, dict) and ignore.get("channels")),
                "session_id": name,
                "folder": str(self._folder / name),
                "group": render_id("org", session.org_id),
            },
            SessionSpec,
        )
        return msgspec.structs.replace(spec, proxy=self._seals.open(session))


def needs_new_worker(before: SessionSpec, after: SessionSpec) -> bool:
    """Whether a running session must connect anew to follow a change; the rest counts when a phone is linked."""
    return _of_a_worker(before) != _of_a_worker(after)


def _of_a_worker(spec: SessionSpec) -> tuple[object, ...]:
    return (spec.proxy, spec.typing_events, spec.channel_events)
