"""Many linked lines at once, who holds which, and how long each was away."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.torture.world import Line, World

_AT_ONCE = 6
_SESSION_FOLDER = re.compile(r"/sessions/(ses_[0-9a-z]+)/")
_PAGE = 500


async def link_many(world: World, count: int) -> list[Line]:
    """So many connected lines, linked a few at a time."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def link(number: int) -> Line:
        async with free:
            phone, name = await world.phone(), f"line-{number}"
            session = await world.client.api("POST", "/sessions", {"name": name})
            await world.client.link(name, phone)
            await world.client.until_status(name, "connected")
            return Line(id=session["id"], name=name, number=phone)

    return list(await asyncio.gather(*(link(number) for number in range(count))))


def holders(world: World) -> dict[str, int]:
    """The process that holds each session now, by the folder that it has open."""
    found = {}
    for pid in world.workers():
        for session_id in _open_sessions(pid):
            found[session_id] = pid
    return found


def _open_sessions(pid: int) -> set[str]:
    folder = Path(f"/proc/{pid}/fd")
    try:
        targets = [str(entry.readlink()) for entry in folder.iterdir()]
    except OSError:
        return set()  # it has just gone
    return {match[1] for target in targets if (match := _SESSION_FOLDER.search(target)) is not None}


async def changes_of_status(world: World) -> list[tuple[str, str, float]]:
    """Every change so far: session, status, when."""
    events = await world.every(f"/events?types=session.status&limit={_PAGE}")
    return [(event["session"], event["data"]["status"], _time(event["at"])) for event in events]


def away_times(changes: Sequence[tuple[str, str, float]], since: Iterable[tuple[str, float]]) -> list[float]:
    """For each session and moment: how long until it was connected after it had been away."""
    times = []
    for session_id, at in since:
        own = [(status, when) for name, status, when in changes if name == session_id and when >= at]
        away = next((when for status, when in own if status != "connected"), None)
        if away is not None:
            back = next((when for status, when in own if status == "connected" and when >= away), float("inf"))
            times.append(back - at)
    return times


async def sending_times(world: World, since: float, until: float) -> list[float]:
    """How long WhatsApp took to get the messages that were accepted in that time, in seconds."""
    messages: list[dict[str, Any]] = await world.every("/messages?direction=out&limit=200")
    times = []
    for message in messages:
        created = _time(message["created_at"])
        if since <= created < until and message["sent_at"] is not None:
            times.append(_time(message["sent_at"]) - created)
    return times


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all stays below or at; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
