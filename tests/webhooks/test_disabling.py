"""When an endpoint is switched off by itself, and how that is told."""

from __future__ import annotations

import json
from typing import Any


async def test_410_switches_the_endpoint_off_and_tells_the_others(rig: Any, receiver: Any, eventually: Any) -> None:
    gone, _ = await rig.endpoint(receiver.url("/gone"), events=["contact.*"])
    await rig.endpoint(receiver.url("/watch"), events=["webhook.*"])
    receiver.always("/gone", 410)

    await rig.emit(2)
    await eventually(lambda: any(request.path == "/watch" for request in receiver.requests))

    off = await rig.read(gone)
    assert (off.active, off.disabled_reason) == (False, "gone")
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


async def test_five_days_of_nothing_but_failures_switch_it_off(rig: Any, receiver: Any) -> None:
    webhook, _ = await rig.endpoint(receiver.url())
    receiver.always("/hook", 500)
    await rig.emit()
    await rig.deliverer.settled.wait()

    await rig.later(5 * 24 * 3600 - 1)
    await rig.deliverer.settled.wait()
    assert (await rig.read(webhook)).active

    await rig.later(3600)
    await rig.deliverer.settled.wait()

    off = await rig.read(webhook)
    assert (off.active, off.disabled_reason, off.last_error) == (False, "failing", "answered_error")
    assert off.disabled_at == rig.clock.now()


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
    assert (failing.active, failing.failing_since) == (True, rig.clock.now())
