"""The fleet over an engine in memory, wired as the daemon wires it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.db.tx import Database, Tx
from gateway.events.service import EventLog
from gateway.fleet import store
from gateway.fleet.intake import Intake
from gateway.fleet.labels import SessionLabels
from gateway.fleet.lifecycle import Lifecycle
from gateway.fleet.links import PairingLinks
from gateway.fleet.models import Session
from gateway.fleet.pairing import PairingDesk
from gateway.fleet.progress import Progress
from gateway.fleet.proxies import ProxyGuard, ProxySeals
from gateway.fleet.qr import QrArtist
from gateway.fleet.reconciler import Reconciler
from gateway.fleet.render import session_id
from gateway.fleet.service import Sessions
from gateway.fleet.specs import SessionDefaults, Specs
from gateway.fleet.unlinker import Unlinker
from gateway.fleet.warden import Warden
from gateway.kit.clock import Clock
from gateway.kit.guard import AddressGuard
from gateway.kit.ids import IdGenerator
from gateway.kit.vault import Vault
from gateway.principal import Principal, PrincipalKind
from sessions.events import Paired, PairingEnded, QrShown
from sessions.fake.engine import FakeEngine

CALLER = Principal(org_id=1, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",))


@dataclass(kw_only=True)
class FleetRig:
    """Everything a test of the fleet touches."""

    database: Database
    clock: Clock
    engine: FakeEngine
    events: EventLog
    sessions: Sessions
    progress: Progress
    intake: Intake
    reconciler: Reconciler
    warden: Warden
    unlinker: Unlinker
    desk: PairingDesk
    links: PairingLinks
    lifecycle: Lifecycle
    artist: QrArtist
    specs: Specs
    seals: ProxySeals
    proxies: ProxyGuard

    async def create(self, name: str = "shop", **more: Any) -> Session:
        return await self.database.write(lambda tx: self.sessions.create(tx, CALLER, name=name, **more))

    async def row(self, session: Session) -> Session:
        found = await self.database.read(lambda tx: store.find_any(tx, session_id=session.id))
        assert found is not None
        return found

    def all(self, tx: Tx) -> Sequence[Session]:
        return self.sessions.list(tx, CALLER, limit=100)

    async def link(self, session: Session, phone: str, eventually: Any) -> Session:
        """Pair it with a phone in memory and wait until it is connected."""
        state = await self.desk.qr(session)
        self.engine.scan(str(state.qr), phone)
        return await self.until(session, "connected", eventually)

    async def until(self, session: Session, status: str, eventually: Any) -> Session:
        async def look() -> Session | None:
            row = await self.row(session)
            return row if row.status == status else None

        found: Session = await eventually(look)
        return found

    async def event_types(self, session: Session) -> list[str]:
        events = await self.database.read(
            lambda tx: self.events.recent_of_session(tx, org_id=1, session_id=session.id, limit=100)
        )
        return [event.type for event in reversed(events)]

    async def change(self, session: Session, verb: Any) -> None:
        """Ask for something as a caller would, and let the reconciler look."""
        ref = session_id(session)
        await self.database.write(lambda tx: verb(tx, self.sessions.get(tx, CALLER, ref)))
        self.lifecycle.changed()


def build_rig(
    *, database: Database, clock: Clock, ids: IdGenerator, folder: Path, events: EventLog | None = None
) -> FleetRig:
    events = events or EventLog(clock=clock, check_payloads=True)
    sessions = Sessions(clock=clock, ids=ids, events=events)
    progress = Progress(sessions=sessions, clock=clock)
    intake = Intake(database=database, progress=progress, clock=clock, ids=ids)
    engine = FakeEngine(listener=intake)
    seals = ProxySeals(vault=Vault(bytes(32)))
    specs = Specs(folder=folder / "sessions", defaults=SessionDefaults(), seals=seals)
    labels = SessionLabels()
    events.label_with(labels.of)
    sessions.when_settings_changed(labels.changed)
    unlinker = Unlinker(engine=engine)
    reconciler = Reconciler(database=database, engine=engine, sessions=sessions, specs=specs, unlinker=unlinker)
    warden = Warden(database=database, sessions=sessions, reconciler=reconciler, clock=clock)
    desk = PairingDesk(engine=engine, database=database, reconciler=reconciler, specs=specs, clock=clock)
    intake.observe(QrShown, desk.qr_shown)
    intake.observe(PairingEnded, desk.pairing_ended)
    intake.observe(Paired, desk.paired)
    for observer in (unlinker.status_changed, desk.status_changed, reconciler.status_changed, warden.status_changed):
        intake.observe_status(observer)
    return FleetRig(
        database=database,
        clock=clock,
        engine=engine,
        events=events,
        sessions=sessions,
        progress=progress,
        intake=intake,
        reconciler=reconciler,
        warden=warden,
        unlinker=unlinker,
        desk=desk,
        links=PairingLinks(clock=clock, ids=ids),
        lifecycle=Lifecycle(
            database=database, sessions=sessions, specs=specs, unlinker=unlinker, reconciler=reconciler
        ),
        artist=QrArtist(),
        specs=specs,
        seals=seals,
        proxies=ProxyGuard(guard=AddressGuard(ports=range(1, 65_536))),
    )
