"""Every request that creates or sends takes an Idempotency-Key: asked of all routes of the gateway, from its document."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from gateway.api import idempotency
from gateway.api.route import Route, routes_of
from gateway.contacts.models import Contact
from gateway.db.tables import load_tables
from gateway.db.tx import Tx
from gateway.events.models import Event
from gateway.kit.ids import parse_id
from gateway.messages.codec import encode_content
from gateway.messages.models import Message
from sessions.address import Address, Jid
from sessions.content import Image, RemoteFile
from tests.api.test_isolation import PHONE, PIXEL, World, sign_in, world  # noqa: F401 - the same world

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent.parent

#: POSTs that take no key, and why a repeat of them does no harm.
WITHOUT = {
    "auth.login": "nobody is signed in yet whose key it could be",
    "auth.setup": "its token works once",
    "auth.logout": "who is signed out stays so",
    "calls.reject": "a call that is declined is over",
    "channels.live": "who is told of views for a while is told once",
    "channels.viewed": "WhatsApp counts a viewer once",
    "chats.subscribe_presence": "who is told is told once",
    "chats.typing": "it passes by itself",
    "contacts.check": "it asks",
    "consumers.seek": "a consumer stands where it was put",
    "events.ack": "what is acknowledged stays so",
    "events.pull": "a lease brings the same batch again",
    "events.ticket": "tickets are for one use and pass within a minute",
    "groups.answer_join_requests": "who was let in is in",
    "groups.inspect_invite": "it asks",
    "groups.leave": "who left stays away",
    "people.lids": "it asks",
    "presence.subscribe": "who is told is told once",
    "schedules.pause": "what is paused stays so",
    "schedules.preview": "it calculates",
    "schedules.resume": "what is active stays so",
    "sessions.logout": "who is logged out stays so",
    "sessions.pair_code": "it tells the code that is on offer, and an old one is worth nothing",
    "sessions.start": "what is wanted stays so",
    "sessions.stop": "what is wanted stays so",
}
#: What is remembered just after its effect, so that a kill in between lets it happen again: no harm either.
AFTERWARDS = {
    "media.upload": "the same bytes have the same id",
    "sessions.restart": "it is done by the engine, which has no transactions",
    "webhooks.replay": "it goes through the log bite by bite, and webhooks are told at least once",
    "webhooks.test": "a second test is a test",
}
GROUPS = "tests/groups/test_keys.py::test_a_repeat_gets_the_same_answer_and_asks_whatsapp_nothing"
#: What needs a connected phone, and which test of its own area repeats it under a key.
ELSEWHERE = {
    "channels.create": "tests/channels/test_http.py::test_a_channel_is_opened_once_and_listed",
    "cloud.upload": "tests/cloud/test_media.py::test_a_repeated_upload_under_a_key_is_one",
    "groups.change_participants": GROUPS,
    "groups.create": GROUPS,
    "groups.join": GROUPS,
    "groups.link": GROUPS,
    "groups.revoke_invite": GROUPS,
}
#: What the event log says last of an effect that goes on after the answer.
FOLLOWS = {"sessions.restart": "session.restricted"}
OTHER_PHONE = "+4915112345679"
PICTURE = Image(
    file=RemoteFile(
        direct_path="/x",
        media_key=b"k" * 32,
        sha256=b"s" * 32,
        encrypted_sha256=b"e" * 32,
        size=9,
        mimetype="image/png",
    )
)
MESSAGE = {"session": "line", "to": PHONE, "type": "text", "text": {"body": "once"}}
RULE = {"cron": "0 9 * * *", "time_zone": "UTC"}


@dataclass(frozen=True)
class Case:
    """What an operation needs to succeed."""

    body: Any = field(default_factory=dict)
    before: Callable[[Tx, World], None] = lambda _tx, _world: None


def message_is(state: str) -> Callable[[Tx, World], None]:
    def prepare(tx: Tx, there: World) -> None:
        message = Message.id == parse_id("msg", there.ids["message"])
        tx.execute(update(Message).where(message).values(state=state, hold=None))

    return prepare


def delete_contact(tx: Tx, there: World) -> None:
    tx.execute(update(Contact).where(Contact.id == parse_id("con", there.ids["contact"])).values(deleted_at=func.now()))


def meet(tx: Tx, there: World) -> None:
    there.parts.messaging.contacts.identify(tx, org_id=1, address=Address.of(Jid.from_phone(OTHER_PHONE)))


def receive_picture(tx: Tx, there: World) -> None:
    message = Message.id == parse_id("msg", there.ids["message"])
    tx.execute(update(Message).where(message).values(type="image", content=encode_content(PICTURE), media_state=None))


CASES = {
    "api_keys.create": Case({"name": "shop"}),
    "cloud.send": Case({"messaging_product": "whatsapp", "to": PHONE, "text": {"body": "once"}}),
    "contacts.block": Case(),
    "contacts.create": Case({"to": "+4915112345679"}),
    "contacts.merge": Case({"contact": OTHER_PHONE}, meet),
    "contacts.opt_in": Case(),
    "contacts.opt_out": Case(),
    "contacts.restore": Case(before=delete_contact),
    "contacts.unblock": Case(),
    "media.upload": Case(PIXEL),
    "messages.batch": Case({"messages": [MESSAGE, MESSAGE, {"to": "nobody"}]}),
    "messages.fetch_media": Case(before=receive_picture),
    "messages.resolve": Case({"outcome": "resend"}, message_is("uncertain")),
    "messages.retry": Case(before=message_is("failed")),
    "messages.retry_failed": Case(before=message_is("failed")),
    "messages.send": Case(MESSAGE),
    "messages.send_now": Case(before=message_is("queued")),
    "queue.clear": Case(),
    "queue.pause": Case(),
    "queue.resume": Case(),
    "schedules.create": Case({"message": MESSAGE, **RULE}),
    "schedules.run": Case(),
    "sessions.create": Case({"name": "second"}),
    "sessions.pairing_link": Case(),
    "sessions.restart": Case(),
    "webhooks.create": Case({"url": "https://example.com/second"}),
    "webhooks.redeliver": Case(),
    "webhooks.replay": Case({"since": "2026-01-01T00:00:00Z"}),
    "webhooks.rotate_secret": Case(),
    "webhooks.test": Case(),
}


def posts(there: World) -> dict[str, Route]:
    found = [route for table in there.tables for route, _ in routes_of(table)]
    return {route.operation: route for route in found if route.method == "POST"}


def address(route: Route, there: World) -> str:
    if route.path.startswith("/cloud/"):
        return route.path.replace("{version}", "21.0").replace("{phone_number_id}", there.ids["session"])
    noun = route.path.split("/")[3].removesuffix("s").removeprefix("api-")
    path = route.path
    for name in ("id", "session", "webhook", "delivery", "consumer"):
        path = path.replace(f"{{{name}}}", there.ids.get(noun if name == "id" else name, ""))
    if route.operation == "sessions.pairing_link":
        return path.replace(there.ids["session"], "other line")
    # Nobody delivers here: the test of an endpoint need not wait for what comes of it.
    return f"{path}?wait_seconds=0" if route.operation == "webhooks.test" else path


async def count_rows(there: World) -> dict[str, int]:
    def count(tx: Tx) -> dict[str, int]:
        tables = load_tables().sorted_tables
        return {table.name: tx.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}

    return await there.parts.ground.database.read(count)


async def was_told(there: World, event_type: str) -> bool:
    def look(tx: Tx) -> bool:
        return tx.session.scalar(select(Event.id).where(Event.type == event_type).limit(1)) is not None

    return await there.parts.ground.database.read(look)


@pytest.fixture
async def callers(world: World) -> dict[bool, dict[str, str]]:  # noqa: F811
    """Headers of an API key, and of a person for what only people may do."""
    return {False: world.ours, True: await sign_in(world.parts, org_id=1)}


async def test_every_request_that_creates_or_sends_takes_a_key(world: World) -> None:  # noqa: F811
    found = posts(world)

    assert {name for name, route in found.items() if not route.idempotent_key} == set(WITHOUT)
    assert {name for name, route in found.items() if route.idempotent_key} == set(CASES) | set(ELSEWHERE)
    for test in ELSEWHERE.values():
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text()


@pytest.mark.parametrize("operation", [name for name in CASES if name not in AFTERWARDS])
async def test_a_kill_before_the_answer_leaves_the_answer(
    world: World,  # noqa: F811
    callers: dict[bool, dict[str, str]],
    operation: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The moment that the crash point ``api.committed`` names: the effect is durable, the caller has heard nothing."""
    route, case = posts(world)[operation], CASES[operation]
    await world.parts.ground.database.write(lambda tx: case.before(tx, world))
    headers = {**callers[route.people_only], "Idempotency-Key": "once"}

    def die(_point: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(idempotency, "crash_point", die)
        killed = await world.client.post(address(route, world), json=case.body, headers=headers)
    rows = await count_rows(world)
    again = await world.client.post(address(route, world), json=case.body, headers=headers)

    assert killed.status == 500
    assert (again.status < 300, again.headers.get("Idempotency-Replayed")) == (True, "true")
    assert await count_rows(world) == rows


@pytest.mark.parametrize("operation", CASES)
async def test_a_repeat_gets_the_same_answer_and_changes_nothing(
    world: World,  # noqa: F811
    callers: dict[bool, dict[str, str]],
    operation: str,
    eventually: Any,
) -> None:
    route, case = posts(world)[operation], CASES[operation]
    await world.parts.ground.database.write(lambda tx: case.before(tx, world))
    raw = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
    kind = "image/png" if isinstance(case.body, bytes) else "application/json"
    headers = {**callers[route.people_only], "Idempotency-Key": "once", "Content-Type": kind}

    async def call(body: bytes) -> Any:
        answer = await world.client.post(address(route, world), data=body, headers=headers)
        return answer.status, await answer.read(), answer.headers.get("Idempotency-Replayed")

    first = await call(raw)
    if operation in FOLLOWS:
        await eventually(lambda: was_told(world, FOLLOWS[operation]))
    rows = await count_rows(world)
    second = await call(raw)
    again = await count_rows(world)
    other = await call(raw + b" " if kind != "image/png" else PIXEL + b"\0")

    assert first[0] < 300, first
    assert (second[0], second[2]) == (first[0], "true")
    assert without_secrets(second[1]) == without_secrets(first[1])
    assert again == rows
    assert other[0] == 422
    assert "Used before, with another body" in other[1].decode()
    if not route.path.startswith("/cloud/"):  # an error of the Graph API names no code of ours
        assert json.loads(other[1])["code"] == "idempotency_key_reused"
    assert await count_rows(world) == rows


@pytest.mark.parametrize(
    "operation", ["api_keys.create", "webhooks.create", "webhooks.rotate_secret", "sessions.pairing_link"]
)
async def test_a_secret_is_shown_once_and_kept_with_no_answer(
    world: World,  # noqa: F811
    callers: dict[bool, dict[str, str]],
    operation: str,
) -> None:
    route = posts(world)[operation]
    headers = {**callers[route.people_only], "Idempotency-Key": "once"}

    first, second = [
        await (await world.client.post(address(route, world), json=CASES[operation].body, headers=headers)).json()
        for _ in range(2)
    ]

    [secret] = [name for name in ("key", "secret", "url") if first.get(name) != second.get(name)]
    assert first[secret]
    assert second[secret] is None


async def test_of_fifty_calls_with_one_key_at_once_one_happens(world: World) -> None:  # noqa: F811
    headers = {**world.ours, "Idempotency-Key": "at once"}

    async def send() -> tuple[int, str]:
        answer = await world.client.post("/api/v1/messages", json=MESSAGE, headers=headers)
        told = await answer.json()
        return answer.status, told.get("id") or told["code"]

    before = (await count_rows(world))["messages"]
    answers = await asyncio.gather(*(send() for _ in range(50)))
    after = (await count_rows(world))["messages"]

    accepted = {told for status, told in answers if status == 202}
    refused = {told for status, told in answers if status != 202}
    assert after == before + 1
    assert len(accepted) == 1
    assert refused <= {"idempotency_in_progress"}


def without_secrets(body: bytes) -> Any:
    told = json.loads(body)
    return {name: value for name, value in told.items() if name not in ("key", "secret")} | (
        {"url": None} if "/pair/" in str(told.get("url")) else {}
    )
