"""Whatever WhatsApp sends, the gateway goes on: no stanza kills it or its workers, and no message that is right is lost.

A seed makes stanzas wrong in every way that a stanza can be, and the loopback WhatsApp sends them to a session on the
real engine in its worker. Some are rightly encrypted and hold anything inside. After every batch two phones write, one
of them the very person about whom the stanzas told lies, and both messages must arrive.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sessions.address import LID_SERVER, Jid
from sessions.protobuf import load
from sessions.sandbox.wire.tokens import read_tokens
from sessions.sandbox.wire.wabinary import Codec
from tests.fuzz.corpus import People, Sealed, corpus, message
from tests.fuzz.protobufs import damaged, made_up, with_field
from tests.fuzz.stanzas import Mutator
from tests.journeys.conftest import check_log
from tests.journeys.house import House, Line, Phone, poll
from tests.journeys.test_survival import worker_of

pytestmark = pytest.mark.long

BATCH = 200
SEALED = 20  #: of each batch
ARRIVES_SECONDS = 60.0
e2e = load("waE2E.WAWebProtobufsE2E_pb2")
CONTENTS = [field.name for field in e2e.Message.DESCRIPTOR.fields]


class Barrage:
    """Sends one line what nobody should be sent, and asks whether it still stands."""

    def __init__(self, *, house: House, line: Line, liar: Phone, friend: Phone, people: People, seed: int) -> None:
        self._house, self._line = house, line
        self._liar, self._friend = liar, friend
        self._people = people
        self._chance = random.Random(seed)
        self._mutator = Mutator(corpus=corpus(people), codec=Codec(read_tokens()), chance=self._chance)
        self._numbers = itertools.count(1)
        self.sent = 0
        self.pids = self._pids()

    async def batch(self, size: int) -> None:
        """Some stanzas, then two right messages; the same processes run before and after."""
        frames = [self._mutator.frame() for _ in range(size - SEALED)]
        frames += await self._sealed()
        self._chance.shuffle(frames)
        await poll(lambda: self._send(frames), timeout_seconds=ARRIVES_SECONDS)
        self.sent += len(frames)
        await asyncio.gather(*(self._writes(phone) for phone in (self._friend, self._liar)))
        assert self._pids() == self.pids, "a process died"

    async def _send(self, frames: list[bytes]) -> bool:
        """False while nobody is there to be sent them: an odd answer of the engine's may have cost it its connection."""
        return await self._house.phones.send_frames(self._line.phone.number, frames) == 1

    async def _sealed(self) -> list[bytes]:
        """Messages that can be read, of which each is odd inside or outside."""
        phones, to = self._house.phones, self._line.phone.number
        plain = [self._plain() for _ in range(SEALED)]
        made = [Sealed(*one) for one in await phones.seal(self._liar.number, to, plain)]
        found = [message(self._people, one, f"3AF{next(self._numbers):06}") for one in made]
        return [self._mutator.encode(one) if self._chance.random() < 0.5 else self._mutator.frame(one) for one in found]

    def _plain(self) -> bytes:
        content = with_field(made_up(e2e.Message, self._chance), self._chance.choice(CONTENTS), self._chance)
        data = bytes(content.SerializePartialToString())
        return damaged(data, self._chance) if self._chance.random() < 0.3 else data

    async def _writes(self, phone: Phone) -> None:
        """A right message from somebody arrives."""
        body = f"still there {next(self._numbers)}"
        await self._house.phones.send_text(phone.number, self._line.phone.number, body)
        await self._house.api.until(
            f"/messages?session={self._line.id}&direction=in&limit=50",
            lambda page: any((item.get("text") or {}).get("body") == body for item in page["items"]),
            timeout_seconds=ARRIVES_SECONDS,
        )

    def _pids(self) -> tuple[int, int, int]:
        rig = self._house.sandbox.rig
        return rig.pids["gateway"], rig.pids["whatsapp"], worker_of(self._house, self._line).pid


@pytest.fixture
async def barrage(house: House) -> AsyncIterator[Barrage]:
    line = await house.link("fuzzed")
    liar, friend = await house.phone("Bo"), await house.phone("Ana")
    lids = {phone.number: (await house.phones.phone(phone.number))["lid"] for phone in (line.phone, liar)}
    people = People(
        me=Jid(line.phone.number),
        my_lid=Jid(lids[line.phone.number], LID_SERVER),
        other=Jid(liar.number),
        other_lid=Jid(lids[liar.number], LID_SERVER),
    )
    made = Barrage(house=house, line=line, liar=liar, friend=friend, people=people, seed=1)
    yield made
    state = await house.phones.state()
    assert (await house.phones.unknown(), state["failures"]) == ([], 0)
    await line.send(friend, "the line still sends")
    # What names no address at all cannot be filed and is put aside. It is said in the log.
    lines = (Path(house.sandbox.rig.data) / "gateway.log").read_text(errors="replace").splitlines()
    check_log("\n".join(line for line in lines if "InvalidJidError" not in line))


@pytest.mark.timeout(240)
async def test_2000_stanzas_made_wrong_kill_nothing_and_lose_nothing(barrage: Barrage) -> None:
    while barrage.sent < 2_000:
        await barrage.batch(BATCH)


@pytest.mark.torture
@pytest.mark.timeout(7200)
async def test_100000_stanzas_made_wrong_kill_nothing_and_lose_nothing(barrage: Barrage) -> None:
    while barrage.sent < 100_000:
        await barrage.batch(BATCH)
