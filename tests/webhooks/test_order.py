"""Order on request: what must be tried again holds back what comes after it in the same chat, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.kit.ids import render_id

CHATS = (1, 2, 3)


async def say(rig: Any, *chats: int) -> list[int]:
    """One event in each of these chats, one after the other."""
    return [(await rig.emit(chat_id=chat, session_id=9))[0] for chat in chats]


def arrived(receiver: Any) -> list[str]:
    return [json.loads(request.body)["id"] for request in receiver.requests]


async def test_a_failed_one_holds_back_its_chat_but_no_other(rig: Any, receiver: Any, eventually: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url(), ordered=True)
    receiver.answer(500)
    await say(rig, 1)
    await rig.deliverer.settled.wait()

    await say(rig, 1, 2, 1, 2)
    await eventually(lambda: len(receiver.requests) == 3)
    await rig.deliverer.settled.wait()
    await rig.deliverer.settled.wait()
    assert [row.state for row in await rig.deliveries(webhook)] == [
        "pending",
        "pending",
        "delivered",
        "pending",
        "delivered",
    ]

    await rig.later(6)
    await eventually(lambda: len(receiver.requests) == 6)

    of_chat_1 = [render_id("evt", row.event_id) for row in await rig.deliveries(webhook) if row.strand_id == 1]
    assert [event for event in arrived(receiver) if event in of_chat_1] == [of_chat_1[0], *of_chat_1]


async def test_a_dead_one_holds_nothing_back_any_more(rig: Any, receiver: Any, eventually: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url(), ordered=True)
    for _ in range(10):
        receiver.answer(500)
    await say(rig, 1)
    await rig.deliverer.settled.wait()
    await say(rig, 1)

    for _ in range(9):
        await rig.later(30 * 3600)
        await rig.deliverer.settled.wait()
    await eventually(lambda: len(receiver.requests) == 11)
    await rig.deliverer.settled.wait()

    assert [row.state for row in await rig.deliveries(webhook)] == ["dead", "delivered"]


async def test_without_it_only_the_failed_one_is_late(rig: Any, receiver: Any, eventually: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    receiver.answer(500)
    await say(rig, 1)
    await rig.deliverer.settled.wait()

    await say(rig, 1)
    await rig.deliverer.settled.wait()

    assert [row.state for row in await rig.deliveries(webhook)] == ["pending", "delivered"]


async def test_order_outlives_a_restart(rig: Any, receiver: Any, eventually: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url(), ordered=True)
    receiver.answer(500)
    await say(rig, 1)
    await rig.deliverer.settled.wait()
    await rig.deliverer.stop()
    await say(rig, 1, 2)

    await rig.deliverer.start()
    await rig.deliverer.settled.wait()

    assert [row.state for row in await rig.deliveries(webhook)] == ["pending", "pending", "delivered"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chats=st.lists(st.sampled_from(CHATS), min_size=2, max_size=24),
    verdicts=st.lists(st.sampled_from([204, 204, 500, 500, 429, 503]), max_size=20),
)
@pytest.mark.parametrize("any_database_url", ["sqlite"], indirect=True)
async def test_whatever_fails_each_chat_arrives_in_its_order(
    rig: Any, receiver: Any, chats: list[int], verdicts: list[int]
) -> None:
    """The receiver takes an event of a chat only after every earlier one of it, whatever it refused in between."""
    answers, taken = list(verdicts), defaultdict(list)

    async def judge(request: web.Request) -> web.Response:
        event = json.loads(await request.read())
        status = answers.pop(0) if answers else 204
        if status == 204:
            taken[event["data"]["chat"]].append(event["id"])
        return web.Response(status=status)

    receiver.by_path["/hook"] = judge
    webhook, _ = await rig.endpoint(receiver.url(), ordered=True)
    await rig.database.write(lambda tx: say_at_once(tx, rig, chats))
    rows = await until_nothing_waits(rig, webhook)
    await rig.remove(webhook)

    delivered = defaultdict(list)
    for row in rows:
        if row.state == "delivered":
            delivered[row.strand_id].append(render_id("evt", row.event_id))
    assert taken == delivered


def say_at_once(tx: Any, rig: Any, chats: list[int]) -> None:
    for chat in chats:
        rig.events.emit(tx, org_id=1, type="contact.updated", subject=("contact", 7), data={"chat": chat}, chat_id=chat)


async def until_nothing_waits(rig: Any, webhook: Any) -> Any:
    """Go from one due time to the next until every delivery is delivered or dead."""
    async with asyncio.timeout(30):
        while True:
            rows = await rig.deliveries(webhook)
            waiting = [row for row in rows if row.state == "pending"]
            if not waiting:
                return rows
            first_of_each_chat = {row.strand_id: row for row in reversed(waiting)}
            due = min(row.due_at for row in first_of_each_chat.values())
            await rig.later(max((due - rig.clock.now()).total_seconds(), 6.0))
            await rig.deliverer.settled.wait()
