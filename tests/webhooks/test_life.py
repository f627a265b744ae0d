"""Whatever happens to an endpoint and its deliveries, in whatever order: the books agree with the receiver."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.kit.ids import render_id
from gateway.webhooks.redelivery import ReplayOnly, Stretch
from gateway.webhooks.retries import SCHEDULE_SECONDS
from gateway.webhooks.states import DELIVERY_STEPS, ENDPOINT_STEPS

STEPS = st.one_of(
    st.tuples(st.just("emit"), st.integers(1, 3)),
    st.tuples(st.just("answers"), st.sampled_from([204, 204, 410, 429, 500])),
    st.tuples(st.just("hours"), st.sampled_from([0.002, 1.0, 13.0, 30.0])),
    st.tuples(st.just("active"), st.booleans()),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.just("redeliver"), st.integers(0, 5)),
    st.tuples(st.just("replay"), st.sampled_from(list(ReplayOnly))),
    st.tuples(st.just("rotate"), st.none()),
    st.tuples(st.just("ordered"), st.booleans()),
)


@dataclass
class Life:
    """One endpoint, what its receiver saw, and what was seen of its states."""

    rig: Any
    webhook: Any
    status: int = 204
    asked: Counter[str] = field(default_factory=Counter)
    taken: set[str] = field(default_factory=set)
    emitted: set[str] = field(default_factory=set)
    states: dict[int, str] = field(default_factory=dict)
    state: str = "active"

    def __repr__(self) -> str:
        return "Life()"

    async def receive(self, request: web.Request) -> web.Response:
        event = request.headers["webhook-id"]
        self.asked[event] += 1
        if self.status == 204:
            self.taken.add(event)
        return web.Response(status=self.status)

    async def step(self, name: str, value: Any) -> None:
        match name:
            case "emit":
                positions = [(await self.rig.emit(chat_id=chat))[0] for chat in range(1, value + 1)]
                self.emitted |= {render_id("evt", position) for position in positions}
            case "answers":
                self.status = value
            case "hours":
                await self.rig.later(value * 3600)
            case "active" | "ordered":
                await self.rig.change(self.webhook, **{name: value})
            case "restart":
                await self.rig.deliverer.stop()
                await self.rig.deliverer.start()
            case _:
                await self._ask_again(name, value)
        await self.until_quiet()
        await self.check()

    async def _ask_again(self, name: str, value: Any) -> None:
        webhook, rows = await self.rig.read(self.webhook), await self.rig.deliveries(self.webhook)
        if name == "replay":
            stretch = Stretch(only=value, since=webhook.created_at)
            counted = await self.rig.redelivery.replay(webhook, stretch, dry_run=True)
            assert await self.rig.redelivery.replay(webhook, stretch, dry_run=False) == counted
        elif name == "rotate":
            await self.rig.rotate(self.webhook)
        elif rows:
            await self.rig.redeliver(self.webhook, rows[value % len(rows)])

    async def until_quiet(self) -> None:
        """Until nothing is under way and nothing that may be tried now is left."""
        async with asyncio.timeout(20):
            while not await self._is_quiet():
                await asyncio.sleep(0.001)

    async def _is_quiet(self) -> bool:
        lanes = self.rig.deliverer._lanes.values()
        if not all(lane.idle for lane in lanes):
            self.rig.clock.advance(1.0)  # a busy endpoint rests for some seconds
            for lane in lanes:
                lane.wake()
            return False
        webhook = await self.rig.read(self.webhook)
        if webhook.state not in ("active", "failing"):
            return True
        heads: dict[int, Any] = {}
        for row in await self.rig.deliveries(self.webhook):
            if row.state == "pending":
                heads.setdefault(row.strand_id if webhook.ordered else row.id, row)
        return all(row.due_at > self.rig.clock.now() for row in heads.values())

    async def check(self) -> None:
        webhook, rows = await self.rig.read(self.webhook), await self.rig.deliveries(self.webhook)
        assert webhook.state == self.state or _reaches(ENDPOINT_STEPS, self.state, webhook.state)
        self.state = webhook.state
        for row in rows:
            event, before = render_id("evt", row.event_id), self.states.get(row.id, "pending")
            assert row.state == before or _reaches(DELIVERY_STEPS, before, row.state)
            self.states[row.id] = row.state
            assert row.attempts == self.asked[event] == len(await self.rig.attempts_at(row))
            assert row.state != "delivered" or event in self.taken
            assert row.state != "dead" or row.tries == len(SCHEDULE_SECONDS)
            assert row.state != "pending" or row.tries < len(SCHEDULE_SECONDS)
        assert set(self.asked) <= {render_id("evt", row.event_id) for row in rows}


def _reaches(steps: Any, current: str, following: str) -> bool:
    """Whether some way of steps leads there: between two looks there may have been several."""
    seen, ahead = set(), [current]
    while ahead:
        state = str(ahead.pop())
        if state not in seen:
            seen.add(state)
            ahead += steps[state]
    return following in seen


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=4, max_size=18))
@pytest.mark.parametrize("any_database_url", ["sqlite"], indirect=True)
async def test_whatever_happens_the_books_agree_and_in_the_end_everything_arrives(
    rig: Any, receiver: Any, caplog: Any, steps: list[tuple[str, Any]]
) -> None:
    webhook, _ = await rig.endpoint(receiver.url("/life"), events=["contact.*"])
    life = Life(rig, webhook)
    receiver.by_path["/life"] = life.receive

    for name, value in steps:
        await life.step(name, value)
    await life.step("answers", 204)
    await life.step("active", True)
    for _ in range(3):
        await life.step("hours", 30.0)
    await life.step("replay", ReplayOnly.UNDELIVERED)

    assert {row.state for row in await rig.deliveries(webhook)} <= {"delivered"}
    assert life.emitted <= life.taken
    assert "not settled" not in caplog.text
    await rig.remove(webhook)
