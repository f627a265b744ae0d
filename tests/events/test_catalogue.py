"""Every type of event: what is told about it is true, and the same filters hold wherever it is heard."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from gateway.events.catalogue import CATALOGUE, EventType
from gateway.events.models import Event
from gateway.events.schemas import EventOut
from gateway.kit.ids import parse_id, render_id
from gateway.webhooks.subscriptions import Subscription
from tests.events.speaking import talk
from tests.serving import Parts


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_the_example_of_a_type_is_an_event_of_that_type(entry: EventType) -> None:
    told = entry.example

    assert EventOut.model_validate(told).model_dump(mode="json") == told
    assert told["type"] == entry.name
    entry.payload.model_validate(told["data"])


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_every_event_with_a_subject_tells_its_kind(entry: EventType) -> None:
    assert entry.example["subject"]["type"] != "org"


FILTERS = [
    (None, None, [1, 2, 3, 4]),
    (["*"], None, [1, 2, 3, 4]),
    (["webhook.*"], None, [1, 2]),
    (["webhook.te?t", "session.*"], None, [1, 2, 3]),
    (["api_key.*"], None, [4]),
    (None, [7], [2, 3]),
    (["webhook.*"], [7], [2]),
    (["session.*"], [8], []),
    (None, [7, 8], [2, 3]),
]


async def make_four(parts: Parts) -> None:
    qr = {"index": 0, "expires_at": "soon"}
    key = {"id": "key_000000000001a", "name": "crm"}

    def work(tx: Any) -> None:
        emit = parts.events.emit
        emit(tx, org_id=1, type="webhook.test", subject=("whk", 5), data={"number": 1})
        emit(tx, org_id=1, type="webhook.test", subject=("whk", 5), data={"number": 2}, session_id=7)
        emit(tx, org_id=1, type="session.qr", subject=("ses", 7), data={"number": 3, **qr}, session_id=7)
        emit(tx, org_id=1, type="api_key.revoked", subject=("key", 5), data={"number": 4, **key})

    await parts.database.write(work)


@pytest.mark.parametrize(("types", "sessions", "wanted"), FILTERS)
async def test_a_filter_means_the_same_wherever_events_are_heard(
    parts: Parts, client: Any, types: list[str] | None, sessions: list[int] | None, wanted: list[int]
) -> None:
    headers = {"X-API-Key": await parts.make_key()}
    named = None if sessions is None else [render_id("ses", session) for session in sessions]
    wish = {"types": types, "sessions": named}
    assert (await client.put("/api/v1/events/consumers/crm", json=wish, headers=headers)).status == 201
    begin = render_id("evt", await parts.hub.now())
    await make_four(parts)
    await parts.hub.start()

    async with talk(client, headers) as socket:
        await socket.subscribe(after=begin, **{key: value for key, value in wish.items() if value is not None})
        by_socket = [await socket.hear() for _ in wanted]
    body = {"consumer": "crm"}
    pulled = await (await client.post("/api/v1/events/pull", json=body, headers=headers)).json()
    page = await (await client.get(f"/api/v1/events?after={begin}{_query(types, named)}", headers=headers)).json()
    by_webhook = await parts.database.read(lambda tx: _wanted_by_webhook(tx, types, sessions, begin))
    await parts.hub.stop()

    assert [event["data"]["number"] for event in by_socket] == wanted
    assert [event["data"]["number"] for event in pulled["items"]] == wanted
    assert [event["data"]["number"] for event in page["items"]] == wanted or len(sessions or []) > 1
    assert by_webhook == [number for number in wanted if number > 2]


def _query(types: list[str] | None, sessions: list[str] | None) -> str:
    """An address names one session at most."""
    asked = {"types": ",".join(types) if types else None, "session": sessions[0] if sessions else None}
    return "".join(f"&{name}={value}" for name, value in asked.items() if value)


def _wanted_by_webhook(tx: Any, types: list[str] | None, sessions: list[int] | None, begin: str) -> list[int]:
    """Tests of other webhooks are told to nobody else, whatever they subscribe to."""
    subscription = Subscription(webhook_id=1, globs=types or ["*"], session_ids=sessions, chat_kinds=None)
    events = tx.session.scalars(select(Event).where(Event.id > parse_id("evt", begin)).order_by(Event.id))
    return [event.data["number"] for event in events if subscription.wants(event, None)]
