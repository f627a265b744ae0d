"""Groups: made and changed over HTTP, and kept fresh by what WhatsApp tells of them."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from gateway.groups.errors import GroupNotFoundError
from gateway.groups.export import harmless
from gateway.kit.ids import parse_id, render_id
from gateway.principal import Principal, PrincipalKind
from sessions.address import Address, Jid
from sessions.events import GroupChanged
from sessions.fake.groups import FakeGroup
from sessions.groups import Role
from tests.groups.conftest import ANNA, BEN, CARA, SHOP, Api, GroupWorld
from tests.media.samples import jpeg
from tests.messages.world import poll

NOBODY = "+4915119990000"


def phones(group: Any) -> dict[str, str]:
    return {one["phone"]: one["role"] for one in group["participants"]}


def person(world: GroupWorld, number: str) -> Address:
    return world.engine.phone(number).address


def outside(world: GroupWorld, group: Any) -> FakeGroup:
    return world.outside.get(Address(other=Jid.parse(group["jid"])))


async def test_a_new_group_is_there_with_its_members_and_whom_whatsapp_did_not_know(api: Api) -> None:
    made = await api.create(ANNA, BEN, NOBODY, description="Every day")

    assert phones(made) == {SHOP: "superadmin", ANNA: "member", BEN: "member"}
    assert made["not_added"] == [NOBODY]
    assert (made["subject"], made["description"], made["size"], made["is_member"]) == ("Bread", "Every day", 3, True)
    assert all(one["lid"] and one["contact"] for one in made["participants"])
    listed = await api.ask("GET", "/groups?session=shop")
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    by_address = await api.ask("GET", f"/groups/{made['jid']}")
    assert by_address == await api.ask("GET", f"/groups/{made['id']}")
    assert (await api.told("group.joined"))["id"] == made["id"]
    assert len(await api.world.told("group.joined")) == 1


async def test_members_are_the_contacts_that_are_known_already(api: Api) -> None:
    contact = await api.world.database.write(
        lambda tx: api.world.contacts.identify(tx, org_id=1, address=Address.of(Jid.from_phone(ANNA))).id
    )

    made = await api.create(ANNA)

    assert {one["phone"]: one["contact"] for one in made["participants"]}[ANNA] == render_id("con", contact)


async def test_settings_are_changed_and_told_once(api: Api) -> None:
    made = await api.create(ANNA)
    wanted = {"subject": "Rolls", "description": "Warm", "announce": True, "locked": True, "ephemeral_seconds": 86400}

    changed = await api.ask("PATCH", f"/groups/{made['id']}", wanted)

    assert {name: changed[name] for name in wanted} == wanted
    info = outside(api.world, made).info
    assert {name: getattr(info, name) for name in wanted} == wanted
    told = [event.data["changes"] for event in await api.world.told("group.updated")]
    merged: dict[str, Any] = {}
    for one in told:
        assert not merged.keys() & one.keys(), "nothing is told twice"
        merged |= one
    assert merged == wanted
    chat = await api.world.database.read(lambda tx: api.world.groups.get(tx, _everything(), made["id"]))
    assert chat.subject == "Rolls"


async def test_what_the_engine_cannot_change_is_said_with_a_sentence(api: Api) -> None:
    made = await api.create()
    path = f"/groups/{made['id']}"

    for method, where, body in (
        ("PATCH", path, {"member_add_mode": "admins"}),
        ("PATCH", path, {"join_approval": True}),
        ("DELETE", f"{path}/picture", None),
        ("POST", f"{path}/join-requests", {"action": "approve", "participants": [ANNA]}),
    ):
        refused = await api.ask(method, where, body, status=501)
        assert refused["code"] == "engine_unsupported"
        assert refused["detail"].endswith(".")


async def test_each_person_has_an_outcome(api: Api) -> None:
    made = await api.create(ANNA)

    async def change(action: str, *people: str) -> dict[str, tuple[bool, int]]:
        body = {"action": action, "participants": list(people)}
        answer = await api.ask("POST", f"/groups/{made['id']}/participants", body)
        for one in answer["results"]:
            assert (one["detail"] is None) == one["ok"]
        return {one["participant"]: (one["ok"], one["code"]) for one in answer["results"]}

    added = await change("add", BEN, ANNA, NOBODY)
    promoted = await change("promote", BEN)
    removed = await change("remove", ANNA, CARA)

    assert added == {BEN: (True, 200), ANNA: (False, 409), NOBODY: (False, 404)}
    assert promoted == {BEN: (True, 200)}
    assert removed == {ANNA: (True, 200), CARA: (False, 404)}
    assert phones(await api.ask("GET", f"/groups/{made['id']}")) == {SHOP: "superadmin", BEN: "admin"}
    told = [(one.data["action"], one.data["participants"][0]["phone"]) for one in await _participants(api)]
    assert told == [("add", BEN), ("promote", BEN), ("remove", ANNA)]


async def test_people_may_be_named_by_contact_or_address(api: Api) -> None:
    made = await api.create(ANNA)
    anna = next(one for one in made["participants"] if one["phone"] == ANNA)
    body = {"action": "promote", "participants": [anna["contact"]]}

    by_contact = await api.ask("POST", f"/groups/{made['id']}/participants", body)
    by_address = await api.ask(
        "POST", f"/groups/{made['id']}/participants", {"action": "demote", "participants": [anna["lid"]]}
    )

    assert by_contact["results"][0]["ok"]
    assert by_address["results"][0]["contact"] == anna["contact"]


async def test_what_others_do_to_a_group_is_followed_and_told(api: Api) -> None:
    made = await api.create(ANNA)
    world, group, anna = api.world, outside(api.world, made), person(api.world, ANNA)

    group.change(subject="Anna's")
    world.outside.tell(group, anna, subject="Anna's")
    group.put(person(world, BEN), Role.MEMBER)
    world.outside.tell(group, anna, joined=(Address(lid=person(world, BEN).lid),))

    told = await api.told("group.updated", lambda data: "subject" in data["changes"])
    assert told["changes"] == {"subject": "Anna's"}
    anna_contact = next(one for one in made["participants"] if one["phone"] == ANNA)["contact"]
    assert told["actor"] == told["who"]["contact"] == anna_contact
    assert (told["who"]["phone"], told["who"]["lid"] is not None) == (ANNA, True)
    assert (await api.told("group.participants"))["action"] == "add"
    # The news named the newcomer by a hidden address alone; a look at the group tells the number.
    seen = await api.until(f"/groups/{made['id']}", lambda one: BEN in phones(one))
    assert len(seen["participants"]) == 3


async def test_news_that_comes_twice_is_told_once(api: Api, shop: Any) -> None:
    made = await api.create(ANNA)
    group, anna = outside(api.world, made), person(api.world, ANNA)

    for _ in range(2):
        api.world.outside.tell(group, anna, promoted=(anna,), announce=True)
    await api.told("group.participants")
    api.world.outside.tell(group, anna, locked=True)
    await api.told("group.updated", lambda data: "locked" in data["changes"])

    assert len(await api.world.told("group.participants")) == 1
    assert len([one for one in await api.world.told("group.updated") if "announce" in one.data["changes"]]) == 1


async def test_who_is_removed_keeps_the_group_but_can_do_nothing_with_it(api: Api) -> None:
    made = await api.create(ANNA)
    group, anna, shop = outside(api.world, made), person(api.world, ANNA), person(api.world, SHOP)

    api.world.outside.tell(group, anna, left=(shop,))
    told = await api.told("group.left")

    assert (told["reason"], told["is_member"]) == ("removed", False)
    assert (await api.ask("GET", "/groups"))["items"] == []
    kept = (await api.ask("GET", "/groups?left=true"))["items"]
    assert [(one["id"], one["left_reason"]) for one in kept] == [(made["id"], "removed")]
    refused = await api.ask("PATCH", f"/groups/{made['id']}", {"subject": "Mine"}, status=409)
    assert refused["code"] == "not_in_group"


async def test_leaving_is_told(api: Api) -> None:
    made = await api.create(ANNA)

    await api.ask("POST", f"/groups/{made['id']}/leave", status=204)

    assert (await api.told("group.left"))["reason"] == "left"
    assert len(await api.world.told("group.left")) == 1
    assert outside(api.world, made).role(person(api.world, SHOP)) is None


async def test_groups_that_a_phone_was_in_before_are_there_and_are_no_news(
    world: GroupWorld, clock: Any, ids: Any, aiohttp_client: Any
) -> None:
    anna = world.engine.phone(ANNA, "Anna")
    shop = world.engine.phone(SHOP, "Shop")
    world.outside.create(anna.address, "Family", [shop.address])

    await world.link()

    async def known() -> Any:
        return await world.database.read(lambda tx: world.groups.page(tx, _everything(), limit=10))

    (group,) = await poll(known)
    assert (group.subject, group.size) == ("Family", 2)
    assert await world.told("group.joined") == []


async def test_what_was_missed_is_made_up_for_at_the_next_connection(api: Api, shop: Any) -> None:
    made, other = await api.create(ANNA), await api.create(subject="Butter")
    name = render_id("ses", shop.id)
    group = outside(api.world, made)
    api.world.engine.drop(name)
    group.change(subject="Renamed")
    group.put(person(api.world, BEN), Role.ADMIN)
    api.world.outside.forget(outside(api.world, other))
    api.world.advance(10)

    api.world.engine.reconnect(name)

    seen = await api.until(f"/groups/{made['id']}", lambda one: one["subject"] == "Renamed")
    assert phones(seen) == {SHOP: "superadmin", ANNA: "member", BEN: "admin"}
    assert (await api.told("group.updated"))["changes"] == {"subject": "Renamed"}
    assert (await api.told("group.left"))["reason"] == "gone"


async def test_invite_links_are_shown_renewed_looked_at_and_followed(api: Api) -> None:
    made = await api.create()
    anna = api.world.engine.phone(ANNA)
    hers = api.world.outside.create(anna.address, "Hers", [])

    shown = await api.ask("GET", f"/groups/{made['id']}/invite")
    renewed = await api.ask("POST", f"/groups/{made['id']}/invite/revoke")
    preview = await api.ask("POST", "/groups/inspect-invite", {"session": "shop", "invite": hers.code})
    joined = await api.ask("POST", "/groups/join", {"session": "shop", "invite": hers.code})

    assert shown["link"] != renewed["link"]
    assert preview["subject"] == "Hers"
    assert joined["status"] == "joined"
    assert phones(joined["group"]) == {ANNA: "superadmin", SHOP: "member"}
    told = await api.told("group.joined", lambda data: data["subject"] == "Hers")
    assert told["reason"] == "invite"
    await api.ask("POST", "/groups/inspect-invite", {"session": "shop", "invite": "nonsense"}, status=422)


async def test_where_an_admin_lets_people_in_joining_is_a_request(api: Api) -> None:
    anna = api.world.engine.phone(ANNA)
    hers = api.world.outside.create(anna.address, "Hers", [])
    hers.approval = True

    asked = await api.ask("POST", "/groups/join", {"session": "shop", "invite": hers.code})

    assert asked == {"status": "requested", "jid": str(hers.info.group.primary), "group": None}


async def test_who_asks_to_be_let_in_is_listed_and_told(api: Api) -> None:
    made = await api.create()
    ben = person(api.world, BEN)
    outside(api.world, made).requests[ben] = 1_700_000_000.0

    api.world.engine.report(
        render_id("ses", (await api.world.sessions_all())[0].id),
        GroupChanged(group=Address(other=Jid.parse(made["jid"])), asked_to_join=(ben,)),
    )
    listed = (await api.ask("GET", f"/groups/{made['id']}/join-requests"))["items"]

    assert [(one["phone"], one["asked_at"]) for one in listed] == [(BEN, "2023-11-14T22:13:20.000Z")]
    assert (await api.told("group.join_requested"))["participants"][0]["phone"] == BEN


async def test_communities_take_groups_in_and_let_them_go(api: Api) -> None:
    community = await api.create(is_community=True, subject="Market")
    group = await api.create(ANNA)
    path = f"/groups/{community['id']}/groups"

    linked = await api.ask("POST", path, {"group": group["id"]})
    listed = (await api.ask("GET", path))["items"]
    await api.ask("DELETE", f"{path}/{group['id']}", status=204)

    assert linked["community"] == community["jid"]
    assert {one["group"]: one["is_announcements"] for one in listed}[group["id"]] is False
    assert (await api.ask("GET", f"/groups/{group['id']}"))["community"] is None
    inside = await api.create(community=community["id"], subject="Stalls")
    assert inside["community"] == community["jid"]


async def test_a_picture_is_set_from_a_file_that_was_uploaded(api: Api) -> None:
    made = await api.create()
    picture = jpeg(32, 32)
    answer = await api.client.post("/api/v1/media", data=picture, headers={"Content-Type": "image/jpeg"})
    media = await answer.json()

    await api.ask("PUT", f"/groups/{made['id']}/picture", {"media_id": media["id"]}, status=204)

    assert outside(api.world, made).picture == picture


async def test_the_table_of_members_runs_nothing_in_a_spreadsheet(api: Api) -> None:
    made = await api.create(ANNA)
    anna = next(one for one in made["participants"] if one["phone"] == ANNA)
    contact_id = parse_id("con", anna["contact"])
    await api.world.database.write(
        lambda tx: api.world.contacts.rename(tx, org_id=1, contact_id=contact_id, name="=HYPERLINK(0)")
    )

    table = await api.ask("GET", f"/groups/{made['id']}/participants.csv")

    rows = list(csv.DictReader(io.StringIO(table)))
    assert {row["phone"]: row["name"] for row in rows}[ANNA] == "'=HYPERLINK(0)"
    assert {row["role"] for row in rows} == {"member", "superadmin"}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\t=1", " =1", "\r=1"])
def test_every_beginning_of_a_formula_is_marked_as_text(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless("Anna = Ben") == "Anna = Ben"


async def test_two_contacts_that_become_one_are_in_a_group_once(api: Api) -> None:
    made = await api.create(ANNA)
    world, lid = api.world, Jid("900000000000001", "lid")
    stranger = Address(lid=lid)
    world.outside.tell(outside(world, made), person(world, ANNA), joined=(stranger,))
    await api.until(f"/groups/{made['id']}", lambda one: len(one["participants"]) == 3)

    both = Address(pn=Jid.from_phone(ANNA), lid=lid)
    await world.database.write(lambda tx: world.contacts.identify(tx, org_id=1, address=both))

    seen = await api.ask("GET", f"/groups/{made['id']}")
    assert sorted(one["phone"] for one in seen["participants"]) == [SHOP, ANNA]


async def test_who_is_named_twice_in_one_change_is_in_the_group_once(api: Api) -> None:
    made = await api.create(ANNA)
    world, group = api.world, outside(api.world, made)
    ben = person(world, BEN)
    group.put(ben, Role.MEMBER)

    world.outside.tell(group, person(world, ANNA), joined=(Address(pn=ben.pn), Address(lid=ben.lid), ben, ben))

    assert [one["phone"] for one in (await api.told("group.participants"))["participants"]] == [BEN]
    seen = await api.until(f"/groups/{made['id']}", lambda one: BEN in phones(one))
    assert (len(seen["participants"]), seen["size"]) == (3, 3)


async def test_groups_of_other_sessions_and_organizations_are_not_there(api: Api, ids: Any, clock: Any) -> None:
    made = await api.create()
    limited = Principal(org_id=1, kind=PrincipalKind.API_KEY, subject_id=1, scopes=("*",), session_ids=frozenset({42}))
    foreign = Principal(org_id=2, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",))
    for who in (limited, foreign):
        for name in (made["id"], made["jid"]):
            with pytest.raises(GroupNotFoundError):
                await api.world.database.read(lambda tx, who=who, name=name: api.world.groups.get(tx, who, name))
        assert not await api.world.database.read(lambda tx, who=who: api.world.groups.page(tx, who, limit=5))


def _everything() -> Any:
    return Principal(org_id=1, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",))


async def _participants(api: Api) -> list[Any]:
    return await api.world.told("group.participants")
