"""What is said: contacts, chats, files and messages, out and in."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.assembly.arriving import build_arriving
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
from gateway.messages.arriving.inbound import Inbound
from gateway.messages.arriving.opting import OptingWords
from gateway.messages.composer import Composer
from gateway.messages.editing import Editor
from gateway.messages.progress import Progress
from gateway.messages.service import Messages
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
    progress = Progress(clock=ground.clock, events=platform.events)
    changes = Changes(ids=ground.ids, clock=ground.clock, progress=progress)
    outbox = build_outbox(
        ground,
        platform,
        fleet,
        gate=build_gate(ground, fleet, contacts, chats),
        contacts=contacts,
        library=filing.library,
        progress=progress,
        changes=changes,
    )
    arriving = build_arriving(
        ground,
        platform,
        fleet,
        contacts=contacts,
        chats=chats,
        filing=filing,
        outbox=outbox,
        progress=progress,
        changes=changes,
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
    consents = Consents(ids=ground.ids, clock=ground.clock, contacts=contacts)
    _answer(ground, arriving.inbound, consents, messages, progress)
    return Messaging(
        contacts=contacts,
        consents=consents,
        chats=chats,
        filing=filing,
        messages=messages,
        editor=Editor(clock=ground.clock, messages=messages, progress=progress, wakes=outbox.dispatcher),
        composer=Composer(library=filing.library),
        outbox=outbox,
        downloader=arriving.downloader,
        indexer=Indexer(database=ground.database),
        auto_reader=arriving.auto_reader,
    )


def _answer(ground: Ground, inbound: Inbound, consents: Consents, messages: Messages, progress: Progress) -> None:
    """Understand what people choose from menus, and their STOP and START."""
    inbound.when_filed(Choices(progress=progress).filed)
    words = build_words(ground.config.consent)
    if words is not None:
        inbound.when_filed(OptingWords(consents=consents, messages=messages, words=words).filed)
