"""What arrives: messages and what becomes of them, files that are fetched, reading by itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from gateway.assembly.filing import Filing
from gateway.assembly.fleet import Fleet
from gateway.assembly.ground import Ground
from gateway.assembly.outbox import Outbox
from gateway.assembly.platform import Platform
from gateway.chats.service import Chats
from gateway.contacts.service import Contacts
from gateway.messages.arriving.auto_reader import AutoReader
from gateway.messages.arriving.changes import Changes
from gateway.messages.arriving.downloader import Downloader
from gateway.messages.arriving.history import History
from gateway.messages.arriving.inbound import Inbound
from gateway.messages.arriving.receipts import Receipts
from gateway.messages.marking import ReadMarker
from gateway.messages.outbox.promotion import Promotion
from gateway.messages.progress import Progress
from gateway.messages.wiring import listen


@dataclass(frozen=True, kw_only=True)
class Arriving:
    """What listens to the sessions."""

    inbound: Inbound
    downloader: Downloader
    auto_reader: AutoReader


def build_arriving(
    ground: Ground,
    platform: Platform,
    fleet: Fleet,
    *,
    contacts: Contacts,
    chats: Chats,
    filing: Filing,
    outbox: Outbox,
    progress: Progress,
    changes: Changes,
) -> Arriving:
    """Build it on what is sent, listening to what sessions report."""
    wake_lane = outbox.dispatcher.wake_lane
    fleet.sessions.when_settings_changed(lambda tx, session: tx.after_commit(partial(wake_lane, session.id)))
    downloader = _build_downloader(ground, fleet, filing, progress)
    inbound = Inbound(
        ids=ground.ids,
        clock=ground.clock,
        contacts=contacts,
        chats=chats,
        progress=progress,
        changes=changes,
        promotion=Promotion(wake_lane=wake_lane),
        wake_downloads=downloader.wake,
        downloads_media=ground.config.media.download,
    )
    listen(
        fleet.intake,
        inbound=inbound,
        history=History(inbound=inbound, contacts=contacts, chats=chats, events=platform.events),
        receipts=Receipts(chats=chats, progress=progress),
        dispatcher=outbox.dispatcher,
        downloader=downloader,
        doubts=outbox.doubts,
        control=outbox.control,
    )
    auto_reader = _build_auto_reader(ground, fleet, contacts, chats)
    inbound.when_filed(auto_reader.filed)
    return Arriving(inbound=inbound, downloader=downloader, auto_reader=auto_reader)


def _build_auto_reader(ground: Ground, fleet: Fleet, contacts: Contacts, chats: Chats) -> AutoReader:
    """Reads messages where a session's settings say so."""
    marker = ReadMarker(
        database=ground.database, engine=fleet.engine, clock=ground.clock, contacts=contacts, chats=chats
    )
    reader = AutoReader(database=ground.database, sessions=fleet.sessions, chats=chats, marker=marker)
    fleet.intake.observe_status(reader.status_changed)
    return reader


def _build_downloader(ground: Ground, fleet: Fleet, filing: Filing, progress: Progress) -> Downloader:
    downloader = Downloader(
        database=ground.database,
        engine=fleet.engine,
        library=filing.library,
        files=filing.files,
        clock=ground.clock,
        chance=ground.chance,
        progress=progress,
    )
    filing.files.when_wanted(downloader.wake)
    return downloader
