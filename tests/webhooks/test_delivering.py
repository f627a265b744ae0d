"""Deliveries: written with the event, signed, tried again on a schedule, no endpoint in another's way."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from gateway.kit.ids import render_id
from gateway.principal import Principal, PrincipalKind
from gateway.webhooks.retries import SCHEDULE_SECONDS


async def test_an_event_reaches_the_endpoint_as_the_envelope_everybody_gets(rig: Any, receiver: Any) -> None:
    webhook, secret = await rig.endpoint(receiver.url(), events=["contact.*"])

    [position] = await rig.emit(session_id=7)
    outcome = await rig.deliverer.settled.wait()

    assert outcome.delivered
    body = receiver.verified(secret)
    assert body == {
        "id": render_id("evt", position),
        "type": "contact.created",
        "at": body["at"],
        "org": render_id("org", 1),
        "session": render_id("ses", 7),
        "metadata": {},
        "subject": {"type": "contact", "id": render_id("con", 42)},
        "data": {"id": "con_000000000001a", "name": "number 0"},
    }
    assert receiver.requests[0].headers["webhook-id"] == body["id"]
    assert receiver.requests[0].headers["Content-Type"] == "application/json"
    assert (await rig.delivery(webhook)).state == "delivered"


async def test_another_secret_or_a_changed_body_does_not_pass(rig: Any, receiver: Any) -> None:
    _, secret = await rig.endpoint(receiver.url())
    _, other = await rig.endpoint(receiver.url("/other"))
    await rig.emit()
    await rig.deliverer.settled.wait()
    await rig.deliverer.settled.wait()
    index = [request.path for request in receiver.requests].index("/hook")

    with pytest.raises(WebhookVerificationError):
        receiver.verified(other, index)
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(receiver.requests[index].body + b" ", receiver.requests[index].headers)


async def test_only_what_was_subscribed_to_is_sent(rig: Any, receiver: Any, eventually: Any) -> None:
    contacts, _ = await rig.endpoint(receiver.url("/contacts"), events=["contact.*"])
    created, _ = await rig.endpoint(receiver.url("/created"), events=["session.*", "contact.created"])
    nothing, _ = await rig.endpoint(receiver.url("/off"), active=False)

    await rig.emit(type="contact.created")
    await rig.emit(type="contact.updated")
    await eventually(lambda: len(receiver.requests) == 3)

    assert [row.event_type for row in await rig.deliveries(contacts)] == ["contact.created", "contact.updated"]
    assert [row.event_type for row in await rig.deliveries(created)] == ["contact.created"]
    assert await rig.deliveries(nothing) == []


async def test_an_event_that_is_rolled_back_is_never_delivered(rig: Any, receiver: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url())

    def work(tx: Any) -> None:
        rig.events.emit(tx, org_id=1, type="contact.created", subject=("contact", 1), data={})
        raise LookupError

    with pytest.raises(LookupError):
        await rig.database.write(work)
    await rig.emit()
    await rig.deliverer.settled.wait()

    assert len(receiver.requests) == 1
    assert len(await rig.deliveries(webhook)) == 1


async def test_a_failing_endpoint_is_tried_ten_times_on_the_schedule_under_the_same_id(
    rig: Any, receiver: Any, eventually: Any
) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    receiver.always("/hook", 500)

    await rig.emit()
    await rig.deliverer.settled.wait()
    for number in range(1, len(SCHEDULE_SECONDS)):
        wait = ((await rig.delivery(webhook)).due_at - rig.clock.now()).total_seconds()
        assert SCHEDULE_SECONDS[number] <= wait <= SCHEDULE_SECONDS[number] * 1.2
        await rig.later(wait)
        await rig.deliverer.settled.wait()

    delivery = await rig.delivery(webhook)
    assert delivery.state == "dead"
    assert delivery.finished_at is not None
    assert len(receiver.requests) == 10
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    attempts = await rig.attempts_at(delivery)
    assert [attempt.number for attempt in attempts] == list(range(1, 11))
    assert {(attempt.status, attempt.error) for attempt in attempts} == {(500, "answered_error")}


async def test_it_is_not_tried_a_moment_before_it_is_due(rig: Any, receiver: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    receiver.answer(500)
    await rig.emit()
    await rig.deliverer.settled.wait()
    wait = ((await rig.delivery(webhook)).due_at - rig.clock.now()).total_seconds()

    await rig.later(wait - 0.001)
    await rig.endpoint(receiver.url("/marker"))
    await rig.emit(type="contact.updated")
    await rig.deliverer.settled.wait()
    await rig.deliverer.settled.wait()

    first = receiver.requests[0].headers["webhook-id"]
    assert [request.headers["webhook-id"] for request in receiver.requests].count(first) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, None),
        (201, None),
        (299, None),
        (301, "redirected"),
        (302, "redirected"),
        (307, "redirected"),
        (400, "answered_error"),
        (401, "answered_error"),
        (404, "answered_error"),
        (410, "gone"),
        (429, "busy"),
        (500, "answered_error"),
        (503, "busy"),
    ],
)
async def test_only_answers_of_the_two_hundreds_count(rig: Any, receiver: Any, status: int, error: str | None) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    receiver.answer(status, "said", Location=receiver.url("/elsewhere"))

    await rig.emit()
    outcome = await rig.deliverer.settled.wait()

    assert (outcome.status, outcome.error) == (status, error)
    assert [request.path for request in receiver.requests] == ["/hook"]
    [attempt] = await rig.attempts_at(await rig.delivery(webhook))
    assert (attempt.status, attempt.error, attempt.excerpt) == (status, error, "said")


async def test_retry_after_in_seconds_is_the_least_wait(rig: Any, receiver: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    receiver.answer(429, Retry_After="120")

    await rig.emit()
    await rig.deliverer.settled.wait()

    due = (await rig.delivery(webhook)).due_at
    assert due == rig.clock.now() + timedelta(seconds=120)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_retry_after_as_a_date_is_honoured(rig: Any, receiver: Any, status: int) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    receiver.answer(status, Retry_After=format_datetime(rig.clock.now() + timedelta(minutes=10)))

    await rig.emit()
    await rig.deliverer.settled.wait()

    wait = ((await rig.delivery(webhook)).due_at - rig.clock.now()).total_seconds()
    assert abs(wait - 600) <= 1


async def test_retry_after_is_capped_at_a_day(rig: Any, receiver: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    receiver.answer(503, Retry_After="99999999")

    await rig.emit()
    await rig.deliverer.settled.wait()

    assert (await rig.delivery(webhook)).due_at == rig.clock.now() + timedelta(days=1)


async def test_a_busy_endpoint_is_left_alone_for_a_while(rig: Any, receiver: Any, eventually: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    receiver.answer(429, Retry_After="60")
    await rig.emit()
    await rig.deliverer.settled.wait()

    await rig.emit(3)
    await rig.endpoint(receiver.url("/other"))
    await rig.emit()
    await rig.deliverer.settled.wait()
    assert [request.path for request in receiver.requests] == ["/hook", "/other"]

    await rig.later(61)

    async def all_tried() -> bool:
        return [row.tries for row in await rig.deliveries(webhook)] == [2, 1, 1, 1, 1]

    await eventually(all_tried)
    assert len(receiver.requests) == 7


async def test_a_success_clears_what_was_held_against_the_endpoint(rig: Any, receiver: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    receiver.answer(500)
    await rig.emit()
    await rig.deliverer.settled.wait()
    failing = await rig.read(webhook)
    assert (failing.failures, failing.last_error) == (1, "answered_error")
    assert failing.failing_since == rig.clock.now()

    await rig.later(6)
    await rig.deliverer.settled.wait()

    well = await rig.read(webhook)
    assert (well.failures, well.last_error, well.failing_since) == (0, None, None)
    assert (await rig.delivery(webhook)).state == "delivered"


@pytest.mark.parametrize("timeout_seconds", [1.0])
async def test_a_hanging_endpoint_delays_nobody_else(rig: Any, receiver: Any, eventually: Any) -> None:
    hanging, _ = await rig.endpoint(receiver.url("/slow"))
    quick, _ = await rig.endpoint(receiver.url("/quick"))
    receiver.hang("/slow")

    await rig.emit(20)
    await eventually(lambda: sum(request.path == "/quick" for request in receiver.requests) == 20, timeout_seconds=5)

    assert all(row.state == "pending" for row in await rig.deliveries(hanging))
    outcome = None
    while outcome is None or outcome.delivered:
        outcome = await rig.deliverer.settled.wait()
    assert (outcome.error, outcome.kind) == ("timeout", "timed_out")
    assert {row.state for row in await rig.deliveries(quick)} == {"delivered"}


async def test_events_of_one_chat_arrive_in_order_and_never_overlap(rig: Any, receiver: Any, eventually: Any) -> None:
    await rig.endpoint(receiver.url())
    under_way: dict[str, int] = {}
    order: dict[str, list[str]] = {"ses_a": [], "ses_b": []}

    async def slowly(request: web.Request) -> web.StreamResponse:
        event = json.loads(await request.read())
        chat = "ses_a" if event["data"]["chat"] == 1 else "ses_b"
        under_way[chat] = under_way.get(chat, 0) + 1
        assert under_way[chat] == 1
        await asyncio.sleep(0)
        order[chat].append(event["id"])
        under_way[chat] -= 1
        return web.Response()

    receiver.by_path["/hook"] = slowly
    positions: dict[int, list[str]] = {1: [], 2: []}
    for number in range(40):
        chat = 1 + number % 2
        event = await rig.database.write(
            lambda tx, chat=chat: rig.events.emit(
                tx, org_id=1, type="contact.updated", subject=("contact", 1), data={"chat": chat}, chat_id=chat
            )
        )
        positions[chat].append(render_id("evt", event.id))
    await eventually(lambda: sum(map(len, order.values())) == 40)

    assert order == {"ses_a": positions[1], "ses_b": positions[2]}


async def test_what_could_not_be_delivered_before_a_stop_is_delivered_after_the_start(
    rig: Any, receiver: Any, eventually: Any
) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    await rig.deliverer.stop()
    await rig.emit(100)
    assert receiver.requests == []

    await rig.deliverer.start()
    await eventually(lambda: len(receiver.requests) == 100)

    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 100

    async def all_settled() -> bool:
        return {row.state for row in await rig.deliveries(webhook)} == {"delivered"}

    await eventually(all_settled)


async def test_a_backlog_is_worked_off_without_sending_anything_twice(rig: Any, receiver: Any, eventually: Any) -> None:
    await rig.endpoint(receiver.url())
    await rig.deliverer.stop()

    def many(tx: Any) -> None:
        for number in range(500):
            rig.events.emit(tx, org_id=1, type="contact.updated", subject=("contact", number + 1), data={"n": number})

    await rig.database.write(many)
    await rig.deliverer.start()
    await rig.emit(50)
    await eventually(lambda: len(receiver.requests) >= 550)
    await eventually(lambda: rig.deliverer.lanes == 1 and all(lane.idle for lane in rig.deliverer._lanes.values()))

    assert len(receiver.requests) == 550
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 550


async def test_a_lane_with_nothing_left_to_do_is_closed_and_opened_again(
    rig: Any, receiver: Any, eventually: Any
) -> None:
    await rig.endpoint(receiver.url())
    await rig.emit()
    await eventually(lambda: len(receiver.requests) == 1)

    def closed() -> bool:
        rig.deliverer.wake()
        return rig.deliverer.lanes == 0

    await eventually(closed)
    await rig.emit()
    await eventually(lambda: len(receiver.requests) == 2)


async def test_every_try_is_counted_by_how_it_ended(rig: Any, receiver: Any) -> None:
    await rig.endpoint(receiver.url())
    receiver.answer(500)

    await rig.emit()
    await rig.deliverer.settled.wait()
    await rig.emit()
    await rig.deliverer.settled.wait()

    assert [outcome for outcome, _ in rig.attempts] == ["refused", "delivered"]


async def test_an_endless_answer_is_cut_off_and_only_its_beginning_is_kept(rig: Any, receiver: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url())

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=400)
        await response.prepare(request)
        while True:
            await response.write(b"\x00no\xff" * 4096)

    receiver.answers.append(endless)
    await rig.emit()
    outcome = await rig.deliverer.settled.wait()

    assert outcome.status == 400
    [attempt] = await rig.attempts_at(await rig.delivery(webhook))
    assert attempt.excerpt.startswith("\N{REPLACEMENT CHARACTER}no")
    assert len(attempt.excerpt) <= 1000


async def test_an_answer_that_breaks_off_after_its_status_counts_by_its_status(rig: Any, receiver: Any) -> None:
    await rig.endpoint(receiver.url())

    async def breaks_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    receiver.answers.append(breaks_off)
    await rig.emit()
    outcome = await rig.deliverer.settled.wait()

    assert outcome.delivered


async def test_an_endpoint_whose_address_became_private_is_refused(rig: Any, receiver: Any) -> None:
    webhook, _ = await rig.endpoint("http://10.0.0.1/hook")

    await rig.emit()
    outcome = await rig.deliverer.settled.wait()

    assert (outcome.error, outcome.status, outcome.kind) == ("address_refused", None, "failed")
    assert (await rig.delivery(webhook)).state == "pending"


async def test_without_the_vaults_key_deliveries_wait_until_it_is_back(
    rig: Any, receiver: Any, eventually: Any, caplog: Any
) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    sealed = webhook.secret

    async def store_secret(value: bytes) -> None:
        def work(tx: Any) -> None:
            row = rig.webhooks.get(tx, principal_of(webhook), webhook.id)
            row.secret = value

        await rig.database.write(work)

    await store_secret(bytes([sealed[0]]) + bytes(len(sealed) - 1))
    await rig.emit()
    await eventually(lambda: "webhook not unsealed" in caplog.text)
    assert receiver.requests == []

    await store_secret(sealed)
    rig.deliverer.changed(webhook.id)
    await eventually(lambda: len(receiver.requests) == 1)


def principal_of(webhook: Any) -> Principal:
    return Principal(org_id=webhook.org_id, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",))
