"""People who write to a linked line from their own phones, and what became of every word."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from gateway.torture.world import Line, World

_PAGE = 200


class Friends:
    """Phones that take turns writing to one line. ``written`` is what their WhatsApp took, in the order of each phone."""

    def __init__(self, *, world: World, line: Line, phones: list[str], per_second: float) -> None:
        self._world = world
        self._phones = phones
        self._per_second = per_second
        self.line = line
        self.written: dict[str, str] = {}  #: text -> WhatsApp's id
        self._counts = dict.fromkeys(phones, 0)

    async def run(self, is_over: asyncio.Event) -> None:
        """Write at a steady rate until told to stop; who is slow is not waited for longer than the others."""
        share = self._per_second / len(self._phones)
        await asyncio.gather(*(self._write(phone, share, is_over) for phone in self._phones))

    async def _write(self, phone: str, per_second: float, is_over: asyncio.Event) -> None:
        begun, first = time.monotonic(), self._counts[phone]
        while not is_over.is_set():
            await self._write_one(phone)
            due = begun + (self._counts[phone] - first) / per_second
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def write_some(self, count: int) -> None:
        """Write so many from each phone, one after the other."""
        for _ in range(count):
            for phone in self._phones:
                await self._write_one(phone)

    async def _write_one(self, phone: str) -> None:
        text = f"{phone} to {self.line.name} {self._counts[phone]}"
        self._counts[phone] += 1
        message = {"to": self.line.number, "type": "text", "text": {"body": text}}
        found = await self._world.client.control("POST", f"/phones/{phone}/messages", message)
        self.written[text] = str(found["id"])


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """What of it reached the gateway."""

    written: int
    lost: tuple[str, ...]
    doubled: int
    shuffled: int  #: messages that stand before one that their writer had sent earlier


async def arrivals_of(world: World, friends: Friends, *, patience_seconds: float = 60.0) -> Arrivals:
    """Wait until everything has arrived or nothing more comes, then compare."""
    found = await _settled_messages(world, friends, patience_seconds)
    seen = [message["text"]["body"] for message in reversed(found)]
    return Arrivals(
        written=len(friends.written),
        lost=tuple(text for text in friends.written if text not in set(seen)),
        doubled=len(seen) - len(set(seen)),
        shuffled=_inversions(seen),
    )


async def _settled_messages(world: World, friends: Friends, patience_seconds: float) -> list[dict[str, dict[str, str]]]:
    path = f"/messages?session={friends.line.id}&direction=in&limit={_PAGE}"
    deadline = time.monotonic() + patience_seconds
    found = await world.every(path)
    while len(found) < len(friends.written) and time.monotonic() < deadline:
        await asyncio.sleep(1.0)
        more = await world.every(path)
        if len(more) > len(found):
            deadline = time.monotonic() + patience_seconds / 4
        found = more
    return found


def _inversions(texts: list[str]) -> int:
    """How many stand behind a later one of the same writer."""
    newest: dict[str, int] = {}
    inversions = 0
    for text in texts:
        writer, _, number = text.rpartition(" ")
        inversions += int(number) < newest.get(writer, -1)
        newest[writer] = max(newest.get(writer, -1), int(number))
    return inversions
