"""The outbox under anything that an engine, a crash or a person can do to it, in any order.

``pytest tests/messages/test_outbox_machine.py --hypothesis-profile=long`` plays for longer.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.db.sqlite import SqliteDatabase
from gateway.db.tables import load_tables
from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.errors import ConflictError
from gateway.kit.ids import IdGenerator, render_id
from gateway.messages.models import Message
from gateway.messages.outbox.waiting import WaitsFor
from gateway.messages.store import Entry
from sessions.address import Address, Jid
from sessions.commands.every import AnyCommand, AnyResult
from sessions.commands.messages import MessageSent, SendMessage
from sessions.content import Sent, Text
from sessions.engine import StatusChange
from sessions.errors import (
    BusyError,
    EngineError,
    NotConnectedError,
    OutcomeUnknownError,
    RecipientUnknownError,
    RefusedError,
    SessionError,
    StoreError,
    WorkerLostError,
)
from sessions.events import OfflineSyncCompleted, ReceiptKind, ReceiptReceived, Report
from sessions.protocol import SessionSpec
from sessions.status import SessionStatus
from tests.conftest import LONG, SettableClock, add_org
from tests.messages.world import PRINCIPAL, SHOP, World

pytestmark = pytest.mark.long

T = TypeVar("T")

ME = Address.of(Jid.from_phone(SHOP))
PEOPLE = ("+4915110000002", "+4915110000003")
#: What the engine says, and whether the message reached the wire before. None: it never answers.
ANSWERS: dict[str, tuple[type[SessionError] | None, bool]] = {
    "not connected": (NotConnectedError, False),
    "busy": (BusyError, False),
    "refused": (RefusedError, False),
    "nobody there": (RecipientUnknownError, False),
    "store trouble": (StoreError, False),
    "unknown, sent": (OutcomeUnknownError, True),
    "unknown, not sent": (OutcomeUnknownError, False),
    "died after sending": (WorkerLostError, True),
    "died before sending": (WorkerLostError, False),
    "odd, sent": (EngineError, True),
    "odd, not sent": (EngineError, False),
    "hangs after sending": (None, True),
    "hangs before sending": (None, False),
}
FINAL = {"sent", "delivered", "read", "played", "failed", "cancelled", "expired"}
NEVER_LEFT = {"failed", "cancelled", "expired"}


class ScriptedEngine:
    """WhatsApp, the wire and the key store in one; it outlives every daemon."""

    capabilities: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.is_connected = True
        self.is_store_broken = False
        self.hanging = 0
        self.answers: deque[str] = deque()
        self.wire: list[tuple[str, str, str]] = []  #: body, recipient, WhatsApp's id
        self._filed: dict[bytes, str] = {}
        self._ids = itertools.count(1)

    async def call(self, session_id: str, command: AnyCommand, *, timeout_seconds: float = 90.0) -> AnyResult:
        assert isinstance(command, SendMessage)
        if not self.is_connected:
            raise NotConnectedError
        answer = self.answers.popleft() if self.answers else None
        error, reaches_wire = (None, True) if answer is None else ANSWERS[answer]
        wa_id = self._put_on_wire(command) if reaches_wire else ""
        if answer is None:
            to = command.envelope.to
            return MessageSent(sent=Sent(wa_id=wa_id, chat=to, sender=ME, timestamp=float(int(time.time()))))
        if error is None:
            await self._hang()
        assert error is not None, "what hangs is ended from outside"
        raise error

    async def _hang(self) -> None:
        """Until the daemon is killed, or the watch has had enough."""
        self.hanging += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.hanging -= 1

    def _put_on_wire(self, command: SendMessage) -> str:
        envelope = command.envelope
        assert isinstance(envelope.content, Text)
        wa_id = f"3EB0{next(self._ids):08X}"
        self._filed[envelope.secret] = wa_id
        self.wire.append((envelope.content.body, envelope.to.phone or "", wa_id))
        return wa_id

    def status(self, session_id: str) -> StatusChange:
        status = SessionStatus.CONNECTED if self.is_connected else SessionStatus.RECONNECTING
        return StatusChange(session_id=session_id, status=status, live=self.is_connected)

    async def find_by_secret(self, spec: SessionSpec, secret: bytes) -> str | None:
        if self.is_store_broken:
            raise StoreError
        return self._filed.get(secret)

    async def start(self) -> None:
        """It is always there."""

    async def stop(self) -> None:
        """It stays."""


class OutboxMachine(RuleBasedStateMachine):
    """One session, two chats, one daemon after the other."""

    runner: ClassVar[asyncio.Runner]
    database: ClassVar[SqliteDatabase]
    folder: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.clock = SettableClock()
        self.ids = IdGenerator(clock=self.clock, chance=random.Random(11))
        self.engine = ScriptedEngine()
        self.numbers = itertools.count(1)
        self.messages: list[int] = []
        self.bodies: dict[int, str] = {}
        self.asked_again: Counter[str] = Counter()  #: how often a person wanted it once more
        self.out_of_turn: set[str] = set()  #: these may come later than messages that were accepted after them
        self.resolved: set[str] = set()  #: a person has said what became of them
        self.seen_on_wire, self.is_touched = 0, False
        self.world = self._new_world()
        self.session = self.do(self._link())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def write(self, work: Callable[[Tx], T]) -> T:
        async def change() -> T:
            return await self.database.write(work)

        return self.do(change())

    # --- what people do

    @rule(
        to=st.sampled_from(PEOPLE),
        priority=st.sampled_from(["high", "normal", "low"]),
        resend=st.booleans(),
        answers=st.lists(st.sampled_from(sorted(ANSWERS)), max_size=2),
    )
    def queue(self, to: str, priority: str, resend: bool, answers: list[str]) -> None:
        self.engine.answers.extend(answers)
        body = f"message {next(self.numbers)}"
        policy = "resend" if resend else "hold"
        entry = self.do(
            self.world.queue(session=self.session.name, to=to, body=body, priority=priority, on_uncertain=policy)
        )
        self.messages.append(entry.message.id)
        self.bodies[entry.message.id] = body
        self.settle()

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self._try(self.world.messages.cancel, self._some(data))

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        message_id = self._some(data)
        if self._try(self.world.messages.retry, message_id):
            self.asked_again[self.bodies[message_id]] += 1
            self.out_of_turn.add(self.bodies[message_id])

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), outcome=st.sampled_from(["sent", "failed", "resend"]))
    def resolve(self, data: st.DataObject, outcome: str) -> None:
        message_id = self._some(data)
        if self._try(lambda tx, who, one: self.world.messages.resolve(tx, who, one, outcome), message_id):  # type: ignore[arg-type]
            body = self.bodies[message_id]
            self.resolved.add(body)
            self.out_of_turn.add(body)
            self.asked_again[body] += outcome == "resend"

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def hurry(self, data: st.DataObject) -> None:
        self._try(self.world.editor.send_now, self._some(data))

    @rule()
    def pause(self) -> None:
        self.write(lambda tx: self.world.control.pause(tx, self._session(tx)))

    @rule()
    def resume(self) -> None:
        self.write(lambda tx: self.world.control.resume(tx, self._session(tx)))
        self.settle()

    # --- what happens to them

    @rule()
    def break_or_mend_the_key_store(self) -> None:
        self.engine.is_store_broken = not self.engine.is_store_broken

    @rule(seconds=st.sampled_from([1, 5, 70, 250, 700, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.settle()

    @rule()
    def disconnect(self) -> None:
        self._connect(False)

    @rule()
    def connect(self) -> None:
        self._connect(True)
        self.settle()

    @precondition(lambda self: self.engine.wire)
    @rule(data=st.data(), kind=st.sampled_from([ReceiptKind.DELIVERED, ReceiptKind.READ]))
    def receipt(self, data: st.DataObject, kind: ReceiptKind) -> None:
        _, to, wa_id = data.draw(st.sampled_from(self.engine.wire))
        self._report(_receipt(to, wa_id, kind, at=self.clock.now().timestamp()))

    @rule()
    def kill_and_start_again(self) -> None:
        self._kill()
        self.world = self._new_world()
        self.do(self.world.dispatcher.start())
        self._connect(self.engine.is_connected)
        self.settle()

    # --- what must hold whatever happened

    @invariant()
    def what_is_promised_holds(self) -> None:
        if len(self.engine.wire) == self.seen_on_wire and not self.is_touched:
            return
        self.seen_on_wire, self.is_touched = len(self.engine.wire), False
        entries, waits = self.do(self._look())
        for entry in entries:
            assert (waits[entry.message.id] is None) == (entry.message.state in FINAL), vars(entry.message)
        messages = [entry.message for entry in entries]
        self.out_of_turn |= {one.body for one in messages if one.uncertain_at is not None or one.may_be_double}
        self._nothing_is_doubled_without_leave({one.body for one in messages if one.may_be_double})
        self._each_chat_keeps_its_order()
        self._the_states_are_true(messages)

    def _nothing_is_doubled_without_leave(self, marked: set[str]) -> None:
        for body, times in Counter(body for body, _, _ in self.engine.wire).items():
            assert times <= 1 + self.asked_again[body] or body in marked, f"{body} went out {times} times"

    def _each_chat_keeps_its_order(self) -> None:
        for person in PEOPLE:
            order = [body for body, to, _ in self.engine.wire if to == person and body not in self.out_of_turn]
            assert order == sorted(order, key=lambda body: int(body.split()[1]))

    def _the_states_are_true(self, messages: list[Message]) -> None:
        on_wire = {body for body, _, _ in self.engine.wire}
        for message in messages:
            if message.body in self.resolved or self.asked_again[message.body] or message.may_be_double:
                continue
            if message.state in FINAL:
                assert (message.body in on_wire) == (message.state not in NEVER_LEFT), vars(message)

    def teardown(self) -> None:
        """When all is well again, nothing stays behind: what has not ended waits for a person, and says so."""
        try:
            self.engine.answers.clear()
            self.engine.is_store_broken = False
            self.kill_and_start_again()
            self._connect(True)
            self.resume()
            left = self._unfinished()
            for _ in range(12):
                if not left:
                    break
                self.clock.advance(4000)
                self.settle()
                left = self._unfinished()
            assert left == [], vars(left[0])
            self.what_is_promised_holds()
        finally:
            self._kill()
            self.write(_forget_everything)

    def _unfinished(self) -> list[Message]:
        messages = [entry.message for entry in self.do(self.world.all())]
        return [one for one in messages if one.state not in FINAL and one.reason != "needs_a_person"]

    # --- how

    def settle(self) -> None:
        """Let the watch and the dispatcher look, and lanes run until they end or hang."""

        async def work() -> None:
            await self.world.watch.run_once()
            await self.world.dispatcher.run_once()
            await self._lanes_at_rest()

        self.is_touched = True
        self.do(work())

    async def _lanes_at_rest(self) -> None:
        """A lane that hangs in the engine waits for an event that never comes."""
        async with asyncio.timeout(10):
            while len(self.world.dispatcher._lanes) > self.engine.hanging:
                await asyncio.sleep(0)

    def _connect(self, is_connected: bool) -> None:
        self.engine.is_connected = is_connected

        async def tell() -> None:
            await self.world.intake.on_status(self.engine.status(self._name))
            if is_connected:
                await self._send_report(OfflineSyncCompleted(count=0))
            await self._lanes_at_rest()

        self.do(tell())

    def _report(self, event: Any) -> None:
        self.do(self._send_report(event))

    async def _send_report(self, event: Any) -> None:
        at = self.clock.now().timestamp()
        await self.world.intake.on_reports([Report(session_id=self._name, seq=1, received_at=at, event=event)])

    @property
    def _name(self) -> str:
        return render_id("ses", self.session.id)

    def _some(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(self.messages))

    def _try(self, change: Callable[[Tx, Any, int], Entry], message_id: int) -> bool:
        """Whether the change was possible in the message's state."""
        try:
            self.write(lambda tx: change(tx, PRINCIPAL, message_id))
        except ConflictError:
            return False
        self.settle()
        return True

    async def _look(self) -> tuple[list[Entry], dict[int, WaitsFor | None]]:
        entries = await self.world.all()
        waits = await self.database.read(
            lambda tx: {entry.message.id: self.world.waiting.of(tx, entry.message) for entry in entries}
        )
        return entries, waits

    def _session(self, tx: Tx) -> Session:
        found = tx.session.get(Session, self.session.id)
        assert found is not None
        return found

    def _new_world(self) -> World:
        return World(
            database=self.database,
            clock=self.clock,
            ids=self.ids,
            folder=self.folder,
            make_engine=lambda _listener: self.engine,
        )

    async def _link(self) -> Session:
        def add(tx: Tx) -> Session:
            add_org(tx, self.clock)
            session = self.world.sessions.create(tx, PRINCIPAL, name="shop")
            session.paired_at, session.pn = self.clock.now(), str(ME.pn)
            session.status, session.live = SessionStatus.CONNECTED, True
            tx.session.flush()
            return session

        session = await self.database.write(add)
        await self.world.dispatcher.start()
        return session

    def _kill(self) -> None:
        """As kill -9 does: nothing is waited for, nothing is settled."""
        dispatcher = self.world.dispatcher

        async def die() -> None:
            dispatcher.is_open = False
            lanes = [task for _, task in dispatcher._lanes.values()]
            for task in lanes:
                task.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
            await dispatcher.stop()

        self.do(die())


def _receipt(to: str, wa_id: str, kind: ReceiptKind, *, at: float) -> ReceiptReceived:
    who = Address.of(Jid.from_phone(to))
    return ReceiptReceived(chat=who, by=who, wa_ids=(wa_id,), receipt=kind, timestamp=at)


def _forget_everything(tx: Tx) -> None:
    for table in reversed(load_tables().sorted_tables):
        tx.execute(table.delete())


def test_whatever_happens_nothing_is_lost_doubled_reordered_or_stuck(sqlite_template: Path, tmp_path: Path) -> None:
    in_memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=in_memory if in_memory.is_dir() else tmp_path))
    shutil.copy(sqlite_template, folder / "wagate.db")
    with asyncio.Runner() as runner:
        OutboxMachine.runner, OutboxMachine.folder = runner, tmp_path
        OutboxMachine.database = runner.run(SqliteDatabase.open(folder / "wagate.db"))
        try:
            run_state_machine_as_test(OutboxMachine, settings=_settings())  # type: ignore[no-untyped-call]
        finally:
            runner.run(OutboxMachine.database.close())
            shutil.rmtree(folder)


def _settings() -> settings:
    """Two hundred plays, or as many as the profile says that was asked for."""
    if settings.get_current_profile_name() == LONG:
        return settings()
    quick = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(max_examples=200, stateful_step_count=12, deadline=None, suppress_health_check=quick)
