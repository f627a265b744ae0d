"""Profile, privacy, blocked people, names and presence over real sockets, with the engine in memory."""

from __future__ import annotations

import io
from typing import Any

from gateway.contacts.service import Contacts
from gateway.fleet.models import Session
from gateway.fleet.render import session_id
from gateway.kit.ids import render_id
from sessions.address import Address, Jid
from sessions.commands.presence import SetPresence, SubscribePresence
from sessions.events import BlocklistChanged, PictureChanged, PresenceChanged, PrivacyChanged
from tests.fleet.rig import FleetRig
from tests.fleet.test_routes import PHONE, Api
from tests.profiles.conftest import Told

FRIEND, STRANGER = "+15550100002", "+15550100003"
JPEG = b"\xff\xd8\xff\xe0 a picture"


async def test_the_profile_is_read_and_changed(api: Api, shop: Session) -> None:
    before = await api.json("GET", "/sessions/shop/profile")
    after = await api.json("PUT", "/sessions/shop/profile", json={"name": "Shop", "about": "open till six"})

    assert (before["phone"], before["about"]) == (PHONE, "Hey there! I am using WhatsApp.")
    assert (after["name"], after["about"]) == ("Shop", "open till six")
    assert await api.json("GET", "/sessions/shop/profile") == after


async def test_a_picture_is_a_jpeg_of_a_few_megabytes(api: Api, shop: Session) -> None:
    made = await api.json("PUT", "/sessions/shop/profile/picture", data=JPEG)
    wrong = await api.json("PUT", "/sessions/shop/profile/picture", expect=415, data=b"GIF89a")
    body = io.BytesIO(JPEG + bytes(5 * 1024 * 1024))
    large = await api.json("PUT", "/sessions/shop/profile/picture", expect=413, data=body)

    assert (await api.json("GET", "/sessions/shop/profile"))["picture_id"] == made["picture_id"]
    assert (wrong["code"], large["code"]) == ("media_type_refused", "too_large")


async def test_what_the_engine_cannot_do_says_so_in_a_sentence(api: Api, shop: Session) -> None:
    business = await api.json("GET", "/sessions/shop/profile/business", expect=501)
    listed = await api.json("PATCH", "/sessions/shop/privacy", expect=501, json={"about": "contacts_except"})

    assert business["code"] == listed["code"] == "engine_unsupported"
    assert "catalogue" in business["detail"]
    assert "phone" in listed["detail"]


async def test_privacy_settings_are_changed_one_by_one(api: Api, shop: Session) -> None:
    changed = await api.json("PATCH", "/sessions/shop/privacy", json={"last_seen": "none", "calls": "known"})

    assert changed == await api.json("GET", "/sessions/shop/privacy")
    assert (changed["last_seen"], changed["calls"], changed["about"]) == ("none", "known", "all")
    refused = await api.json("PATCH", "/sessions/shop/privacy", expect=422, json={"calls": "none"})
    assert refused["fields"][0]["path"] == "calls"


async def test_people_are_blocked_by_any_of_their_names(
    api: Api, shop: Session, fleet: FleetRig, contacts: Contacts
) -> None:
    friend = fleet.engine.phone(FRIEND)
    contact = await fleet.database.write(lambda tx: contacts.identify(tx, org_id=1, address=friend.address))

    by_number = await api.json("PUT", f"/sessions/shop/blocklist/{FRIEND}")
    listed = await api.json("GET", "/sessions/shop/blocklist")
    by_contact = await api.json("DELETE", f"/sessions/shop/blocklist/{render_id('con', contact.id)}")
    nobody = await api.json("PUT", f"/sessions/shop/blocklist/{STRANGER}", expect=422)
    group = await api.json("PUT", "/sessions/shop/blocklist/120363@g.us", expect=422)

    assert listed == by_number
    assert by_number["items"] == [{"phone": FRIEND, "jid": str(friend.address.lid), "lid": str(friend.address.lid)}]
    assert by_contact["items"] == []
    assert (nobody["code"], group["code"]) == ("recipient_unknown", "recipient_invalid")


async def test_somebody_is_read_with_about_and_devices(api: Api, shop: Session, fleet: FleetRig) -> None:
    fleet.engine.phone(FRIEND)

    found = await api.json("GET", f"/sessions/shop/people/{FRIEND}")
    nobody = await api.json("GET", f"/sessions/shop/people/{STRANGER}", expect=404)

    assert (found["phone"], found["devices"], found["picture_url"]) == (FRIEND, [0], None)
    assert nobody["code"] == "person_not_found"


async def test_both_names_are_found_one_by_one_and_together(api: Api, shop: Session, fleet: FleetRig) -> None:
    lid = str(fleet.engine.phone(FRIEND).address.lid)

    one = await api.json("GET", f"/sessions/shop/lids/{FRIEND}")
    back = await api.json("GET", f"/sessions/shop/lids/{lid}")
    many = await api.json("POST", "/sessions/shop/lids", json={"who": [FRIEND, STRANGER, lid]})
    wrong = await api.json("POST", "/sessions/shop/lids", expect=422, json={"who": [FRIEND, "nonsense"]})

    assert one == back == {"phone": FRIEND, "jid": lid, "lid": lid}
    assert [item["lid"] for item in many["items"]] == [lid, None, lid]
    assert wrong["fields"][0]["path"] == "who.1"


async def test_presence_is_set_and_asked_for(api: Api, shop: Session, fleet: FleetRig) -> None:
    friend = fleet.engine.phone(FRIEND).address

    assert (await api.ask("PUT", "/sessions/shop/presence", json={"available": True})).status == 204
    assert (await api.ask("POST", "/sessions/shop/presence/subscriptions", json={"to": FRIEND})).status == 204

    assert fleet.engine.asked(session_id(shop))[-2:] == [
        SetPresence(available=True),
        SubscribePresence(who=Address.of(friend.pn)),
    ]


async def test_a_session_without_a_phone_cannot_be_asked(api: Api, fleet: FleetRig) -> None:
    await fleet.create("empty")

    for path in ("profile", "privacy", "blocklist", f"people/{FRIEND}", "channels"):
        assert (await api.json("GET", f"/sessions/empty/{path}", expect=409))["code"] == "session_not_paired"
        assert (await api.json("GET", f"/sessions/none/{path}", expect=404))["code"] == "session_not_found"


async def test_what_other_devices_change_is_told(shop: Session, fleet: FleetRig, told: Told) -> None:
    friend = fleet.engine.phone(FRIEND).address
    name = session_id(shop)

    for fact in (
        PresenceChanged(who=friend, online=False, last_seen=1_772_366_400.0),
        PictureChanged(who=friend, removed=True),
        PictureChanged(who=Address.of(Jid("120363", "g.us")), removed=False),
        PrivacyChanged(changed=("about",)),
        BlocklistChanged(blocked=(friend,)),
    ):
        fleet.engine.report(name, fact)

    presence = await told.one("presence.updated")
    assert (presence["phone"], presence["online"], presence["last_seen"]) == (FRIEND, False, "2026-03-01T12:00:00.000Z")
    assert presence["contact"] is None
    assert (await told.one("picture.changed"))["removed"] is True
    assert await told.one("privacy.changed") == {"changed": ["about"]}
    blocklist = await told.one("blocklist.changed")
    assert [who["phone"] for who in blocklist["blocked"]] == [FRIEND]
    assert blocklist["unblocked"] == []


async def test_presence_names_the_contact_where_there_is_one(
    shop: Session, fleet: FleetRig, told: Told, contacts: Contacts
) -> None:
    friend = fleet.engine.phone(FRIEND).address
    contact: Any = await fleet.database.write(lambda tx: contacts.identify(tx, org_id=1, address=friend))

    fleet.engine.report(session_id(shop), PresenceChanged(who=Address.of(friend.lid), online=True))

    presence = await told.one("presence.updated")
    assert (presence["contact"], presence["phone"]) == (render_id("con", contact.id), FRIEND)
