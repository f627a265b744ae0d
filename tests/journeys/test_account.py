"""An account as its owner's program minds it: profile, privacy, people, channels, and how its session behaves."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from yarl import URL

from tests.journeys.house import House, Line, Phone, Receiver, poll
from tests.media.samples import jpeg

pytestmark = pytest.mark.long


@pytest.fixture
async def anna(house: House) -> Phone:
    return await house.phone("Anna")


class CountingProxy:
    """A proxy with a password, on the way to the sandbox."""

    def __init__(self, *, onward: str) -> None:
        self._onward = URL(onward)
        self._server: asyncio.Server | None = None
        self.passed = 0
        self.refused = 0

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        expected = base64.b64encode(b"ada:pa55-w0rd")
        if b"proxy-authorization: basic " + expected.lower() not in head.lower():
            self.refused += 1
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        self.passed += 1
        onward_reader, onward = await asyncio.open_connection(self._onward.host, self._onward.port)
        onward.write(head.split(b"\r\n")[0] + b"\r\n\r\n")
        await asyncio.gather(_pipe(reader, onward), _pipe(onward_reader, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def proxy(house: House) -> AsyncIterator[tuple[CountingProxy, int]]:
    made = CountingProxy(onward=(await house.phones.state())["proxy"])
    yield made, await made.start()
    await made.stop()


async def test_the_profile_is_seen_by_others_as_it_was_set(house: House, line: Line, link: Any) -> None:
    other, base = await link("other"), f"/sessions/{line.id}/profile"

    async def named() -> bool:
        # The keys that a name is changed with come from the phone a moment after linking.
        return (await house.api.ask("PUT", base, {"name": "Corner Shop"})).status == 200

    await poll(named)
    changed = (await house.api.ask("PUT", base, {"about": "open till six"})).body
    picture = await house.api.ask("PUT", f"{base}/picture", data=jpeg(64, 64), headers={"Content-Type": "image/jpeg"})
    seen = await house.api.get(f"/sessions/{other.id}/people/{line.phone.e164}")

    assert (changed["name"], changed["about"]) == ("Corner Shop", "open till six")
    assert (seen["about"], seen["picture_id"]) == ("open till six", picture.body["picture_id"])
    assert seen["picture_url"].startswith("https://pps.whatsapp.net/")
    assert seen["devices"][0] == 0

    async def on_the_phone() -> bool:
        return bool((await house.phones.profile(line.phone.number))["name"] == "Corner Shop")

    await poll(on_the_phone)


async def test_what_an_account_hides_others_do_not_see(house: House, line: Line, link: Any) -> None:
    other = await link("other")
    await house.api.ask("PUT", f"/sessions/{line.id}/profile/picture", data=jpeg(64, 64))

    hidden = await house.api.patch(f"/sessions/{line.id}/privacy", {"about": "none", "picture": "none"})
    seen = await house.api.get(f"/sessions/{other.id}/people/{line.phone.e164}")

    assert (hidden["about"], hidden["picture"], hidden["last_seen"]) == ("none", "none", "all")
    assert (seen["about"], seen["picture_id"], seen["picture_url"]) == (None, None, None)
    assert (await house.phones.profile(line.phone.number))["privacy"] == {"status": "none", "profile": "none"}


async def test_people_are_blocked_here_and_on_the_phone(house: House, line: Line, anna: Phone) -> None:
    here = (await house.api.ask("PUT", f"/sessions/{line.id}/blocklist/{anna.e164}")).body
    on_phone = (await house.phones.profile(line.phone.number))["blocked"]
    await house.phones.block(line.phone.number, anna.number, blocks=False)
    after = await house.api.get(f"/sessions/{line.id}/blocklist")

    assert [who["phone"] for who in here["items"]] == [anna.e164]
    assert on_phone == [anna.number]
    assert after["items"] == []
    told = await told_of(house, line, "blocklist.changed")
    assert [who["phone"] or who["lid"] for who in told["unblocked"]]


async def test_both_names_of_people_are_found(house: House, line: Line, anna: Phone) -> None:
    lid = f"{(await house.phones.phone(anna.number))['lid']}@lid"

    found = await house.api.post(f"/sessions/{line.id}/lids", {"who": [anna.e164, "+12025559999"]})
    back = await house.api.get(f"/sessions/{line.id}/lids/{lid}")

    assert [(one["phone"], one["lid"]) for one in found["items"]] == [(anna.e164, lid), ("+12025559999", None)]
    assert back == found["items"][0]


async def test_presence_of_somebody_is_told_while_it_is_asked_for(house: House, line: Line, anna: Phone) -> None:
    await house.api.ask("PUT", f"/sessions/{line.id}/presence", {"available": True})
    asked = await house.api.ask("POST", f"/sessions/{line.id}/presence/subscriptions", {"to": anna.e164})

    told = await told_of(house, line, "presence.updated")

    assert asked.status == 204
    assert told["online"] is True


async def test_a_channel_from_opening_to_leaving(house: House, line: Line, anna: Phone) -> None:
    base = f"/sessions/{line.id}/channels"
    made = await house.api.post(base, {"name": "Offers", "description": "every morning"})
    theirs = await house.phones.create_channel(anna.number, "Anna's news")
    await house.api.ask("PUT", f"{base}/{theirs['id']}/follow")
    post = await house.phones.publish(anna.number, theirs["id"], "fresh bread")
    [message] = await line.received()
    await house.api.ask("PUT", f"{base}/{theirs['id']}/messages/{post['server_id']}/reaction", {"emoji": "👍"})
    await house.api.ask("POST", f"{base}/{theirs['id']}/viewed", {"server_ids": [post["server_id"]]})

    async def counted() -> bool:
        [seen] = await house.phones.posts(theirs["id"])
        return seen["reactions"] == {line.phone.number: "👍"} and seen["viewers"] == [line.phone.number]

    await poll(counted)
    listed = await house.api.get(f"{base}/{theirs['id']}/messages")
    invited = await house.api.get(f"/sessions/{line.id}/channel-invites/{made['invite']}")
    await house.api.ask("PUT", f"{base}/{theirs['id']}/mute")
    channels = (await house.api.get(base))["items"]

    assert (message["type"], message["text"]) == ("text", {"body": "fresh bread"})
    assert [(one["text"], one["views"], one["reactions"]) for one in listed["items"]] == [("fresh bread", 1, {"👍": 1})]
    assert (made["role"], invited["id"]) == ("owner", made["id"])
    assert {(one["name"], one["role"], one["muted"]) for one in channels} == {
        ("Offers", "owner", False),
        ("Anna's news", "subscriber", True),
    }
    await house.phones.follow(line.phone.number, theirs["id"], follows=False)
    assert (await told_of(house, line, "channel.left"))["id"] == theirs["id"]


async def test_a_session_goes_through_its_own_proxy(
    house: House, line: Line, anna: Phone, proxy: tuple[CountingProxy, int]
) -> None:
    counting, port = proxy
    shown = f"http://ada:***@127.0.0.1:{port}"

    through = await set_up(house, line, proxy=f"http://ada:pa55-w0rd@127.0.0.1:{port}")
    await poll(lambda: passed(counting))
    await line.becomes("connected")
    await line.send(anna, "through the proxy")
    events = await house.api.all(f"/events?session={line.id}")
    direct = await set_up(house, line, proxy=None)
    before = counting.passed
    await line.becomes("connected")
    await line.send(anna, "without")

    assert through["settings"]["proxy"] == shown
    assert "pa55-w0rd" not in str(events)
    assert "proxy" not in direct["settings"] or direct["settings"]["proxy"] is None
    assert counting.passed == before


async def test_metadata_comes_back_with_every_event(house: House, line: Line, anna: Phone, receiver: Receiver) -> None:
    await house.api.post("/webhooks", {"url": receiver.url, "events": ["message.*"], "sessions": [line.id]})

    await set_up(house, line, metadata={"customer": "4711"})
    await house.phones.send_text(anna.number, line.phone.number, "hello")

    call = await receiver.saw(lambda event: event["type"] == "message.received")
    assert call.event["metadata"] == {"customer": "4711"}
    logged = await house.api.all(f"/events?session={line.id}&types=message.received")
    assert [event["metadata"] for event in logged] == [{"customer": "4711"}]


async def test_messages_are_read_by_themselves(house: House, line: Line, anna: Phone) -> None:
    await set_up(house, line, auto_read=True)

    await house.phones.send_text(anna.number, line.phone.number, "hello")

    async def read() -> bool:
        [sent] = await house.phones.messages(anna.number, sent=True)
        return bool(sent["status"] == "read")

    await poll(read)


async def test_ignored_chats_leave_no_trace(house: House, line: Line, anna: Phone) -> None:
    await set_up(house, line, ignore={"chats": [anna.e164]})
    ben = await house.phone("Ben")

    await house.phones.send_text(anna.number, line.phone.number, "hello from whom nobody hears")
    await house.phones.send_text(ben.number, line.phone.number, "hello")

    [message] = await line.received()
    assert message["text"] == {"body": "hello"}


async def test_calls_are_declined_with_a_word(house: House, line: Line, anna: Phone) -> None:
    await set_up(house, line, calls={"reject": True, "text": "Please write to us."})

    await house.phones.call(anna.number, line.phone.number)

    async def declined() -> bool:
        return [call["state"] for call in await house.phones.calls(anna.number)] == ["rejected"]

    await poll(declined)

    async def written() -> bool:
        return [one["text"] for one in await house.phones.messages(anna.number)] == [{"body": "Please write to us."}]

    await poll(written)
    assert (await told_of(house, line, "call.rejected"))["phone"] == anna.e164


async def test_what_becomes_of_calls_is_told(house: House, line: Line, anna: Phone) -> None:
    async def call(*steps: tuple[Phone, str]) -> Any:
        made = await house.phones.call(anna.number, line.phone.number, video=True)
        await poll(lambda: rings(made["id"]))
        for phone, how in steps:
            await house.phones.end_call(phone.number, made["id"], how)

    async def rings(_call: str) -> bool:
        page = await house.api.get(f"/sessions/{line.id}/calls")
        return bool(page["items"] and page["items"][0]["state"] == "ringing")

    await call((anna, "hang-up"))
    await told_of(house, line, "call.missed")
    await call((line.phone, "accept"), (anna, "hang-up"))
    await told_of(house, line, "call.ended")
    await call((line.phone, "decline"))
    declined = await told_of(house, line, "call.rejected")

    calls = (await house.api.get(f"/sessions/{line.id}/calls"))["items"]
    assert [one["state"] for one in calls] == ["rejected", "ended", "missed"]
    assert (declined["phone"], declined["video"], declined["id"]) == (anna.e164, True, calls[0]["id"])
    assert {one["contact"] for one in calls} == {declined["contact"]}
    events = await house.api.all(f"/events?session={line.id}&types=call.*")
    assert [one["type"].removeprefix("call.") for one in events] == [
        "received",
        "missed",
        "received",
        "accepted",
        "ended",
        "received",
        "rejected",
    ]


async def test_a_call_is_declined_on_request(house: House, line: Line, anna: Phone) -> None:
    await house.phones.call(anna.number, line.phone.number)
    ringing = await told_of(house, line, "call.received")
    path = f"/sessions/{line.id}/calls/{ringing['id']}/reject"

    rejected = await house.api.post(path)

    assert rejected["state"] == "rejected"
    await house.api.refused(409, "call_over", "POST", path)
    await house.api.refused(404, "call_not_found", "POST", f"/sessions/{line.id}/calls/cal_0000000000001/reject")

    async def declined() -> bool:
        return [call["state"] for call in await house.phones.calls(anna.number)] == ["rejected"]

    await poll(declined)


async def test_typing_of_somebody_is_told(house: House, line: Line, anna: Phone) -> None:
    sent = await line.send(anna, "hello")
    await house.api.ask("PUT", f"/sessions/{line.id}/presence", {"available": True})

    await house.phones.typing(anna.number, line.phone.number, "recording")

    told = await told_of(house, line, "contact.typing")
    assert (told["state"], told["chat"], told["contact"]) == ("recording", sent["chat"], sent["contact"])
    assert told["phone"] == anna.e164
    assert told["lid"] is not None


async def set_up(house: House, line: Line, **settings: Any) -> Any:
    """Change settings of a session."""
    return await house.api.patch(f"/sessions/{line.id}", {"settings": settings})


async def passed(counting: CountingProxy) -> bool:
    return counting.passed > 0


async def told_of(house: House, line: Line, event_type: str) -> dict[str, Any]:
    """The data of the first event of this type."""

    async def look() -> Any:
        found = await house.api.all(f"/events?session={line.id}&types={event_type}")
        return found[0] if found else None

    return dict((await poll(look))["data"])
