"""The linked phones: the engine, and those who keep it and the rows in agreement."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.assembly.ground import Ground
from gateway.assembly.platform import Platform
from gateway.config.settings import Config
from gateway.fleet.adopter import Adopter
from gateway.fleet.intake import Intake
from gateway.fleet.labels import SessionLabels
from gateway.fleet.lifecycle import Lifecycle
from gateway.fleet.links import PairingLinks
from gateway.fleet.pairing import PairingDesk
from gateway.fleet.progress import Progress
from gateway.fleet.proxies import ProxyGuard, ProxySeals
from gateway.fleet.qr import QrArtist
from gateway.fleet.reconciler import Reconciler
from gateway.fleet.service import Sessions
from gateway.fleet.specs import SessionDefaults, Specs
from gateway.fleet.unlinker import Unlinker
from gateway.fleet.warden import Warden
from sessions.engine import Engine, Listener
from sessions.events import Paired, PairingEnded, QrShown
from sessions.liveness import Watch
from sessions.protocol import Loopback, Probing
from sessions.proxies import AsGiven, Proxies
from sessions.settings import EngineSettings
from sessions.supervisor import Supervisor


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Sessions and the engine that runs them."""

    sessions: Sessions
    progress: Progress
    intake: Intake
    engine: Engine
    specs: Specs
    seals: ProxySeals
    proxies: ProxyGuard
    reconciler: Reconciler
    adopter: Adopter
    warden: Warden
    unlinker: Unlinker
    desk: PairingDesk
    links: PairingLinks
    artist: QrArtist
    lifecycle: Lifecycle


def build_fleet(ground: Ground, platform: Platform) -> Fleet:
    """Build it on the platform."""
    database, clock, ids = ground.database, ground.clock, ground.ids
    sessions = Sessions(clock=clock, ids=ids, events=platform.events)
    progress = Progress(sessions=sessions, clock=clock)
    intake = Intake(database=database, progress=progress, clock=clock, ids=ids)
    proxies = ProxyGuard(guard=ground.proxy_guard)
    engine = build_engine(ground.config, ground.loopback, intake, watch=ground.metrics, proxies=proxies)
    seals = ProxySeals(vault=ground.vault)
    specs = Specs(folder=ground.folder.sessions, defaults=_session_defaults(ground.config), seals=seals)
    labels = SessionLabels()
    platform.events.label_with(labels.of)
    sessions.when_settings_changed(labels.changed)
    unlinker = Unlinker(engine=engine)
    reconciler = Reconciler(database=database, engine=engine, sessions=sessions, specs=specs, unlinker=unlinker)
    fleet = Fleet(
        sessions=sessions,
        progress=progress,
        intake=intake,
        engine=engine,
        specs=specs,
        seals=seals,
        proxies=proxies,
        reconciler=reconciler,
        adopter=Adopter(database=database, engine=engine, specs=specs),
        warden=Warden(database=database, sessions=sessions, reconciler=reconciler, clock=clock),
        unlinker=unlinker,
        desk=PairingDesk(engine=engine, database=database, reconciler=reconciler, specs=specs, clock=clock),
        links=PairingLinks(clock=clock, ids=ids),
        artist=QrArtist(),
        lifecycle=Lifecycle(
            database=database, sessions=sessions, specs=specs, unlinker=unlinker, reconciler=reconciler
        ),
    )
    _connect(fleet)
    return fleet


def build_engine(
    config: Config,
    loopback: Loopback | None,
    listener: Listener,
    *,
    watch: Watch | None = None,
    proxies: Proxies | None = None,
) -> Engine:
    """The supervisor of worker processes."""
    chosen = config.engine
    settings = EngineSettings(
        sessions_per_worker=chosen.sessions_per_worker,
        loopback=loopback,
        proxies=proxies or AsGiven(),
        probing=Probing(every_seconds=chosen.probe_seconds, answer_seconds=chosen.probe_answer_seconds),
    )
    return Supervisor(settings=settings, listener=listener, watch=watch)


def _session_defaults(config: Config) -> SessionDefaults:
    chosen = config.sessions
    return SessionDefaults(device_name=chosen.device_name, history=chosen.history, typing_events=chosen.typing_events)


def _connect(fleet: Fleet) -> None:
    """Who is told of what the engine reports, once it is committed."""
    fleet.intake.observe(QrShown, fleet.desk.qr_shown)
    fleet.intake.observe(PairingEnded, fleet.desk.pairing_ended)
    fleet.intake.observe(Paired, fleet.desk.paired)
    for observer in (
        fleet.unlinker.status_changed,
        fleet.desk.status_changed,
        fleet.reconciler.status_changed,
        fleet.warden.status_changed,
    ):
        fleet.intake.observe_status(observer)
