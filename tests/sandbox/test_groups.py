"""Groups on the loopback WhatsApp: what scripted phones do with them, and what the service allows."""

from __future__ import annotations

import pytest

from sessions.sandbox.control.client import ControlError
from sessions.sandbox.loopback import LoopbackWhatsApp
from sessions.sandbox.phones.writing import OutgoingMessage

ANNA, BEN, CARA = "15550000001", "15550000002", "15550000003"


async def texts(client, number, group) -> list[tuple[str, str]]:
    found = await client.messages(number, sent=True)
    return [(one["from"], one["text"]["body"]) for one in found if one["chat"] == group]


async def test_members_read_what_one_of_them_writes_and_nobody_else_does(client, eventually, whatsapp):
    group = (await client.create_group(ANNA, "Bread", [BEN]))["id"]

    sent = await client.send_text(ANNA, group, "fresh at nine")
    log = whatsapp.phones.get(BEN).log
    await eventually(lambda: log.find(sent))
    await client.send_text(BEN, group, "two for me")
    await eventually(lambda: len(list(whatsapp.phones.get(ANNA).log)) == 2)

    assert await texts(client, BEN, group) == [(ANNA, "fresh at nine"), (BEN, "two for me")]
    assert await texts(client, CARA, group) == []


async def test_receipts_of_members_come_back(client, eventually, whatsapp):
    group = (await client.create_group(ANNA, "Bread", [BEN]))["id"]
    sent = await client.send_text(ANNA, group, "fresh at nine")
    entry = whatsapp.phones.get(ANNA).log.find(sent)
    await eventually(lambda: entry.status == "delivered")

    await client.read(BEN)

    await eventually(lambda: entry.status == "read")


async def test_a_member_may_be_added_promoted_and_removed_with_a_code_for_each(client):
    group = (await client.create_group(ANNA, "Bread", []))["id"]

    added = await client.change_participants(ANNA, group, "add", [BEN, "15559990000", ANNA])
    promoted = await client.change_participants(ANNA, group, "promote", [BEN, CARA])
    after = await client.group(ANNA, group)
    removed = await client.change_participants(BEN, group, "remove", [ANNA, CARA])

    assert added == {BEN: 200, "15559990000": 404, ANNA: 409}
    assert promoted == {BEN: 200, CARA: 404}
    assert after["participants"] == [{"number": ANNA, "role": "superadmin"}, {"number": BEN, "role": "admin"}]
    assert removed == {ANNA: 406, CARA: 404}


async def test_only_admins_govern_and_only_members_look(client):
    group = (await client.create_group(ANNA, "Bread", [BEN]))["id"]

    with pytest.raises(ControlError, match="403"):
        await client.change_group(BEN, group, announce=True)
    with pytest.raises(ControlError, match="group_unknown"):
        await client.group(CARA, group)
    await client.change_group(BEN, group, subject="Bread and butter", description="Every day")
    await client.change_group(ANNA, group, locked=True, announce=True, ephemeral=86_400)
    with pytest.raises(ControlError, match="403"):
        await client.change_group(BEN, group, subject="Mine")
    with pytest.raises(ControlError, match="message_refused"):
        await client.send_text(BEN, group, "may I?")

    shown = await client.group(BEN, group)
    assert (shown["subject"], shown["description"]) == ("Bread and butter", "Every day")
    assert (shown["locked"], shown["announce"], shown["ephemeral"]) == (True, True, 86_400)


async def test_people_come_by_the_link_until_it_is_revoked(client):
    made = await client.create_group(ANNA, "Bread", [])

    assert await client.join_group(BEN, made["invite"]) == made["id"]
    await client._call("POST", f"/phones/{ANNA}/groups/{made['id']}/revoke-invite")

    with pytest.raises(ControlError, match="410"):
        await client.join_group(CARA, made["invite"])
    with pytest.raises(ControlError, match="406"):
        await client.join_group(CARA, "nonsense")


async def test_who_asks_to_join_waits_for_an_admin(client):
    made = await client.create_group(ANNA, "Bread", [])
    await client.change_group(ANNA, made["id"], approval=True)

    await client.join_group(BEN, made["invite"])
    await client.join_group(CARA, made["invite"])
    waiting = (await client.group(ANNA, made["id"]))["requests"]
    await client.change_participants(ANNA, made["id"], "approve", [BEN])
    await client.change_participants(ANNA, made["id"], "reject", [CARA])

    after = await client.group(ANNA, made["id"])
    assert waiting == [BEN, CARA]
    assert [one["number"] for one in after["participants"]] == [ANNA, BEN]
    assert after["requests"] == []


async def test_the_oldest_member_follows_the_last_admin_and_the_last_member_ends_the_group(client, whatsapp):
    group = (await client.create_group(ANNA, "Bread", [BEN]))["id"]

    await client.leave_group(ANNA, group)
    heir = (await client.group(BEN, group))["participants"]
    await client.leave_group(BEN, group)

    assert heir == [{"number": BEN, "role": "admin"}]
    assert list(whatsapp.service.groups) == []


async def test_a_community_has_a_group_for_announcements(client):
    community = await client.create_group(ANNA, "Market", [], community=True)
    inside = await client.create_group(ANNA, "Stalls", [BEN], parent=community["id"])

    groups = {one["subject"]: one for one in await client.groups(ANNA) if not one["is_announcements"]}
    told = [one for one in await client.groups(ANNA) if one["is_announcements"]]

    assert groups["Market"]["is_community"]
    assert inside["community"] == community["id"]
    assert [(one["announce"], one["community"]) for one in told] == [(True, community["id"])]


async def test_groups_survive_a_restart_and_members_still_read_each_other(tmp_path, people, codec, eventually):
    first = LoopbackWhatsApp(folder=tmp_path / "kept", people=people, codec=codec)
    await first.start()
    group = await first.phones.get(ANNA).groups.create("Bread", [BEN])
    await first.stop()

    second = LoopbackWhatsApp(folder=tmp_path / "kept", people=people, codec=codec)
    await second.start()
    entry = await second.phones.get(BEN).send(_text(str(group.jid), "still here"))
    found = await eventually(lambda: second.phones.get(ANNA).log.find(entry.id))
    await second.stop()

    assert found.fields == {"text": {"body": "still here"}}
    assert found.chat == str(group.jid)


def _text(to: str, body: str) -> OutgoingMessage:
    return OutgoingMessage.model_validate({"to": to, "text": {"body": body}})
