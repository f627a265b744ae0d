"""What is said: contacts, chats, files and messages, out and in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from gateway.assembly.filing import Filing, build_filing
from gateway.assembly.fleet import Fleet
from gateway.assembly.ground import Ground
from gateway.assembly.outbox import Outbox, build_outbox
from gateway.assembly.pacing import build_gate, build_words
from gateway.assembly.platform import Platform
from gateway.chats.service import Chats
from gateway.contacts.consents import Consents
from gateway.contacts.service import Contacts
from gateway.messages.arriving.auto_reader import AutoReader
from gateway.messages.arriving.changes import Changes
from gateway.messages.arriving.choosing import Choices
from gateway.messages.arriving.downloader import Downloader
from gateway.messages.arriving.history import History
from gateway.messages.arriving.inbound import Inbound
from gateway.messages.arriving.opting import OptingWords
from gateway.messages.arriving.receipts import Receipts
from gateway.messages.composer import Composer
from gateway.messages.editing import Editor
from gateway.messages.marking import ReadMarker
from gateway.messages.outbox.promotion import Promotion
from gateway.messages.progress import Progress
from gateway.messages.service import Messages
from gateway.messages.wiring import listen
from gateway.search.indexer import Indexer


@dataclass(frozen=True, kw_only=True)
class Messaging:
    """Messages and everything they refer to."""

    contacts: Contacts
    consents: Consents
    chats: Chats
    filing: Filing
    messages: Messages
    editor: Editor
    composer: Composer
    outbox: Outbox
    downloader: Downloader
    indexer: Indexer
    auto_reader: AutoReader


def build_messaging(ground: Ground, platform: Platform, fleet: Fleet) -> Messaging:
    """Build it on the fleet, listening to what sessions report."""
    contacts = Contacts(ids=ground.ids, clock=ground.clock, events=platform.events)
    chats = Chats(ids=ground.ids, clock=ground.clock, contacts=contacts)
    filing = build_filing(ground)
    library = filing.library
    progress = Progress(clock=ground.clock, events=platform.events)
    changes = Changes(ids=ground.ids, clock=ground.clock, progress=progress)
    outbox = build_outbox(
        ground,
        platform,
        fleet,
        gate=build_gate(ground, fleet, contacts, chats),
        contacts=contacts,
        library=library,
        progress=progress,
        changes=changes,
    )
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
    messages = Messages(
        ids=ground.ids,
        clock=ground.clock,
        sessions=fleet.sessions,
        contacts=contacts,
        chats=chats,
        progress=progress,
        wakes=outbox.dispatcher,
    )
    auto_reader = _build_auto_reader(ground, fleet, contacts, chats)
    inbound.when_filed(auto_reader.filed)
    inbound.when_filed(Choices(progress=progress).filed)
    consents = Consents(ids=ground.ids, clock=ground.clock, contacts=contacts)
    words = build_words(ground.config.consent)
    if words is not None:
        inbound.when_filed(OptingWords(consents=consents, messages=messages, words=words).filed)
    return Messaging(
        contacts=contacts,
        consents=consents,
        chats=chats,
        filing=filing,
        messages=messages,
        editor=Editor(clock=ground.clock, messages=messages, progress=progress, wakes=outbox.dispatcher),
        composer=Composer(library=library),
        outbox=outbox,
        downloader=downloader,
        indexer=Indexer(database=ground.database),
        auto_reader=auto_reader,
    )


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
