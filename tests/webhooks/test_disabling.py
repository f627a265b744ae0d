"""When an endpoint is switched off by itself, and how that is told."""

from __future__ import annotations

import json
from typing import Any

from gateway.kit.ids import render_id
from gateway.webhooks.redelivery import ReplayOnly, Stretch


async def test_410_switches_the_endpoint_off_and_tells_the_others(rig: Any, receiver: Any, eventually: Any) -> None:
    gone, _ = await rig.endpoint(receiver.url("/gone"), events=["contact.*"])
    await rig.endpoint(receiver.url("/watch"), events=["webhook.*"])
    receiver.always("/gone", 410)

    await rig.emit(2)
    await eventually(lambda: any(request.path == "/watch" for request in receiver.requests))

    off = await rig.read(gone)
    assert off.state == "gone"
    [told] = [json.loads(request.body) for request in receiver.requests if request.path == "/watch"]
    assert (told["type"], told["subject"]["type"]) == ("webhook.disabled", "webhook")
    assert told["data"]["reason"] == "gone"
    assert "127.0.0.1" not in json.dumps(told)


async def test_an_event_after_that_is_not_even_queued(rig: Any, receiver: Any) -> None:
    gone, _ = await rig.endpoint(receiver.url("/gone"))
    receiver.always("/gone", 410)
    await rig.emit()
    await rig.deliverer.settled.wait()

    await rig.emit()

    assert len(await rig.deliveries(gone)) == 1


async def fail_after(rig: Any, hours: float) -> None:
    """Let some hours pass and have whatever is due by then fail once more."""
    await rig.later(hours * 3600)
    await rig.deliverer.settled.wait()


async def test_five_days_of_nothing_but_failures_switch_it_off(rig: Any, receiver: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    receiver.always("/hook", 500)
    begun = rig.clock.now()
    await rig.emit()
    await rig.deliverer.settled.wait()

    # Each pause is longer than the longest wait before that try; together they stay below five days.
    for hours in (12.5, 23, 24, 24, 23.5, 12.5):
        await fail_after(rig, hours)
        assert (await rig.read(webhook)).state == "failing"
    await fail_after(rig, 24)

    off = await rig.read(webhook)
    assert (off.state, off.last_error, off.disabled_at) == ("disabled", "answered_error", rig.clock.now())
    assert off.failing_since == off.counting_since == begun


async def test_what_failed_half_a_day_is_told_to_the_others_once(rig: Any, receiver: Any, eventually: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url("/bad"), events=["contact.*"])
    await rig.endpoint(receiver.url("/watch"), events=["webhook.*"])
    receiver.always("/bad", 500)
    await rig.emit()
    await rig.deliverer.settled.wait()

    await fail_after(rig, 11)
    await fail_after(rig, 13)
    await eventually(lambda: any(request.path == "/watch" for request in receiver.requests))
    await fail_after(rig, 24)

    told = [json.loads(request.body) for request in receiver.requests if request.path == "/watch"]
    assert [(event["type"], event["data"]["id"]) for event in told] == [
        ("webhook.failing", render_id("whk", webhook.id))
    ]


async def test_two_lone_failures_a_week_apart_switch_nothing_off(rig: Any, receiver: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    for _ in range(2):
        receiver.answer(500)
        await rig.database.write(lambda tx: rig.webhooks.test(tx, webhook))
        await rig.deliverer.settled.wait()
        rig.clock.advance(7 * 24 * 3600)

    assert (await rig.read(webhook)).state == "failing"


async def test_switching_it_on_again_forgets_what_was(rig: Any, receiver: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    receiver.answer(410)
    await rig.emit()
    await rig.deliverer.settled.wait()

    await rig.change(webhook, active=True)
    await rig.deliverer.settled.wait()

    well = await rig.read(webhook)
    assert (well.state, well.failures, well.failing_since, well.disabled_at) == ("active", 0, None, None)
    assert [row.state for row in await rig.deliveries(webhook)] == ["delivered"]


async def test_what_happened_while_it_was_off_can_be_told_as_missing(rig: Any, receiver: Any, eventually: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    receiver.answer(410)
    await rig.emit()
    await rig.deliverer.settled.wait()
    during = await rig.emit(3)
    await rig.change(webhook, active=True)
    await rig.deliverer.settled.wait()

    stretch = Stretch(only=ReplayOnly.MISSING, since=webhook.created_at)
    counted = await rig.redelivery.replay(await rig.read(webhook), stretch, dry_run=True)
    assert len(receiver.requests) == 2
    told = await rig.redelivery.replay(await rig.read(webhook), stretch, dry_run=False)

    missed = {render_id("evt", position) for position in during}
    await eventually(lambda: missed <= {request.headers["webhook-id"] for request in receiver.requests})
    assert counted.missing == told.missing == len(during)
    again = await rig.redelivery.replay(await rig.read(webhook), stretch, dry_run=True)
    assert again.queued == 0


async def test_one_success_within_the_five_days_begins_them_anew(rig: Any, receiver: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    for status in (500, 204, 500):
        receiver.answer(status)
    await rig.emit()
    await rig.deliverer.settled.wait()
    await rig.later(3 * 24 * 3600)
    await rig.deliverer.settled.wait()
    assert (await rig.read(webhook)).failing_since is None

    rig.clock.advance(3 * 24 * 3600)
    await rig.emit()
    await rig.deliverer.settled.wait()

    failing = await rig.read(webhook)
    assert (failing.state, failing.failing_since) == ("failing", rig.clock.now())
