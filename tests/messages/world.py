"""A gateway reduced to its messages, on an engine without WhatsApp."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

from gateway.chats.service import Chats
from gateway.contacts.consents import Consents
from gateway.contacts.service import Contacts
from gateway.db.tx import Database, Tx
from gateway.events.models import Event
from gateway.events.service import EventLog
from gateway.fleet.intake import Intake
from gateway.fleet.models import Session
from gateway.fleet.progress import Progress as SessionProgress
from gateway.fleet.proxies import ProxySeals
from gateway.fleet.service import Sessions
from gateway.fleet.specs import SessionDefaults, Specs
from gateway.kit.clock import Clock
from gateway.kit.guard import AddressGuard
from gateway.kit.guarded_http import GuardedHttp
from gateway.kit.ids import IdGenerator, render_id
from gateway.kit.vault import Vault
from gateway.media.keeper import MediaKeeper
from gateway.media.library import MediaLibrary
from gateway.media.limits import MediaLimits
from gateway.messages import store
from gateway.messages.arriving.changes import Changes
from gateway.messages.arriving.choosing import Choices
from gateway.messages.arriving.downloader import Downloader
from gateway.messages.arriving.history import History
from gateway.messages.arriving.inbound import Inbound
from gateway.messages.arriving.opting import OptingWords, Words
from gateway.messages.arriving.receipts import Receipts
from gateway.messages.composer import Composer
from gateway.messages.editing import Editor
from gateway.messages.filters import Filters
from gateway.messages.outbox.control import QueueControl
from gateway.messages.outbox.dispatcher import Dispatcher
from gateway.messages.outbox.doubts import Doubts
from gateway.messages.outbox.envelopes import Envelopes
from gateway.messages.outbox.lane import LaneTools
from gateway.messages.outbox.promotion import Promotion
from gateway.messages.outbox.queues import Queues
from gateway.messages.outbox.rescuer import Rescuer
from gateway.messages.outbox.rests import Rests
from gateway.messages.outbox.waiting import Waiting
from gateway.messages.outbox.watch import Watch
from gateway.messages.progress import Progress
from gateway.messages.requests import MessageIn
from gateway.messages.service import Messages
from gateway.messages.session_files import FileDefaults, SessionFiles
from gateway.messages.store import Entry
from gateway.messages.wiring import listen
from gateway.pacing.gate import Gate
from gateway.pacing.settings import Pace, Paces
from gateway.pacing.words import START_WORDS, STOP_WORDS, WholeWords
from gateway.principal import Principal, PrincipalKind
from gateway.schedules.held_files import ScheduledFiles
from sessions.engine import Listener
from sessions.events import QrShown, Report
from sessions.fake.engine import FakeEngine
from sessions.status import SessionStatus

#: The phone that is linked, and two people who write to it.
SHOP = "+4915110000001"
ANNA = "+4915110000002"
BEN = "+4915110000003"

Scan = Callable[[str], Awaitable[object]]

#: Nothing is held back unless a test asks for it.
NO_PACE = Pace()
WORDS = Words(
    stop=WholeWords(STOP_WORDS), start=WholeWords(START_WORDS), stop_answer="No more.", start_answer="Welcome back."
)

PRINCIPAL = Principal(org_id=1, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",))


class World:
    """The parts, wired as the daemon wires them. The dispatcher and the downloader start with :meth:`start`."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        ids: IdGenerator,
        folder: Path,
        make_engine: Callable[[Listener], Any] = lambda listener: FakeEngine(listener=listener),
        pace: Pace = NO_PACE,
    ) -> None:
        self.database, self.clock, self.ids = database, clock, ids
        self.verdicts: list[str] = []  #: what the gate said, in order
        chance = random.Random(3)
        self.events = EventLog(clock=clock, check_payloads=True)
        self.sessions = Sessions(clock=clock, ids=ids, events=self.events)
        session_progress = SessionProgress(sessions=self.sessions, clock=clock)
        self.intake = Intake(database=database, progress=session_progress, clock=clock, ids=ids)
        self.engine = make_engine(self.intake)
        self.specs = Specs(
            folder=folder / "sessions", defaults=SessionDefaults(), seals=ProxySeals(vault=Vault(bytes(32)))
        )
        self.contacts = Contacts(ids=ids, clock=clock, events=self.events)
        self.chats = Chats(ids=ids, clock=clock, contacts=self.contacts)
        self.http = GuardedHttp(guard=AddressGuard(allow_networks=["127.0.0.0/8"]), user_agent="wagate-test")
        self.library = MediaLibrary(
            database=database,
            ids=ids,
            clock=clock,
            http=self.http,
            folder=folder / "media",
            spool_folder=folder / "spool",
            limits=MediaLimits(max_bytes=2_000_000),
        )
        self.progress = Progress(clock=clock, events=self.events)
        changes = Changes(ids=ids, clock=clock, progress=self.progress)
        self.gate = Gate(
            ids=ids,
            chance=chance,
            sessions=self.sessions,
            contacts=self.contacts,
            chats=self.chats,
            paces=Paces(defaults=pace),
            on_verdict=self.verdicts.append,
        )
        self.tools = LaneTools(
            database=database,
            engine=self.engine,
            clock=clock,
            chance=chance,
            specs=self.specs,
            gate=self.gate,
            envelopes=Envelopes(library=self.library),
            progress=self.progress,
            contacts=self.contacts,
            changes=changes,
            rests=Rests(clock=clock),
            on_timelock=self.sessions.note_timelock,
            host_name="here",
        )
        rescuer = Rescuer(
            database=database,
            engine=self.engine,
            clock=clock,
            specs=self.specs,
            gate=self.gate,
            progress=self.progress,
        )
        self.dispatcher = Dispatcher(tools=self.tools, rescuer=rescuer)
        self.doubts = Doubts(
            database=database, engine=self.engine, clock=clock, specs=self.specs, progress=self.progress
        )
        self.queues = Queues(clock=clock)
        self.waiting = Waiting(clock=clock, rests=self.tools.rests, closures=self.gate.closures)
        self.control = QueueControl(
            clock=clock,
            events=self.events,
            queues=self.queues,
            waiting=self.waiting,
            progress=self.progress,
            wakes=self.dispatcher,
        )
        self.watch = Watch(
            database=database,
            clock=clock,
            dispatcher=self.dispatcher,
            doubts=self.doubts,
            queues=self.queues,
            control=self.control,
            closures=self.gate.closures,
            rests=self.tools.rests,
        )
        self.files = SessionFiles(clock=clock, defaults=FileDefaults())
        self.keeper = MediaKeeper(database=database, clock=clock, library=self.library)
        self.keeper.register(self.files)
        self.keeper.register(ScheduledFiles())
        self.downloader = Downloader(
            database=database,
            engine=self.engine,
            library=self.library,
            files=self.files,
            clock=clock,
            chance=chance,
            progress=self.progress,
        )
        self.files.when_wanted(self.downloader.wake)
        self.messages = Messages(
            ids=ids,
            clock=clock,
            sessions=self.sessions,
            contacts=self.contacts,
            chats=self.chats,
            progress=self.progress,
            wakes=self.dispatcher,
        )
        self.editor = Editor(clock=clock, messages=self.messages, progress=self.progress, wakes=self.dispatcher)
        self.composer = Composer(library=self.library)
        self.receipts = Receipts(chats=self.chats, progress=self.progress)
        promotion = Promotion(wake_lane=self.dispatcher.wake_lane)
        self.sessions.when_settings_changed(
            lambda tx, session: tx.after_commit(partial(self.dispatcher.wake_lane, session.id))
        )
        self.inbound = Inbound(
            ids=ids,
            clock=clock,
            contacts=self.contacts,
            chats=self.chats,
            progress=self.progress,
            changes=changes,
            promotion=promotion,
            wake_downloads=self.downloader.wake,
        )
        self.consents = Consents(ids=ids, clock=clock, contacts=self.contacts)
        self.inbound.when_filed(Choices(progress=self.progress).filed)
        self.inbound.when_filed(OptingWords(consents=self.consents, messages=self.messages, words=WORDS).filed)
        listen(
            self.intake,
            inbound=self.inbound,
            history=History(inbound=self.inbound, contacts=self.contacts, chats=self.chats, events=self.events),
            receipts=self.receipts,
            dispatcher=self.dispatcher,
            downloader=self.downloader,
            doubts=self.doubts,
            control=self.control,
        )

    async def open(self) -> None:
        """Make ready, without sending anything yet."""
        await self.library.start()
        await self.http.start()
        await self.engine.start()

    async def start(self) -> None:
        """Begin to send and to download."""
        await self.dispatcher.start()
        await self.downloader.start()

    async def close(self) -> None:
        await self.dispatcher.stop()
        await self.downloader.stop()
        await self.engine.stop()
        await self.http.stop()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        cast(Any, self.clock).advance(seconds)

    async def link(self, name: str = "shop", number: str = SHOP, scan: Scan | None = None) -> Session:
        """A session to which a phone is linked, connected."""
        session = await self.database.write(lambda tx: self.sessions.create(tx, PRINCIPAL, name=name))
        shown: asyncio.Queue[str] = asyncio.Queue()

        def note(_session_id: int, report: Report) -> None:
            assert isinstance(report.event, QrShown)
            shown.put_nowait(report.event.code)

        self.intake.observe(QrShown, note)
        await self._scan(session, shown, number, scan)
        return await self.session_when(session.id, lambda row: row.status == SessionStatus.CONNECTED)

    async def link_again(self, session: Session, number: str = SHOP) -> Session:
        """The same session with a phone once more, perhaps another one."""
        shown: asyncio.Queue[str] = asyncio.Queue()
        self.intake.observe(QrShown, lambda _session_id, report: shown.put_nowait(report.event.code))  # type: ignore[union-attr]
        await self._scan(session, shown, number, None)
        return await self.session_when(session.id, lambda row: row.is_paired and row.status == SessionStatus.CONNECTED)

    async def _scan(self, session: Session, shown: asyncio.Queue[str], number: str, scan: Scan | None) -> None:
        await self.engine.pair(self.specs.of(session))
        code = await asyncio.wait_for(shown.get(), 10)
        if scan is None:
            self.engine.scan(code, number)
        else:
            await scan(code)

    async def sessions_all(self) -> list[Session]:
        """Every session, oldest first."""
        return await self.database.read(lambda tx: tx.session.query(Session).order_by(Session.id).all())

    async def session_when(self, session_id: int, condition: Callable[[Session], bool]) -> Session:
        """The session's row once it fulfils a condition."""

        async def look() -> Session | None:
            row = await self.database.read(lambda tx: tx.session.get(Session, session_id))
            assert row is not None
            return row if condition(row) else None

        return await poll(look)

    async def queue(self, *, session: str = "shop", to: str = ANNA, body: str = "Hello", **more: Any) -> Entry:
        """Accept a message as the API does."""
        fields = {"session": session, "to": to, "type": "text", "text": {"body": body}} | more
        request = MessageIn.model_validate({name: value for name, value in fields.items() if value is not None})
        content, media_id = await self.composer.compose(request, org_id=1)
        return await self.database.write(
            lambda tx: self.messages.queue(tx, PRINCIPAL, request, content=content, media_id=media_id)
        )

    async def find(self, message_id: int) -> Entry:
        """A message as it stands now."""
        entry = await self.database.read(lambda tx: store.find(tx, org_id=1, message_id=message_id))
        assert entry is not None
        return entry

    async def when(self, message_id: int, *states: str) -> Entry:
        """A message once it is in one of these states."""

        async def look() -> Entry | None:
            entry = await self.find(message_id)
            return entry if entry.message.state in states else None

        return await poll(look, what=f"{states}", now=lambda: self.find(message_id))

    async def all(self, **filters: Any) -> list[Entry]:
        """Every message, oldest first."""
        found = await self.database.read(
            lambda tx: store.list_page(tx, org_id=1, filters=Filters(**filters), limit=1000, before_id=None)
        )
        return list(found)[::-1]

    async def incoming(self, count: int = 1) -> list[Entry]:
        """The incoming messages once there are so many."""

        async def look() -> list[Entry] | None:
            found = await self.all(direction="in")
            return found if len(found) >= count else None

        return await poll(look)

    async def said(self, reason: str) -> int:
        """How often the gate has given this reason."""
        return self.verdicts.count(reason)

    async def told(self, *types: str) -> list[Event]:
        """The events of these types so far, in order."""

        def read(tx: Tx) -> list[Event]:
            rows = tx.session.query(Event).order_by(Event.id).all()
            return [event for event in rows if event.type in types]

        return await self.database.read(read)


async def poll(look: Callable[[], Awaitable[Any]], *, what: str = "", now: Any = None) -> Any:
    """The first true value of a look, within twenty seconds."""
    try:
        async with asyncio.timeout(20):
            while not (value := await look()):
                await asyncio.sleep(0.005)
            return value
    except TimeoutError:
        last = await now() if now is not None else None
        raise AssertionError(f"never became {what}; last: {vars(last.message) if last else None}") from None


def name_of(session: Session) -> str:
    """The session as the engine calls it."""
    return render_id("ses", session.id)
