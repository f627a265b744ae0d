"""Groups from end to end: a customer's program, the real engine, and phones that do things themselves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.house import House, Line, Phone, poll
from tests.media.samples import jpeg

pytestmark = pytest.mark.long


@pytest.fixture
async def anna(house: House) -> Phone:
    return await house.phone("Anna")


@pytest.fixture
async def ben(house: House) -> Phone:
    return await house.phone("Ben")


async def create(house: House, line: Line, *people: Phone, **more: Any) -> Any:
    participants = [phone.e164 for phone in people]
    body = {"session": line.id, "subject": "Bread", "participants": participants, **more}
    return await house.api.post("/groups", body)


def roles(group: Any) -> dict[str, str]:
    return {one["phone"]: one["role"] for one in group["participants"]}


async def told(house: House, group: Any, event_type: str, wanted: Any = lambda data: True) -> Any:
    """The data of an event about a group, now or later."""

    async def look() -> Any:
        events = await house.api.all(f"/events?types={event_type}")
        found = [one["data"] for one in events if one["subject"]["id"] == group["id"] and wanted(one["data"])]
        return found[0] if found else None

    return await poll(look)


async def texts(house: House, phone: Phone, group: Any) -> list[str]:
    found = await house.phones.messages(phone.number)
    return [one["text"]["body"] for one in found if one["chat"] == group["jid"] and one["type"] == "text"]


async def test_a_group_is_made_written_in_and_answered(house: House, line: Line, anna: Phone, ben: Phone) -> None:
    group = await create(house, line, anna, ben, description="Every day")

    assert roles(group) == {line.phone.e164: "superadmin", anna.e164: "member", ben.e164: "member"}
    assert (group["description"], group["not_added"]) == ("Every day", [])
    sent = await line.queue(group["jid"], "Fresh at nine")

    async def have_it() -> bool:
        return all([await texts(house, phone, group) == ["Fresh at nine"] for phone in (anna, ben)])

    await poll(have_it)
    await house.phones.read(anna.number)
    await line.follow(sent["id"], "read")
    receipts = await house.api.until(f"/messages/{sent['id']}/events", lambda found: len(found["receipts"]) == 3)
    assert {(one["phone"], one["kind"]) for one in receipts["receipts"]} == {
        (anna.e164, "delivered"),
        (anna.e164, "read"),
        (ben.e164, "delivered"),
    }
    assert {one["contact"] for one in receipts["receipts"]} == {
        one["contact"] for one in group["participants"] if one["phone"] != line.phone.e164
    }
    await house.phones.send_text(ben.number, group["jid"], "Two for me")
    arrived = await house.api.until(
        f"/chats/{group['id']}/messages", lambda page: any(one["direction"] == "in" for one in page["items"])
    )
    (message,) = [one for one in arrived["items"] if one["direction"] == "in"]
    ben_contact = next(one["contact"] for one in group["participants"] if one["phone"] == ben.e164)
    assert message["text"] == {"body": "Two for me"}
    assert message["contact"] == ben_contact
    assert message["chat"] == group["id"]


async def test_what_the_program_changes_the_phones_see(house: House, line: Line, anna: Phone, ben: Phone) -> None:
    group = await create(house, line, anna)
    path = f"/groups/{group['id']}"
    wanted = {"subject": "Rolls", "description": "Warm", "announce": True, "locked": True, "ephemeral_seconds": 86400}

    changed = await house.api.patch(path, wanted)
    outcomes = await house.api.post(
        f"{path}/participants", {"action": "add", "participants": [ben.e164, anna.e164, "+12025559999"]}
    )
    await house.api.post(f"{path}/participants", {"action": "promote", "participants": [ben.e164]})

    seen = await house.phones.group(anna.number, group["jid"])
    assert {name: changed[name] for name in wanted} == wanted
    assert (seen["subject"], seen["description"], seen["announce"]) == ("Rolls", "Warm", True)
    assert (seen["locked"], seen["ephemeral"]) == (True, 86400)
    assert [(one["ok"], one["code"]) for one in outcomes["results"]] == [(True, 200), (False, 409), (False, 404)]
    assert {one["number"]: one["role"] for one in seen["participants"]}[ben.number] == "admin"
    assert (await told(house, group, "group.participants", lambda data: data["action"] == "promote"))["size"] == 3


async def test_what_phones_change_the_program_hears(house: House, line: Line, anna: Phone, ben: Phone) -> None:
    group = await create(house, line, anna)
    await house.api.post(f"/groups/{group['id']}/participants", {"action": "promote", "participants": [anna.e164]})

    await house.phones.change_group(anna.number, group["jid"], subject="Anna's", announce=True)
    await house.phones.change_participants(anna.number, group["jid"], "add", [ben.number])
    seen = await house.api.until(f"/groups/{group['id']}", lambda one: ben.e164 in roles(one))

    assert (seen["subject"], seen["announce"]) == ("Anna's", True)
    renamed = await told(house, group, "group.updated", lambda data: "subject" in data["changes"])
    assert renamed["changes"] == {"subject": "Anna's"}
    anna_contact = next(one["contact"] for one in group["participants"] if one["phone"] == anna.e164)
    assert renamed["actor"] == anna_contact
    added = await told(house, group, "group.participants", lambda data: data["action"] == "add")
    assert len(added["participants"]) == 1
    chats = await house.api.get(f"/chats/{group['id']}")
    assert chats["title"] == "Anna's"


async def test_a_phone_takes_the_session_into_a_group_and_out_again(house: House, line: Line, anna: Phone) -> None:
    made = await house.phones.create_group(anna.number, "Family", [line.phone.number])

    listed = await house.api.until(f"/groups?session={line.id}", lambda page: bool(page["items"]))
    (group,) = listed["items"]
    assert (group["jid"], group["subject"], group["size"]) == (made["id"], "Family", 2)
    assert (await told(house, group, "group.joined"))["subject"] == "Family"
    await house.phones.change_participants(anna.number, made["id"], "remove", [line.phone.number])
    gone = await told(house, group, "group.left")
    assert (gone["reason"], gone["is_member"]) == ("removed", False)
    await house.api.refused(409, "not_in_group", "PATCH", f"/groups/{group['id']}", {"subject": "Mine"})


async def test_links_lead_into_groups_until_they_are_renewed(house: House, line: Line, anna: Phone) -> None:
    hers = await house.phones.create_group(anna.number, "Hers", [])
    link = {"session": line.id, "invite": hers["invite"]}

    preview = await house.api.post("/groups/inspect-invite", link)
    joined = await house.api.post("/groups/join", link)
    group = joined["group"]
    await house.phones.change_participants(anna.number, hers["id"], "promote", [line.phone.number])
    shown = await house.api.get(f"/groups/{group['id']}/invite")
    renewed = await house.api.post(f"/groups/{group['id']}/invite/revoke")

    assert (preview["subject"], joined["status"]) == ("Hers", "joined")
    assert shown["link"] == hers["invite"]
    assert renewed["link"] != hers["invite"]
    await house.api.refused(422, "invalid_request", "POST", "/groups/inspect-invite", link)
    await house.api.ask("POST", f"/groups/{group['id']}/leave")
    assert [one["number"] for one in (await house.phones.group(anna.number, hers["id"]))["participants"]] == [
        anna.number
    ]


async def test_communities_pictures_tables_and_requests(house: House, line: Line, anna: Phone, ben: Phone) -> None:
    community = await create(house, line, is_community=True)
    group = await create(house, line, anna)
    linked = await house.api.post(f"/groups/{community['id']}/groups", {"group": group["id"]})
    listed = await house.api.get(f"/groups/{community['id']}/groups")
    media = await house.api.upload(jpeg(64, 64), "image/jpeg")
    await house.api.ask("PUT", f"/groups/{group['id']}/picture", {"media_id": media["id"]})
    table = await house.api.ask("GET", f"/groups/{group['id']}/participants.csv")
    await house.api.post(f"/groups/{group['id']}/participants", {"action": "promote", "participants": [anna.e164]})
    await house.phones.change_group(anna.number, group["jid"], approval=True)
    code = (await house.phones.group(anna.number, group["jid"]))["invite"]
    await house.phones.join_group(ben.number, code)
    asked = await told(house, group, "group.join_requested")
    requests = await house.api.get(f"/groups/{group['id']}/join-requests")

    assert linked["community"] == community["jid"]
    assert group["id"] in [one["group"] for one in listed["items"]]
    assert anna.e164 in table.body.decode()
    assert [one["lid"] for one in requests["items"]] == [one["lid"] for one in asked["participants"]]
    await house.api.refused(
        501,
        "engine_unsupported",
        "POST",
        f"/groups/{group['id']}/join-requests",
        {"action": "approve", "participants": [ben.e164]},
    )
