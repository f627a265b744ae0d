"""The way out: lanes, the gate before them, and those who watch and control the queues."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import timedelta

from gateway.assembly.fleet import Fleet
from gateway.assembly.ground import Ground
from gateway.assembly.platform import Platform
from gateway.contacts.service import Contacts
from gateway.media.library import MediaLibrary
from gateway.messages.arriving.changes import Changes
from gateway.messages.models import OnUncertain
from gateway.messages.outbox.control import QueueControl
from gateway.messages.outbox.dispatcher import Dispatcher
from gateway.messages.outbox.doubts import Doubts
from gateway.messages.outbox.envelopes import Envelopes
from gateway.messages.outbox.lane import LaneTools
from gateway.messages.outbox.queues import Queues
from gateway.messages.outbox.rescuer import Rescuer
from gateway.messages.outbox.rests import Rests
from gateway.messages.outbox.waiting import Waiting
from gateway.messages.outbox.watch import Watch
from gateway.messages.progress import Progress
from gateway.pacing.gate import Gate


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """Everything between an accepted message and the engine."""

    gate: Gate
    dispatcher: Dispatcher
    doubts: Doubts
    waiting: Waiting
    control: QueueControl
    watch: Watch


def build_outbox(
    ground: Ground,
    platform: Platform,
    fleet: Fleet,
    *,
    gate: Gate,
    contacts: Contacts,
    library: MediaLibrary,
    progress: Progress,
    changes: Changes,
) -> Outbox:
    """Build it on the fleet; nothing runs yet."""
    rests = Rests(clock=ground.clock)
    tools = LaneTools(
        database=ground.database,
        engine=fleet.engine,
        clock=ground.clock,
        chance=ground.chance,
        specs=fleet.specs,
        gate=gate,
        envelopes=Envelopes(library=library),
        progress=progress,
        contacts=contacts,
        changes=changes,
        rests=rests,
        on_timelock=fleet.sessions.note_timelock,
        host_name=socket.gethostname(),
    )
    dispatcher = Dispatcher(tools=tools, rescuer=_build_rescuer(ground, fleet, gate, progress))
    doubts = _build_doubts(ground, fleet, progress)
    queues = Queues(clock=ground.clock)
    waiting = Waiting(clock=ground.clock, rests=rests, closures=gate.closures)
    control = QueueControl(
        clock=ground.clock,
        events=platform.events,
        queues=queues,
        waiting=waiting,
        progress=progress,
        wakes=dispatcher,
    )
    watch = Watch(
        database=ground.database,
        clock=ground.clock,
        dispatcher=dispatcher,
        doubts=doubts,
        queues=queues,
        control=control,
        closures=gate.closures,
        rests=rests,
        stalled_after=timedelta(seconds=ground.config.messages.stalled_after_seconds),
    )
    ground.metrics.watch_by(
        "wagate_queue_messages", "Messages that may go now and have not, by session.", "session", watch.depths
    )
    ground.metrics.watch_by(
        "wagate_queue_oldest_seconds", "For how long the oldest of them has been waiting.", "session", watch.ages
    )
    return Outbox(gate=gate, dispatcher=dispatcher, doubts=doubts, waiting=waiting, control=control, watch=watch)


def _build_rescuer(ground: Ground, fleet: Fleet, gate: Gate, progress: Progress) -> Rescuer:
    return Rescuer(
        database=ground.database,
        engine=fleet.engine,
        clock=ground.clock,
        specs=fleet.specs,
        gate=gate,
        progress=progress,
    )


def _build_doubts(ground: Ground, fleet: Fleet, progress: Progress) -> Doubts:
    return Doubts(
        database=ground.database,
        engine=fleet.engine,
        clock=ground.clock,
        specs=fleet.specs,
        progress=progress,
        policy=OnUncertain(ground.config.messages.on_uncertain),
        patience=timedelta(minutes=ground.config.messages.uncertain_minutes),
    )
