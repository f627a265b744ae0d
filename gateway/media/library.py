"""Keeps files: takes them in from uploads, URLs and phones, looks at them, and hands them out again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from gateway.db.tx import Database, Tx
from gateway.kit.clock import Clock
from gateway.kit.guarded_http import GuardedHttp, RequestFailedError
from gateway.kit.ids import IdGenerator
from gateway.media import store
from gateway.media.errors import (
    MediaEmptyError,
    MediaFetchError,
    MediaNotFoundError,
    MediaTooLargeError,
    MediaTypeRefusedError,
)
from gateway.media.films import FilmReader
from gateway.media.inspector import Found, Inspector
from gateway.media.limits import MediaLimits
from gateway.media.link_preview import LinkReader
from gateway.media.models import Media
from gateway.media.picture_reader import PictureReader
from gateway.media.pictures import PictureRefusedError
from gateway.media.programs import ProgramFailedError
from gateway.media.quota import Quota
from gateway.media.shelf import DiskShelf, FileKey, Shelf
from gateway.media.sniff import is_ogg_opus, read_head
from gateway.media.sound import SoundConverter
from gateway.media.spool import Spool, SpoolFile, remove_on_error
from gateway.media.turns import Turns
from sessions.content import OutgoingFile, Preview

FILENAME_LIMIT = 255
#: A use is noted this often at most: it says for how many days a file was not wanted, not for how many seconds.
_NOTED_EVERY: Final = timedelta(hours=1)


class MediaLibrary:
    """The files of every organization. ``folder`` and ``spool_folder`` must lie on one file system.

    ``shelf`` is where finished files go; a folder of this machine, ``folder``, unless another one is given.
    """

    def __init__(
        self,
        *,
        database: Database,
        ids: IdGenerator,
        clock: Clock,
        http: GuardedHttp,
        folder: Path,
        spool_folder: Path,
        limits: MediaLimits,
        shelf: Shelf | None = None,
        sound: SoundConverter | None = None,
        films: FilmReader | None = None,
    ) -> None:
        self._database = database
        self._ids = ids
        self._clock = clock
        self._http = http
        self.shelf: Shelf = shelf or DiskShelf(folder=folder)
        self.spool = Spool(folder=spool_folder, max_bytes=limits.max_bytes)
        self.limits = limits
        self.turns = Turns()  #: whoever makes or ends a file, row and bytes together, has the turn of its key
        self._quota = Quota(database=database, quota_bytes=limits.quota_bytes)
        self._sound = sound or SoundConverter(timeout_seconds=limits.convert_seconds)
        self._films = films or FilmReader()
        self._pictures = PictureReader(max_pixels=limits.max_pixels, max_side=limits.max_side)
        self._links = LinkReader(http=http, spool=self.spool, pictures=self._pictures)
        self._inspector = Inspector(limits=limits, sound=self._sound, films=self._films, pictures=self._pictures)

    async def start(self) -> None:
        """Make the folders ready."""
        await asyncio.to_thread(self.spool.prepare)

    async def save(
        self,
        *,
        org_id: int,
        pieces: AsyncIterator[bytes],
        declared_type: str | None,
        filename: str | None,
        on_hash: Callable[[str], None] = lambda _sha256: None,
    ) -> Media:
        """Keep a stream; raises MediaTooLargeError, MediaEmptyError, MediaTypeRefusedError or MediaQuotaExceededError.

        ``on_hash`` is told what has arrived before anything is kept of it; what it raises leaves nothing.
        """
        arrived = await self.spool.receive(pieces)
        with remove_on_error(arrived.path):
            on_hash(arrived.sha256)
        return await self._keep(arrived, org_id=org_id, declared_type=declared_type, filename=filename)

    async def save_bytes(
        self, *, org_id: int, content: bytes, declared_type: str | None, filename: str | None
    ) -> Media:
        """Keep bytes that are at hand already."""
        arrived = await self.spool.receive_bytes(content)
        return await self._keep(arrived, org_id=org_id, declared_type=declared_type, filename=filename)

    async def fetch(self, *, org_id: int, url: str, filename: str | None = None) -> Media:
        """Keep what a URL gives: behind the address guard, without redirects, bounded in size and time."""
        try:
            async with self._http.request("GET", url, timeout_seconds=self.limits.fetch_seconds) as response:
                if response.status != 200:
                    raise MediaFetchError(f"The server answered {response.status}; 200 is needed.")
                if int(response.headers.get("Content-Length") or 0) > self.limits.max_bytes:
                    raise MediaTooLargeError
                arrived = await self.spool.receive(response.pieces())
        except RequestFailedError as error:
            raise MediaFetchError(f"The file could not be fetched: {error.code}.") from error
        declared = response.headers.get("Content-Type")
        return await self._keep(arrived, org_id=org_id, declared_type=declared, filename=filename or _name_in(url))

    async def adopt(self, path: Path, *, org_id: int, declared_type: str, filename: str | None) -> Media:
        """Keep a file that was written into the spool. What a phone sent is kept even when it cannot be looked at."""
        with remove_on_error(path):
            arrived = await self.spool.measure(path)
            if not arrived.size:
                raise MediaEmptyError
            if arrived.size > self.limits.max_bytes:
                raise MediaTooLargeError
        return await self._keep(arrived, org_id=org_id, declared_type=declared_type, filename=filename, is_lenient=True)

    async def as_voice(self, media: Media) -> Media:
        """The same sound as a voice note: itself where it is Ogg Opus already, else converted."""
        source = await self.shelf.bring(_key_of(media))
        if is_ogg_opus(await asyncio.to_thread(read_head, source)):
            return media
        target = self.spool.new_path()
        try:
            await self._sound.to_voice(source, target)
            return await self.adopt(target, org_id=media.org_id, declared_type="audio/ogg", filename=None)
        finally:
            await asyncio.to_thread(target.unlink, missing_ok=True)

    async def as_sticker(self, media: Media) -> Media:
        """The same picture as a sticker."""
        target = self.spool.new_path()
        try:
            await self._pictures.make_sticker(await self.shelf.bring(_key_of(media)), target)
            return await self.adopt(target, org_id=media.org_id, declared_type="image/webp", filename=None)
        except PictureRefusedError as error:
            raise MediaTypeRefusedError(f"{str(error).capitalize()}.") from error
        finally:
            await asyncio.to_thread(target.unlink, missing_ok=True)

    async def as_film(self, media: Media) -> Media:
        """The same GIF as a silent film."""
        target = self.spool.new_path()
        try:
            await self._films.from_gif(await self.shelf.bring(_key_of(media)), target)
            return await self.adopt(target, org_id=media.org_id, declared_type="video/mp4", filename=None)
        except ProgramFailedError as error:
            raise MediaTypeRefusedError(f"The GIF cannot be made a film: {error}.") from error
        finally:
            await asyncio.to_thread(target.unlink, missing_ok=True)

    async def preview(self, text: str) -> Preview | None:
        """What is shown of the first link in a text; None where nothing can be had."""
        return await self._links.read(text)

    def get(self, tx: Tx, *, org_id: int, media_id: int) -> Media:
        """The file with this id; raises MediaNotFoundError."""
        media = store.find(tx, org_id=org_id, media_id=media_id)
        if media is None:
            raise MediaNotFoundError
        return media

    def usage(self, tx: Tx, *, org_id: int) -> store.Usage:
        """How much room an organization's files take."""
        return store.usage(tx, org_id=org_id)

    async def use(self, *, org_id: int, media_id: int) -> Media:
        """The same, about to be sent: it will be there for the message. Raises MediaNotFoundError."""
        media = await self._database.read(lambda tx: self.get(tx, org_id=org_id, media_id=media_id))
        now = self._clock.now()
        if now - media.used_at > _NOTED_EVERY:
            await self._database.write(lambda tx: store.touch(tx, org_id=org_id, media_id=media_id, at=now))
        return media

    def outgoing(self, tx: Tx, *, org_id: int, media_id: int | None, filename: str | None) -> OutgoingFile:
        """A file as a worker takes it; raises MediaNotFoundError."""
        if media_id is None:
            raise MediaNotFoundError
        return self.describe(self.get(tx, org_id=org_id, media_id=media_id), filename=filename)

    def describe(self, media: Media, *, filename: str | None = None) -> OutgoingFile:
        """Everything a worker needs to know of a file."""
        return OutgoingFile(
            path=str(self.path_of(media)),
            size=media.size,
            mimetype=media.mimetype,
            sha256=media.sha256,
            filename=clean_filename(filename) or media.filename,
            width=media.width,
            height=media.height,
            seconds=media.seconds,
            thumbnail=media.thumbnail,
            waveform=media.waveform,
        )

    async def read_whole(self, media: Media) -> bytes:
        """All bytes of a small file; raises MediaNotFoundError or MediaStoreError."""
        path = await self.shelf.bring(_key_of(media))
        return await asyncio.to_thread(path.read_bytes)

    def path_of(self, media: Media) -> Path:
        """Where the bytes lie, or will once they were brought here."""
        return self.shelf.path_of(_key_of(media))

    async def bring(self, file: OutgoingFile, *, org_id: int) -> None:
        """Have a file on this machine, where a worker can read it; raises MediaNotFoundError or MediaStoreError."""
        await self.shelf.bring(FileKey(org_id=org_id, sha256=file.sha256))

    async def _keep(
        self,
        arrived: SpoolFile,
        *,
        org_id: int,
        declared_type: str | None,
        filename: str | None,
        is_lenient: bool = False,
    ) -> Media:
        key = FileKey(org_id=org_id, sha256=arrived.sha256)
        try:
            found = await self._inspector.inspect(arrived, declared=declared_type, is_lenient=is_lenient)
            async with self.turns.turn(key), self._quota.room_for(key, arrived.size):
                await self.shelf.put(arrived.path, key)
                media = self._row(key, arrived.size, found, filename)
                # What strangers send must not rename what the organization sends out.
                renames = not is_lenient
                return await self._database.write(lambda tx: store.add_or_find(tx, media, renames=renames))
        finally:
            await asyncio.to_thread(arrived.path.unlink, missing_ok=True)

    def _row(self, key: FileKey, size: int, found: Found, filename: str | None) -> Media:
        now = self._clock.now()
        return Media(
            id=self._ids.new(),
            org_id=key.org_id,
            sha256=key.sha256,
            size=size,
            mimetype=found.mimetype,
            filename=clean_filename(filename),
            created_at=now,
            used_at=now,
            **found.facts,
        )


def clean_filename(name: str | None) -> str | None:
    """A name to show, never a path: what stands before the last separator goes, and so do control characters."""
    if name is None:
        return None
    last = name.replace("\\", "/").rpartition("/")[2]
    printable = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    return printable[-FILENAME_LIMIT:] or None


def _key_of(media: Media) -> FileKey:
    return FileKey(org_id=media.org_id, sha256=media.sha256)


def _name_in(url: str) -> str | None:
    path = url.partition("?")[0].partition("#")[0].partition("://")[2]
    return unquote(path.rpartition("/")[2]) if "/" in path else None
