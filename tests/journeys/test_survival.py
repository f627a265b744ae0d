"""What happens when something dies, is cut off, banned or thrown out: nothing lost, nothing doubled, nobody else hurt."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from gateway.sandbox.rig import Sandbox
from tests.journeys.house import House, Line, Phone, poll

pytestmark = pytest.mark.long

PER_SECOND = 10
SECONDS = 3.0


@pytest.fixture
async def anna(house: House) -> Phone:
    return await house.phone("Anna")


def session_folder(house: House, line: Line) -> Path:
    return Path(house.sandbox.rig.data) / "gateway" / "sessions" / line.id


def worker_of(house: House, line: Line) -> psutil.Process:
    """The process that holds the session's key store."""
    folder = str(session_folder(house, line))
    for process in psutil.Process(house.sandbox.rig.pids["gateway"]).children(recursive=True):
        if any(file.path.startswith(folder) for file in process.open_files()):
            return process
    raise AssertionError(f"no process holds {folder}")


async def texts_at(house: House, phone: Phone, count: int) -> list[str]:
    """The texts that reached a phone, doubles included, once there are so many."""

    async def look() -> list[str]:
        found = await house.phones.messages(phone.number, limit=1000)
        return [message["text"]["body"] for message in found] if len(found) >= count else []

    return list(await poll(look, timeout_seconds=30))


async def follow_all(line: Line, messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [await line.follow(message["id"], "delivered", timeout_seconds=30) for message in messages]


async def events_since(house: House, position: str, types: str) -> list[dict[str, Any]]:
    return list((await house.api.get(f"/events?types={types}&after={position}&limit=500"))["items"])


async def newest_event(house: House) -> str:
    return str((await house.api.all("/events"))[-1]["id"])


async def restarted(house: House, name: str, before: int) -> None:
    """Wait until another process has taken the place of one that was killed."""

    async def look() -> bool:
        return house.sandbox.rig.pids[name] != before

    await poll(look)


# what dies


async def test_a_killed_worker_disturbs_nobody_and_its_session_is_back_by_itself(house: House, link) -> None:
    victim, *others = [await link(name) for name in ("victim", "one", "two", "three")]
    readers = {line: await house.phone(f"Reader of {line.phone.name}") for line in others}
    since = await newest_event(house)
    killed = asyncio.Event()

    async def send_steadily(line: Line) -> list[dict[str, Any]]:
        sent, began = [], time.monotonic()
        for number in range(round(PER_SECOND * SECONDS)):
            await asyncio.sleep(began + number / PER_SECOND - time.monotonic())
            sent.append(await line.queue(readers[line], f"message {number}"))
            if number == PER_SECOND:
                killed.set()
        return sent

    async def kill() -> float:
        await killed.wait()
        worker_of(house, victim).kill()
        began = time.monotonic()
        await house.api.until(f"/sessions/{victim.id}", lambda session: session["status"] != "connected")
        await victim.becomes("connected")
        return time.monotonic() - began

    back_after, *sent = await asyncio.gather(kill(), *(send_steadily(line) for line in others))

    assert back_after < 10
    for line, messages in zip(others, sent, strict=True):
        bodies = [message["text"]["body"] for message in messages]
        assert await texts_at(house, readers[line], len(bodies)) == bodies
        done = await follow_all(line, messages)
        assert {(message["attempts"], message["error"]) for message in done} == {(1, None)}
    news = await events_since(house, since, "session.*")
    assert {event["session"] for event in news} == {victim.id}
    assert "worker_crashed" in [reason["reason"]["code"] for reason in (await victim.becomes("connected"))["reasons"]]
    await victim.send(next(iter(readers.values())), "back again")


async def test_a_killed_gateway_comes_back_whole_with_every_message_once(house: House, link) -> None:
    lines = [await link("first"), await link("second")]
    anna = await house.phone("Anna")
    later = await lines[0].queue(anna, "much later", send_at="2031-01-01T00:00:00Z")
    accepted = [[await line.queue(anna, f"{line.phone.name} {number}") for number in range(15)] for line in lines]
    before = house.sandbox.rig.pids["gateway"]

    os.kill(before, signal.SIGKILL)
    for line in lines:
        await house.phones.send_text(anna.number, line.phone.number, f"while {line.phone.name} was away")
    await restarted(house, "gateway", before)
    for line in lines:
        await line.becomes("connected", timeout_seconds=30)

    for line, messages in zip(lines, accepted, strict=True):
        await follow_all(line, messages)
        [arrived] = await line.received()
        assert arrived["text"]["body"] == f"while {line.phone.name} was away"
    bodies = await texts_at(house, anna, 30)
    wanted = [message["text"]["body"] for messages in accepted for message in messages]
    assert Counter(bodies) == Counter(wanted)
    assert (await house.api.get(f"/messages/{later['id']}"))["state"] == "scheduled"


async def test_a_killed_whatsapp_is_only_an_outage(house: House, line: Line, anna: Phone) -> None:
    await line.send(anna, "before")
    before = house.sandbox.rig.pids["whatsapp"]

    os.kill(before, signal.SIGKILL)
    gone = await house.api.until(f"/sessions/{line.id}", lambda session: session["status"] != "connected")
    waiting = await line.queue(anna, "meanwhile")
    await restarted(house, "whatsapp", before)
    await line.becomes("connected", timeout_seconds=30)
    await line.follow(waiting["id"], "delivered")
    await house.phones.send_text(anna.number, line.phone.number, "and back")
    [answer] = await line.received()

    assert gone["status"] == "reconnecting"
    assert gone["reason"]["code"] in ("connection_lost", "connection_refused")
    assert answer["text"]["body"] == "and back"
    assert await texts_at(house, anna, 2) == ["before", "meanwhile"]


async def test_a_connection_that_is_cut_while_sending_doubles_nothing(house: House, line: Line, anna: Phone) -> None:
    await line.send(anna, "first")
    await house.phones.inject("no_ack", number=line.phone.number, count=1)
    queued = [await line.queue(anna, f"message {number}") for number in range(3)]
    await texts_at(house, anna, 2)

    await house.phones.inject("drop", number=line.phone.number)
    await follow_all(line, queued)

    assert await texts_at(house, anna, 4) == ["first", "message 0", "message 1", "message 2"]


async def test_a_message_that_whatsapp_refuses_fails_with_its_code(house: House, line: Line, anna: Phone) -> None:
    friend = await house.phone("Friend")
    await line.send(friend, "known")
    await house.phones.inject("refuse", number=line.phone.number, code=463, count=1)

    failed = await line.send(anna, "a new chat", state="failed")
    waiting = await line.queue(anna, "another one")
    await line.send(friend, "still known")

    assert failed["error"]["code"] == "new_chats_refused"
    waits = await house.api.until(f"/messages/{waiting['id']}", lambda message: bool(message["waiting_for"]))
    assert (waits["state"], waits["waiting_for"]["code"]) == ("queued", "timelock")
    assert await texts_at(house, friend, 2) == ["known", "still known"]


# what takes the session away


async def test_a_phone_that_unlinks_the_session_can_link_it_again(house: House, line: Line, anna: Phone) -> None:
    since = await newest_event(house)
    await house.phones.unlink(line.phone.number)
    gone = await line.becomes("logged_out")
    refused = {"session": line.id, "to": anna.e164, "text": {"body": "hello"}}
    await house.api.refused(409, "session_not_paired", "POST", "/messages", refused)

    await line.scan()
    await line.send(anna, "linked again")

    assert (gone["reason"]["code"], gone["paired"], gone["live"]) == ("unlinked_from_phone", False, False)
    assert gone["reason"]["sentence"]
    told = [event["data"]["status"] for event in await events_since(house, since, "session.status")]
    assert told.index("logged_out") < told.index("pairing") < len(told) - 1
    assert told[-1] == "connected"


async def test_a_temporary_ban_says_until_when(house: House, line: Line, anna: Phone) -> None:
    began = datetime.now(UTC)
    await house.phones.inject("ban", number=line.phone.number, code=101, expire=600)
    banned = await line.becomes("banned")
    waiting = await line.queue(anna, "patience")
    await house.phones.clear_faults()
    await house.api.refused(409, "session_banned", "POST", f"/sessions/{line.id}/start")
    await house.api.post(f"/sessions/{line.id}/start?force=true")
    await line.becomes("connected")

    left = (datetime.fromisoformat(banned["until"]) - began).total_seconds()
    assert 595 < left < 620
    assert (banned["reason"]["code"], banned["paired"]) == ("temporary_ban", True)
    await line.follow(waiting["id"], "delivered")


@pytest.mark.parametrize(("kind", "reason"), [("replaced", "connected_elsewhere"), ("outdated", "engine_outdated")])
async def test_what_took_the_session_away_is_told_apart_and_a_start_brings_it_back(
    house: House, shop: Line, anna: Phone, kind: str, reason: str
) -> None:
    await house.phones.inject(kind, number=shop.phone.number)
    ended = await shop.becomes(kind)
    waiting = await shop.queue(anna, "still mine")
    await house.phones.clear_faults()
    await house.api.post(f"/sessions/{shop.id}/start")
    back = await shop.becomes("connected")

    assert (ended["reason"]["code"], ended["live"]) == (reason, False)
    assert [back["reason"], back["live"]] == [None, True]
    await shop.follow(waiting["id"], "delivered")


# linking and unlinking


async def test_a_phone_is_linked_by_a_typed_code(house: House, anna: Phone) -> None:
    session = await house.api.post("/sessions", {"name": "by-code"})
    phone = await house.phone("Shop")

    code = (await house.api.post("/sessions/by-code/pair-code", {"phone": phone.e164}))["code"]
    await house.phones.link(phone.number, code)

    line = Line(house=house, id=session["id"], name="by-code", phone=phone)
    await line.becomes("connected")
    await line.send(anna, "linked by code")
    await house.api.delete("/sessions/by-code")


async def test_another_phone_than_the_expected_one_is_turned_away(house: House) -> None:
    right, wrong = await house.phone("Right"), await house.phone("Wrong")
    session = await house.api.post("/sessions", {"name": "strict", "expected_phone": right.e164})
    path = f"/sessions/{session['id']}"

    await house.phones.scan(wrong.number, (await house.api.get(f"{path}/qr"))["code"])

    turned_away = await house.api.until(path, lambda found: found["reason"] is not None)
    assert (turned_away["reason"]["code"], turned_away["paired"]) == ("wrong_phone", False)

    async def is_unlinked() -> bool:
        return (await house.phones.phone(wrong.number))["linked"] == []

    await poll(is_unlinked)
    await house.api.delete(path)


async def test_a_passkey_is_explained(house: House) -> None:
    phone = await house.phone("Careful")
    session = await house.api.post("/sessions", {"name": "careful"})
    path = f"/sessions/{session['id']}"
    await house.phones.inject("passkey", number=phone.number)

    code = (await house.api.get(f"{path}/qr"))["code"]
    with pytest.raises(Exception, match="passkey"):
        await house.phones.scan(phone.number, code)

    refused = await house.api.until(path, lambda found: found["status"] == "passkey_required")
    assert refused["reason"]["code"] == "passkey_demanded"
    assert "passkey" in refused["reason"]["sentence"]
    await house.api.delete(path)


async def test_a_deleted_session_leaves_no_keys_and_no_linked_device(house: House, line: Line, anna: Phone) -> None:
    sent = await line.send(anna, "farewell")
    folder = session_folder(house, line)
    assert (folder / "keys.db").exists()

    await house.api.delete(f"/sessions/{line.id}")

    async def is_gone() -> bool:
        return not folder.exists() and (await house.phones.phone(line.phone.number))["linked"] == []

    await poll(is_gone)
    await house.api.refused(404, "session_not_found", "GET", f"/sessions/{line.id}")
    assert (await house.api.get(f"/messages/{sent['id']}"))["state"] == "delivered"


async def test_a_stopped_session_keeps_its_messages_until_it_is_started(house: House, line: Line, anna: Phone) -> None:
    await house.api.post(f"/sessions/{line.id}/stop")
    stopped = await line.becomes("stopped")
    waiting = await line.queue(anna, "later")
    await house.phones.send_text(anna.number, line.phone.number, "are you there?")
    await house.api.post(f"/sessions/{line.id}/start")
    await line.becomes("connected")

    assert (stopped["desired"], stopped["reason"]["code"]) == ("stop", "stopped_by_request")
    await line.follow(waiting["id"], "delivered")
    assert [message["text"]["body"] for message in await line.received()] == ["are you there?"]


async def test_what_needs_a_connection_says_that_there_is_none(house: House, line: Line, anna: Phone) -> None:
    await house.phones.send_text(anna.number, line.phone.number, "anybody there?")
    [arrived] = await line.received()
    chat = f"/chats/{arrived['chat']}"
    calls = (
        ("PUT", f"{chat}/read", None),
        ("POST", f"{chat}/typing", {}),
        ("POST", "/contacts/check", {"session": line.id, "phones": [anna.e164]}),
    )

    await house.phones.inject("outage")
    await line.becomes("reconnecting")
    for method, path, body in calls:
        answer = await house.api.ask(method, path, body)
        assert (answer.status, answer.code) == (409, "session_not_connected"), path
        assert int(answer.headers["Retry-After"]) > 0
    await house.phones.clear_faults()
    await house.api.post(f"/sessions/{line.id}/stop")
    await line.becomes("stopped")
    for method, path, body in calls:
        await house.api.refused(409, "session_not_running", method, path, body)

    assert (await house.api.get(chat))["unread"] == 1


# many sessions in one process


@pytest.fixture
async def dense(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A sandbox of its own, whose sessions share processes. It stands beside a production gateway's settings."""
    (tmp_path / "config.toml").write_text('[store]\nurl = "postgresql://wagate@127.0.0.1:1/production"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAGATE_STORE__DATA_FOLDER", str(tmp_path / "production"))
    monkeypatch.setenv("WAGATE_ENGINE__SESSIONS_PER_WORKER", "5")
    sandbox = Sandbox(data=tmp_path / "sandbox")
    await sandbox.start()
    made = House(sandbox)
    yield made
    assert await made.phones.unknown() == []
    assert not (tmp_path / "production").exists()
    await made.close()
    await sandbox.stop()


async def test_sessions_that_share_a_process_stop_cleanly_come_back_together_and_survive_its_death(
    dense: House,
) -> None:
    lines = [await dense.link(f"dense-{number}") for number in range(3)]
    anna = await dense.phone("Anna")
    queued = [await line.queue(anna, f"before {line.name}") for line in lines]
    first = dense.sandbox.rig.pids["gateway"]
    workers = psutil.Process(first).children(recursive=True)

    began = time.monotonic()
    os.kill(first, signal.SIGTERM)
    await asyncio.to_thread(psutil.wait_procs, workers, 10)
    await restarted(dense, "gateway", first)
    stopped_after = time.monotonic() - began
    for line in lines:
        await line.becomes("connected", timeout_seconds=30)
    shared = {worker_of(dense, line).pid for line in lines}
    os.kill(shared.pop(), signal.SIGKILL)
    for line in lines:
        await dense.api.until(f"/sessions/{line.id}", lambda session: session["reasons"])
        await line.becomes("connected", timeout_seconds=30)
    queued += [await line.queue(anna, f"after {line.name}") for line in lines]

    assert shared == set()
    assert stopped_after < 10
    log = (Path(dense.sandbox.rig.data) / "gateway.log").read_text()
    assert log.count('"event": "gateway stopped"') == 1
    wanted = [message["text"]["body"] for message in queued]
    assert Counter(await texts_at(dense, anna, len(wanted))) == Counter(wanted)
