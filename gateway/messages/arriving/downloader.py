"""Fetches the files of incoming messages while WhatsApp still has them."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog

from gateway.db.tx import Database, Tx
from gateway.kit.clock import Clock
from gateway.kit.errors import GatewayError
from gateway.kit.ids import render_id
from gateway.kit.observe import Signal
from gateway.kit.service import Wakeable
from gateway.media.errors import MediaQuotaExceededError, MediaTooLargeError
from gateway.media.library import MediaLibrary
from gateway.media.models import Media
from gateway.messages import file_store, store
from gateway.messages.codec import MEDIA_TYPES, decode_content, type_of
from gateway.messages.models import MediaState, Message
from gateway.messages.outbox import queue_store
from gateway.messages.outbox.outcomes import backoff
from gateway.messages.progress import Progress
from gateway.messages.session_files import SessionFiles
from sessions.commands.files import DownloadFile
from sessions.content import MediaContent, RemoteFile
from sessions.engine import Engine, StatusChange
from sessions.errors import MediaUnavailableError, NotConnectedError, NotRunningError, SessionError, WorkerLostError
from sessions.status import SessionStatus

log = structlog.get_logger(__name__)

AT_ONCE = 4
DOWNLOAD_SECONDS = 300.0
_LEASE = timedelta(seconds=DOWNLOAD_SECONDS + 60)
_MOST_ATTEMPTS = 8
_FIRST_DELAY_SECONDS = 5.0
_LONGEST_DELAY_SECONDS = 3600.0

#: The session's trouble, not the file's: such a try does not count.
_SESSION_TROUBLE = (NotConnectedError, NotRunningError, WorkerLostError)


class Downloader(Wakeable):
    """Works through pending files, a few at once. What is under way when the daemon dies is due again by its lease."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        library: MediaLibrary,
        files: SessionFiles,
        clock: Clock,
        chance: random.Random,
        progress: Progress,
        interval_seconds: float = 30.0,
    ) -> None:
        super().__init__(interval_seconds=interval_seconds)
        self._database = database
        self._engine = engine
        self._library = library
        self._files = files
        self._clock = clock
        self._chance = chance
        self._progress = progress
        self._tasks: set[asyncio.Task[None]] = set()
        self.finished: Signal[int] = Signal()  #: fired with the id of every message whose download has ended

    def status_changed(self, session_id: int, change: StatusChange) -> None:
        """A session that has come up may have files waiting."""
        if change.status is SessionStatus.CONNECTED:
            self.wake()

    async def start(self) -> None:
        """Nobody else fetches: what an earlier life had claimed, or put off, is due now."""
        now = self._clock.now()
        await self._database.write(lambda tx: file_store.make_downloads_due(tx, at=now))
        await super().start()

    async def run_once(self) -> float | None:
        """Start downloads up to the limit."""
        now = self._clock.now()
        waiting = await self._database.read(lambda tx: queue_store.sessions_with_downloads(tx, at=now))
        ready = [session_id for session_id in waiting if self._is_connected(session_id)]
        room = AT_ONCE - len(self._tasks)
        if ready and room > 0:
            claimed = await self._database.write(
                lambda tx: queue_store.claim_downloads(tx, at=now, lease=_LEASE, limit=room, session_ids=ready)
            )
            for entry in claimed:
                self._spawn(entry.message)
        following = await self._database.read(lambda tx: queue_store.next_download_time(tx, after=now))
        return None if following is None else (following - self._clock.now()).total_seconds()

    async def stop(self) -> None:
        """End at once: a download that is cut off begins anew."""
        await super().stop()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_connected(self, session_id: int) -> bool:
        return self._engine.status(render_id("ses", session_id)).status is SessionStatus.CONNECTED

    def _spawn(self, message: Message) -> None:
        task = asyncio.create_task(self._work(message), name=f"download {render_id('msg', message.id)}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.wake()

    async def _work(self, message: Message) -> None:
        content = decode_content(message.content)
        assert isinstance(content, MEDIA_TYPES), "only files are pending"
        path = self._library.spool.new_path()
        try:
            media = await self._fetch(message, content, path)
            await self._database.write(lambda tx: self._note_available(tx, message, media))
        except (SessionError, GatewayError) as error:
            await self._database.write(partial(self._note_failure, message=message, error=error))
        except Exception:
            log.exception("download failed", message_id=render_id("msg", message.id))
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        self.finished.fire(message.id)

    async def _fetch(self, message: Message, content: MediaContent, path: Path) -> Media:
        file = content.file
        assert isinstance(file, RemoteFile), "files of ours are not pending"
        if file.size > self._library.limits.most_bytes(file.mimetype):
            raise MediaTooLargeError
        await self._database.read(
            lambda tx: self._files.demand_room(tx, org_id=message.org_id, session_id=message.session_id, size=file.size)
        )
        command = DownloadFile(kind=type_of(content), file=file, path=str(path))  # type: ignore[arg-type]
        await self._engine.call(render_id("ses", message.session_id), command, timeout_seconds=DOWNLOAD_SECONDS)
        return await self._library.adopt(
            path, org_id=message.org_id, declared_type=file.mimetype, filename=file.filename
        )

    def _note_available(self, tx: Tx, message: Message, media: Media) -> None:
        entry = store.find(tx, org_id=message.org_id, message_id=message.id)
        if entry is None:
            return
        entry.message.media_id = media.id
        entry.message.media_state, entry.message.media_error = MediaState.AVAILABLE, None
        entry.message.media_next_at = None
        entry.message.updated_at = self._clock.now()
        tx.session.flush()
        self._progress.announce(tx, entry, "media.available")

    def _note_failure(self, tx: Tx, *, message: Message, error: SessionError | GatewayError) -> None:
        entry = store.find(tx, org_id=message.org_id, message_id=message.id)
        if entry is None:
            return
        row = entry.message
        row.media_error = error.code
        row.media_attempts += 0 if isinstance(error, _SESSION_TROUBLE) else 1
        is_final = isinstance(error, (MediaUnavailableError, MediaTooLargeError, MediaQuotaExceededError))
        if is_final or row.media_attempts >= _MOST_ATTEMPTS:
            row.media_state, row.media_next_at = MediaState.FAILED, None
            tx.session.flush()
            self._progress.announce(tx, entry, "media.failed")
        else:
            delay = backoff(row.media_attempts, _FIRST_DELAY_SECONDS, _LONGEST_DELAY_SECONDS, self._chance)
            row.media_next_at = self._clock.now() + timedelta(seconds=delay)
            tx.session.flush()
        log.info("download not finished", message_id=render_id("msg", row.id), code=error.code, state=row.media_state)
