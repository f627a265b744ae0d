"""What is said: contacts, chats, files and messages, out and in."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from gateway.assembly.fleet import Fleet
from gateway.assembly.ground import Ground
from gateway.assembly.platform import Platform
from gateway.chats.service import Chats
from gateway.contacts.service import Contacts
from gateway.media.library import MediaLibrary
from gateway.media.limits import MediaLimits
from gateway.media.sound import SoundConverter
from gateway.messages.arriving.changes import Changes
from gateway.messages.arriving.downloader import Downloader
from gateway.messages.arriving.inbound import Inbound
from gateway.messages.arriving.receipts import Receipts
from gateway.messages.composer import Composer
from gateway.messages.outbox.dispatcher import Dispatcher
from gateway.messages.outbox.envelopes import Envelopes
from gateway.messages.outbox.lane import LaneTools
from gateway.messages.outbox.promotion import Promotion
from gateway.messages.outbox.rescuer import Rescuer
from gateway.messages.outbox.rests import Rests
from gateway.messages.progress import Progress
from gateway.messages.service import Messages
from gateway.messages.wiring import listen
from gateway.pacing.gate import Gate


@dataclass(frozen=True, kw_only=True)
class Messaging:
    """Messages and everything they refer to."""

    contacts: Contacts
    chats: Chats
    library: MediaLibrary
    messages: Messages
    composer: Composer
    dispatcher: Dispatcher
    downloader: Downloader


def build_messaging(ground: Ground, platform: Platform, fleet: Fleet) -> Messaging:
    """Build it on the fleet, listening to what sessions report."""
    contacts = Contacts(ids=ground.ids, clock=ground.clock, events=platform.events)
    chats = Chats(ids=ground.ids, clock=ground.clock, contacts=contacts)
    library = build_library(ground)
    progress = Progress(clock=ground.clock, events=platform.events)
    changes = Changes(ids=ground.ids, clock=ground.clock, progress=progress)
    dispatcher = _build_dispatcher(ground, fleet, contacts, library, progress, changes)
    downloader = _build_downloader(ground, fleet, library, progress)
    listen(
        fleet.intake,
        inbound=Inbound(
            ids=ground.ids,
            clock=ground.clock,
            contacts=contacts,
            chats=chats,
            progress=progress,
            changes=changes,
            promotion=Promotion(wake_lane=dispatcher.wake_lane),
            wake_downloads=downloader.wake,
            downloads_media=ground.config.media.download,
        ),
        receipts=Receipts(chats=chats, progress=progress),
        dispatcher=dispatcher,
        downloader=downloader,
    )
    return Messaging(
        contacts=contacts,
        chats=chats,
        library=library,
        messages=Messages(
            ids=ground.ids,
            clock=ground.clock,
            sessions=fleet.sessions,
            contacts=contacts,
            chats=chats,
            progress=progress,
            wakes=dispatcher,
        ),
        composer=Composer(database=ground.database, library=library),
        dispatcher=dispatcher,
        downloader=downloader,
    )


def build_library(ground: Ground) -> MediaLibrary:
    """The store of files."""
    media = ground.config.media
    limits = MediaLimits(max_bytes=media.max_bytes, fetch_seconds=media.fetch_seconds)
    return MediaLibrary(
        database=ground.database,
        ids=ground.ids,
        clock=ground.clock,
        http=ground.http,
        folder=ground.folder.media,
        spool_folder=ground.folder.spool,
        limits=limits,
        sound=SoundConverter(timeout_seconds=limits.convert_seconds),
    )


def _build_downloader(ground: Ground, fleet: Fleet, library: MediaLibrary, progress: Progress) -> Downloader:
    return Downloader(
        database=ground.database,
        engine=fleet.engine,
        library=library,
        clock=ground.clock,
        chance=ground.chance,
        progress=progress,
    )


def _build_dispatcher(
    ground: Ground, fleet: Fleet, contacts: Contacts, library: MediaLibrary, progress: Progress, changes: Changes
) -> Dispatcher:
    gate = Gate()
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
        rests=Rests(clock=ground.clock),
        on_timelock=fleet.sessions.note_timelock,
        host_name=socket.gethostname(),
    )
    rescuer = Rescuer(
        database=ground.database,
        engine=fleet.engine,
        clock=ground.clock,
        specs=fleet.specs,
        gate=gate,
        progress=progress,
    )
    return Dispatcher(tools=tools, rescuer=rescuer)
