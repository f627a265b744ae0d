"""What every engine does, the one in memory as well as the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.address import Address, Jid
from sessions.commands.base import Done
from sessions.commands.linking import LogOut, PairCodeIssued, RequestPairCode
from sessions.commands.messages import SendMessage
from sessions.commands.people import AddressResolved, CheckNumbers, NumbersChecked, ResolveAddress
from sessions.commands.presence import SetTyping
from sessions.content import Text
from sessions.errors import (
    InvalidRequestError,
    NotConnectedError,
    NotPairedError,
    NotRunningError,
    PairingError,
    RecipientUnknownError,
    SessionError,
)
from sessions.events import Identified, MessageReceived, Paired, PairingEnded, QrShown, ReceiptKind
from sessions.status import Reason, SessionStatus
from tests.engine.worlds import World, connected, envelope, link, reaches, send, spec_for


async def test_the_engine_is_usable(world: World) -> None:
    assert list(await world.engine.self_check()) == []


async def test_a_session_nobody_knows_is_stopped(world: World) -> None:
    assert world.engine.status("ses_none").status is SessionStatus.STOPPED
    with pytest.raises(NotRunningError):
        await send(world, "ses_none", envelope("+15550001111", "hello"))


async def test_pairing_by_qr_code_ends_connected(world: World, tmp_path: Path) -> None:
    spec, number = spec_for(tmp_path), await world.phone("Ana")

    await link(world, spec, number)

    statuses = world.listener.statuses(spec.session_id)
    assert statuses[0] is SessionStatus.PAIRING
    assert statuses[-1] is SessionStatus.CONNECTED
    assert world.engine.status(spec.session_id).live
    paired = world.listener.events(Paired)[0]
    assert paired.me.phone == number
    assert paired.me.lid is not None
    assert world.listener.events(Identified)[-1].me == paired.me


async def test_codes_are_never_journalled(world: World, tmp_path: Path) -> None:
    spec = spec_for(tmp_path)

    await world.engine.pair(spec)
    await world.listener.until(lambda: world.listener.events(QrShown))

    shown = [report for report in world.listener.reports if isinstance(report.event, QrShown)]
    assert shown[0].seq == 0
    assert shown[0].event.code.startswith("https://wa.me/settings/linked_devices#")
    assert shown[0].event.valid_seconds == 60


async def test_pairing_by_phone_code_ends_connected(world: World, tmp_path: Path) -> None:
    spec, number = spec_for(tmp_path), await world.phone("Ana")
    await world.engine.pair(spec)
    await world.listener.until(lambda: world.listener.events(QrShown))

    issued = await world.engine.call(spec.session_id, RequestPairCode(phone=number), timeout_seconds=20)
    assert isinstance(issued, PairCodeIssued)
    assert len(issued.code) == 9
    await world.type_code(issued.code, number)

    await connected(world, spec.session_id)
    assert world.listener.events(Paired)[0].me.phone == number


async def test_a_cancelled_pairing_says_so(world: World, tmp_path: Path) -> None:
    spec = spec_for(tmp_path)
    await world.engine.pair(spec)
    await world.listener.until(lambda: world.listener.events(QrShown))

    await world.engine.cancel_pairing(spec.session_id)

    ended = await world.listener.until(lambda: world.listener.events(PairingEnded))
    assert ended[0].reason is Reason.STOPPED_BY_REQUEST
    assert world.engine.status(spec.session_id).status is SessionStatus.STOPPED


async def test_pairing_twice_at_once_is_one_attempt(world: World, tmp_path: Path) -> None:
    spec = spec_for(tmp_path)
    await world.engine.pair(spec)
    await world.engine.pair(spec)

    await world.listener.until(lambda: world.listener.events(QrShown))

    assert len(world.listener.events(QrShown)) == 1


async def test_a_running_session_is_not_paired_again(world: World, tmp_path: Path) -> None:
    spec, number = spec_for(tmp_path), await world.phone("Ana")
    await link(world, spec, number)

    with pytest.raises(PairingError):
        await world.engine.pair(spec)


async def test_nothing_can_be_asked_of_a_session_that_is_being_paired(world: World, tmp_path: Path) -> None:
    spec = spec_for(tmp_path)
    await world.engine.pair(spec)
    await world.listener.until(lambda: world.listener.events(QrShown))

    with pytest.raises(NotPairedError):
        await send(world, spec.session_id, envelope("+15550001111", "hello"))


async def test_a_message_arrives_once_and_its_receipts_come_back(world: World, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await world.phone("Ana"), await world.phone("Ben")
    await link(world, spec, number)

    sent = await send(world, spec.session_id, envelope(other, "hello"))
    await world.listener.until(lambda: ReceiptKind.DELIVERED in world.listener.receipts(sent.wa_id))
    await world.read(other, spec.session_id, sent.wa_id)
    await world.listener.until(lambda: ReceiptKind.READ in world.listener.receipts(sent.wa_id))

    assert world.texts_at(other) == ["hello"]
    assert sent.chat.phone == other
    assert sent.timestamp > 1_600_000_000


async def test_a_sent_message_is_found_by_its_secret_and_no_other_is(world: World, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await world.phone("Ana"), await world.phone("Ben")
    await link(world, spec, number)
    message = envelope(other, "hello")

    sent = await send(world, spec.session_id, message)

    assert await world.engine.find_by_secret(spec, message.secret) == sent.wa_id
    assert await world.engine.find_by_secret(spec, b"\xff" * 32) is None
    await world.engine.halt(spec.session_id)
    assert await world.engine.find_by_secret(spec, message.secret) == sent.wa_id


async def test_what_a_phone_writes_is_reported_in_order(world: World, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await world.phone("Ana"), await world.phone("Ben")
    await link(world, spec, number)

    ids = [await world.write(other, spec.session_id, number, f"message {n}") for n in range(10)]

    await world.listener.until(lambda: len(world.listener.texts(spec.session_id)) >= 10)
    messages = [event for event in world.listener.events(MessageReceived) if isinstance(event.content, Text)]
    assert [message.content for message in messages] == [Text(body=f"message {n}") for n in range(10)]
    assert [message.key.wa_id for message in messages] == ids
    first = messages[0]
    assert first.sender.phone == other
    assert first.sender.lid is not None
    assert first.key.chat == first.sender
    assert not first.key.from_me
    assert first.push_name == "Ben"


async def test_journal_numbers_rise(world: World, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await world.phone("Ana"), await world.phone("Ben")
    await link(world, spec, number)
    await world.write(other, spec.session_id, number, "hello")
    await world.listener.until(lambda: world.listener.texts(spec.session_id))

    numbers = [report.seq for report in world.listener.reports if report.seq]
    assert numbers == sorted(numbers)


async def test_reports_that_are_refused_are_offered_again(world: World, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await world.phone("Ana"), await world.phone("Ben")
    await link(world, spec, number)
    world.listener.refusing = True
    await world.write(other, spec.session_id, number, "keep me")
    await world.listener.until(lambda: world.listener.refused > 0)

    world.listener.refusing = False

    await world.listener.until(lambda: world.listener.texts(spec.session_id) == ["keep me"])


async def test_nobody_answers_at_an_unknown_number(world: World, tmp_path: Path) -> None:
    spec, number = spec_for(tmp_path), await world.phone("Ana")
    await link(world, spec, number)

    with pytest.raises(RecipientUnknownError):
        await send(world, spec.session_id, envelope("+15559990000", "hello"))


async def test_numbers_are_checked(world: World, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await world.phone("Ana"), await world.phone("Ben")
    await link(world, spec, number)

    checked = await world.engine.call(spec.session_id, CheckNumbers(phones=(other, "+15559990000")))

    assert isinstance(checked, NumbersChecked)
    found, missing = checked.numbers
    assert found.address is not None
    assert found.address.phone == other
    assert missing.address is None


async def test_a_person_is_known_under_both_names_once_spoken_to(world: World, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await world.phone("Ana"), await world.phone("Ben")
    await link(world, spec, number)
    sent = await send(world, spec.session_id, envelope(other, "hello"))

    by_phone = await world.engine.call(spec.session_id, ResolveAddress(who=Address.of(Jid.from_phone(other))))
    by_lid = await world.engine.call(spec.session_id, ResolveAddress(who=Address(lid=sent.chat.lid)))

    assert isinstance(by_phone, AddressResolved)
    assert by_phone.who == sent.chat
    assert by_lid == by_phone


async def test_typing_is_told(world: World, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await world.phone("Ana"), await world.phone("Ben")
    await link(world, spec, number)
    sent = await send(world, spec.session_id, envelope(other, "hello"))

    answer = await world.engine.call(spec.session_id, SetTyping(chat=sent.chat, state="composing"))

    assert isinstance(answer, Done)


async def test_a_cut_connection_comes_back(world: World, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await world.phone("Ana"), await world.phone("Ben")
    await link(world, spec, number)

    await world.cut(spec.session_id, number)
    await world.listener.until(lambda: SessionStatus.RECONNECTING in world.listener.statuses(spec.session_id))
    await world.restore(spec.session_id)
    await connected(world, spec.session_id)

    await send(world, spec.session_id, envelope(other, "again"))
    assert world.texts_at(other) == ["again"]


async def test_a_halted_session_is_stopped_and_runs_again(world: World, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await world.phone("Ana"), await world.phone("Ben")
    await link(world, spec, number)

    await world.engine.halt(spec.session_id)
    assert world.engine.status(spec.session_id).status is SessionStatus.STOPPED
    assert world.engine.status(spec.session_id).reason is Reason.STOPPED_BY_REQUEST
    with pytest.raises(NotRunningError):
        await send(world, spec.session_id, envelope(other, "hello"))
    await world.engine.run(spec)
    await world.engine.run(spec)
    await connected(world, spec.session_id)

    await send(world, spec.session_id, envelope(other, "hello"))
    assert world.texts_at(other) == ["hello"]


async def test_halting_what_does_not_run_does_nothing(world: World) -> None:
    await world.engine.halt("ses_none")
    await world.engine.cancel_pairing("ses_none")

    assert world.listener.changes == []


async def test_unlinked_from_the_phone_it_needs_pairing(world: World, tmp_path: Path) -> None:
    spec, number = spec_for(tmp_path), await world.phone("Ana")
    await link(world, spec, number)

    await world.unlink(spec.session_id, number)

    change = await reaches(world, spec.session_id, SessionStatus.LOGGED_OUT)
    assert change.reason is Reason.UNLINKED_FROM_PHONE
    with pytest.raises(SessionError):
        await send(world, spec.session_id, envelope("+15550001111", "hello"))
    await link(world, spec, number)


async def test_logged_out_here_it_needs_pairing(world: World, tmp_path: Path) -> None:
    spec, number = spec_for(tmp_path), await world.phone("Ana")
    await link(world, spec, number)

    await world.engine.call(spec.session_id, LogOut())

    change = world.engine.status(spec.session_id)
    assert change.status is SessionStatus.LOGGED_OUT
    assert change.reason is Reason.UNLINKED_HERE
    await reaches(world, spec.session_id, SessionStatus.LOGGED_OUT)
    told = [one.reason for one in world.listener.changes if one.status is SessionStatus.LOGGED_OUT]
    assert told == [Reason.UNLINKED_HERE], "told once, and not as the phone's doing"
    with pytest.raises(NotPairedError):
        await send(world, spec.session_id, envelope("+15550001111", "hello"))
    await link(world, spec, number)


async def test_running_a_session_without_a_phone_says_that_it_needs_one(world: World, tmp_path: Path) -> None:
    spec = spec_for(tmp_path)

    await world.engine.run(spec)

    await reaches(world, spec.session_id, SessionStatus.LOGGED_OUT)


async def test_a_session_is_forgotten_only_when_halted(world: World, tmp_path: Path) -> None:
    spec, number = spec_for(tmp_path), await world.phone("Ana")
    await link(world, spec, number)

    with pytest.raises(InvalidRequestError):
        await world.engine.forget(spec)
    await world.engine.halt(spec.session_id)
    await world.engine.forget(spec)

    assert not Path(spec.folder).exists()
    assert world.engine.status(spec.session_id).status is SessionStatus.STOPPED


async def test_a_stopped_engine_has_stopped_its_sessions(world: World, tmp_path: Path) -> None:
    spec, number = spec_for(tmp_path), await world.phone("Ana")
    await link(world, spec, number)

    await world.engine.stop()

    assert world.listener.statuses(spec.session_id)[-1] is SessionStatus.STOPPED
    with pytest.raises((NotRunningError, NotConnectedError)):
        await world.engine.call(spec.session_id, SendMessage(envelope=envelope("+15550001111", "hello")))
