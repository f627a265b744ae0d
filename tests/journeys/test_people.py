"""People: who turns out to be one of two, how the list of chats shows them, and what is passed on to others."""

from __future__ import annotations

import pytest

from tests.journeys.house import House, Line, Phone, poll
from tests.media.samples import jpeg

pytestmark = pytest.mark.long

VCARD = "BEGIN:VCARD\nVERSION:3.0\nFN:Dr. Ö\nTEL;waid=15550001111:+1 555 000 1111\nEND:VCARD"


@pytest.fixture
async def anna(house: House) -> Phone:
    return await house.phone("Anna")


async def test_two_contacts_turn_out_to_be_one_person_when_whatsapp_names_both(
    house: House, line: Line, anna: Phone
) -> None:
    lid = f"{(await house.phones.phone(anna.number))['lid']}@lid"
    by_number = await house.api.post("/contacts", {"to": anna.e164, "name": "Anna of the bakery"})
    by_lid = await house.api.post("/contacts", {"to": lid})

    await house.phones.send_text(anna.number, line.phone.number, "both of them are me")
    [arrived] = await line.received()
    page = await house.api.until("/events?types=contact.merged", lambda page: page["items"])
    [merged] = page["items"]

    stays, gone = merged["subject"]["id"], merged["data"]["merged"]
    assert {stays, gone} == {by_number["id"], by_lid["id"]}
    assert arrived["contact"] == stays
    contact = await house.api.get(f"/contacts/{gone}")
    assert (contact["id"], contact["phone"], contact["lid"]) == (stays, anna.e164, lid)
    assert contact["name"] == "Anna of the bakery"


async def test_the_list_of_chats_shows_who_waits_and_what_was_said_last(house: House, line: Line, anna: Phone) -> None:
    ben = await house.phone("Ben")
    await line.send(ben, "first to Ben")
    for body in ("are you there?", "hello?"):
        await house.phones.send_text(anna.number, line.phone.number, body)
    last = (await line.received(2))[-1]

    chats = await house.api.all(f"/chats?session={line.id}")

    assert [(chat["name"], chat["unread"]) for chat in chats] == [("Anna", 2), (ben.e164, 0)]
    assert chats[0]["last_message"] == last["id"]


async def test_a_card_reaches_the_phone_as_it_was_written(house: House, line: Line, anna: Phone) -> None:
    sent = await line.send(anna, type="contacts", contacts={"cards": [{"name": "Dr. Ö", "vcard": VCARD}]})

    [shown] = await poll(lambda: house.phones.messages(anna.number))

    assert (shown["id"], shown["type"]) == (sent["wa_id"], "contacts")
    assert shown["contacts"] == [{"name": "Dr. Ö", "vcard": VCARD}]


async def test_a_picture_is_passed_on_and_says_that_it_was(house: House, line: Line, anna: Phone) -> None:
    ben, picture = await house.phone("Ben"), jpeg(320, 200)
    media = await house.api.upload(picture, "image/jpeg", "view.jpg")
    first = await line.send(ben, type="image", image={"media_id": media["id"], "caption": "The view"})

    sent = await line.send(anna, type="forward", forward={"message": first["id"]})
    [shown] = await poll(lambda: house.phones.messages(anna.number))

    assert (sent["type"], sent["forwarded"]) == ("image", True)
    assert (shown["type"], shown["forwarded"], shown["image"]["caption"]) == ("image", True, "The view")
    assert await house.phones.file(shown["image"]["url"]) == picture
