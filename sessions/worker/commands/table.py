"""From a command to the function that carries it out: a new area adds itself to ``AREAS``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessions.commands.base import Command, Done
from sessions.commands.every import AnyCommand, AnyResult
from sessions.errors import EngineUnsupportedError
from sessions.worker.commands import account, channels, files, groups, linking, messages, people, presence
from sessions.worker.commands.area import Area, Desk

AREAS: tuple[Area, ...] = (
    messages.AREA,
    files.AREA,
    presence.AREA,
    people.AREA,
    groups.AREA,
    linking.AREA,
    account.AREA,
    channels.AREA,
)

_DOES: dict[type[Command], Callable[[Desk, Any], AnyResult | None]] = {}
for _area in AREAS:
    _DOES.update(_area.does)
_ANSWERED_BY_WHATSAPP = frozenset[type[Command]]().union(*(area.answered_by_whatsapp for area in AREAS))
_IN_ORDER = frozenset[type[Command]]().union(*(area.in_order for area in AREAS))


def carry_out(desk: Desk, command: AnyCommand) -> AnyResult:
    """Do what the daemon asks of a session. Blocking: each command runs on a call thread."""
    do = _DOES.get(type(command))
    if do is None:
        raise EngineUnsupportedError
    return do(desk, command) or Done()


def is_answered_by_whatsapp(command: AnyCommand) -> bool:
    """Whether it ends only when WhatsApp has answered."""
    return type(command) in _ANSWERED_BY_WHATSAPP


def is_in_order(command: AnyCommand) -> bool:
    """Whether it waits for those of its kind that were asked for before."""
    return type(command) in _IN_ORDER
