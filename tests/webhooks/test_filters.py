"""What an endpoint asks for: kinds of chats, little or much of each event, and all deliveries in one list."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.chats.models import Chat
from gateway.kit.ids import render_id

PERSON, GROUP = 501, 502


@pytest.fixture
async def chats(rig: Any, api: Any) -> None:
    """A chat with a person and a group, on the session called shop."""

    def work(tx: Any) -> None:
        now = rig.clock.now()
        for chat_id, kind in ((PERSON, "person"), (GROUP, "group")):
            tx.add(
                Chat(
                    id=chat_id,
                    org_id=1,
                    session_id=100,
                    kind=kind,
                    jid=f"{chat_id}@g.us",
                    unread=0,
                    created_at=now,
                    updated_at=now,
                )
            )

    await rig.database.write(work)


async def test_groups_can_be_left_out(api: Any, rig: Any, chats: None, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url(), "chat_kinds": ["person"]})
    assert made["chat_kinds"] == ["person"]

    await rig.emit(chat_id=GROUP, session_id=100)
    [wanted] = await rig.emit(chat_id=PERSON, session_id=100)
    [about_no_chat] = await rig.emit()
    for _ in range(2):
        await rig.deliverer.settled.wait()

    told = [request.headers["webhook-id"] for request in receiver.requests]
    assert sorted(told) == [render_id("evt", wanted), render_id("evt", about_no_chat)]


async def test_a_replay_asks_for_the_same_kinds(api: Any, rig: Any, chats: None, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url(), "chat_kinds": ["group"], "active": False})
    await rig.emit(2, chat_id=PERSON, session_id=100)
    await rig.emit(3, chat_id=GROUP, session_id=100)

    _, counted = await api("POST", f"/{made['id']}/replay", {"only": "missing", "dry_run": True})

    assert (counted["missing"], counted["dry_run"]) == (3, True)


@pytest.mark.parametrize("body", [{"chat_kinds": ["crowd"]}, {"chat_kinds": []}, {"payload": "huge"}])
async def test_other_words_are_refused(api: Any, receiver: Any, body: Any) -> None:
    status, problem = await api("POST", "", {"url": receiver.url(), **body})

    assert (status, problem["code"]) == (422, "invalid")


async def test_a_thin_payload_says_what_happened_to_what_and_nothing_more(api: Any, rig: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url(), "payload": "thin"})

    [position] = await rig.emit()
    await rig.deliverer.settled.wait()

    body = receiver.verified(made["secret"])
    assert set(body) == {"id", "type", "at", "org", "session", "metadata", "subject"}
    assert (body["id"], body["type"]) == (render_id("evt", position), "contact.created")

    await api("PATCH", f"/{made['id']}", {"payload": "full"})
    await rig.emit()
    await rig.deliverer.settled.wait()
    assert json.loads(receiver.requests[-1].body)["data"]["name"] == "number 0"


async def test_no_endpoint_is_told_how_it_fares_itself(api: Any, rig: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url("/mine"), "events": ["*"]})
    _, other = await api("POST", "", {"url": receiver.url("/other"), "events": ["*"]})

    await api("POST", f"/{made['id']}/test")
    await api("POST", f"/{other['id']}/test")

    assert sorted(request.path for request in receiver.requests) == ["/mine", "/other"]


async def test_what_was_given_up_is_listed_over_all_endpoints(
    api: Any, rig: Any, receiver: Any, everywhere: Any
) -> None:
    _, bad = await api("POST", "", {"url": receiver.url("/bad"), "sessions": ["shop"]})
    _, worse = await api("POST", "", {"url": receiver.url("/worse"), "sessions": ["office"]})
    _, good = await api("POST", "", {"url": receiver.url("/good")})
    receiver.always("/bad", 500)
    receiver.always("/worse", 500)
    for endpoint in (bad, worse, good):
        await api("POST", f"/{endpoint['id']}/test")

    _, dead = await everywhere("?state=dead")
    assert [item["webhook"] for item in dead["items"]] == [worse["id"], bad["id"]]
    assert [item["attempts"][0]["status"] for item in dead["items"]] == [500, 500]
    _, narrow = await everywhere(f"?state=dead&webhook={bad['id']}&event_type=webhook.test")
    assert [item["webhook"] for item in narrow["items"]] == [bad["id"]]
    _, by_event = await everywhere(f"?event={dead['items'][0]['event']}")
    assert [item["webhook"] for item in by_event["items"]] == [worse["id"]]
    _, first = await everywhere("?limit=2")
    _, rest = await everywhere(f"?limit=2&after={first['next']}")
    assert [item["webhook"] for item in [*first["items"], *rest["items"]]] == [good["id"], worse["id"], bad["id"]]

    _, seen_by_shop = await everywhere("", caller="shop")
    assert [item["webhook"] for item in seen_by_shop["items"]] == [bad["id"]]
    assert (await everywhere("", caller="stranger"))[1]["items"] == []
    status, problem = await everywhere(f"?webhook={bad['id']}", caller="stranger")
    assert (status, problem["code"]) == (404, "webhook_not_found")


@pytest.fixture
def everywhere(api: Any) -> Any:
    """Asks for deliveries to all endpoints."""

    async def ask(query: str, *, caller: str = "owner") -> tuple[int, Any]:
        response = await api.client.get(f"/api/v1/deliveries{query}", headers={"Authorization": f"Bearer {caller}"})
        return response.status, await response.json()

    return ask
