"""Keeps files: takes them in from uploads, URLs and phones, looks at them, and hands them out again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from weakref import WeakValueDictionary

import structlog

from gateway.db.tx import Database, Tx
from gateway.kit.clock import Clock
from gateway.kit.guarded_http import GuardedHttp, RequestFailedError
from gateway.kit.ids import IdGenerator
from gateway.media import store
from gateway.media.errors import MediaFetchError, MediaNotFoundError, MediaTooLargeError, MediaTypeRefusedError
from gateway.media.films import FilmReader
from gateway.media.limits import MediaLimits
from gateway.media.link_preview import LinkReader
from gateway.media.models import Media
from gateway.media.pictures import PictureRefusedError, is_readable, look_at
from gateway.media.programs import ProgramFailedError
from gateway.media.shelf import Shelf
from gateway.media.sniff import agree, is_ogg_opus, read_head, sniff
from gateway.media.sound import SoundConverter, opus_seconds
from gateway.media.spool import Spool, SpoolFile, remove_on_error
from gateway.media.stickers import make_sticker
from sessions.content import OutgoingFile, Preview

log = structlog.get_logger(__name__)

FILENAME_LIMIT = 255


class MediaLibrary:
    """The files of every organization. ``folder`` and ``spool_folder`` must lie on one file system."""

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
        sound: SoundConverter | None = None,
        films: FilmReader | None = None,
    ) -> None:
        self._database = database
        self._ids = ids
        self._clock = clock
        self._http = http
        self._shelf = Shelf(folder=folder)
        self._locks: WeakValueDictionary[tuple[int, str], asyncio.Lock] = WeakValueDictionary()
        self.spool = Spool(folder=spool_folder, max_bytes=limits.max_bytes)
        self.limits = limits
        self._sound = sound or SoundConverter(timeout_seconds=limits.convert_seconds)
        self._films = films or FilmReader()
        self._links = LinkReader(http=http, spool=self.spool, max_pixels=limits.max_pixels)

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
        """Keep a stream; raises MediaTooLargeError, MediaEmptyError or MediaTypeRefusedError.

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
        arrived = await self.spool.measure(path)
        return await self._keep(arrived, org_id=org_id, declared_type=declared_type, filename=filename, is_lenient=True)

    async def as_voice(self, media: Media) -> Media:
        """The same sound as a voice note: itself where it is Ogg Opus already, else converted."""
        source = self.path_of(media)
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
            await asyncio.to_thread(make_sticker, self.path_of(media), target, max_pixels=self.limits.max_pixels)
            return await self.adopt(target, org_id=media.org_id, declared_type="image/webp", filename=None)
        except PictureRefusedError as error:
            raise MediaTypeRefusedError(f"{str(error).capitalize()}.") from error
        finally:
            await asyncio.to_thread(target.unlink, missing_ok=True)

    async def as_film(self, media: Media) -> Media:
        """The same GIF as a silent film."""
        target = self.spool.new_path()
        try:
            await self._films.from_gif(self.path_of(media), target)
            return await self.adopt(target, org_id=media.org_id, declared_type="video/mp4", filename=None)
        except ProgramFailedError as error:
            raise MediaTypeRefusedError(f"The GIF cannot be made a film: {error}.") from error
        finally:
            await asyncio.to_thread(target.unlink, missing_ok=True)

    async def preview(self, text: str) -> Preview | None:
        """What is shown of the first link in a text; None where nothing can be had."""
        return await self._links.read(text)

    async def remove(self, *, org_id: int, media_id: int, let_go: Callable[[Tx], None]) -> None:
        """Delete a file with its bytes. ``let_go`` runs in the same transaction, and what it raises keeps the file."""
        media = await self._database.read(lambda tx: self.get(tx, org_id=org_id, media_id=media_id))

        def forget(tx: Tx) -> None:
            let_go(tx)
            store.remove(tx, self.get(tx, org_id=org_id, media_id=media_id))

        async with self._lock(org_id, media.sha256):
            await self._database.write(forget)
            await asyncio.to_thread(self.path_of(media).unlink, missing_ok=True)

    def get(self, tx: Tx, *, org_id: int, media_id: int) -> Media:
        """The file with this id; raises MediaNotFoundError."""
        media = store.find(tx, org_id=org_id, media_id=media_id)
        if media is None:
            raise MediaNotFoundError
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

    def path_of(self, media: Media) -> Path:
        """Where the bytes lie."""
        return self._shelf.path_of(media)

    async def _keep(
        self,
        arrived: SpoolFile,
        *,
        org_id: int,
        declared_type: str | None,
        filename: str | None,
        is_lenient: bool = False,
    ) -> Media:
        try:
            mimetype = await self._settle_type(arrived, declared_type, is_lenient=is_lenient)
            facts = await self._look_at(arrived.path, mimetype, is_lenient=is_lenient)
            media = self._row(arrived, org_id=org_id, mimetype=mimetype, filename=filename, facts=facts)
            async with self._lock(org_id, arrived.sha256):
                await asyncio.to_thread(self._shelf.put, arrived.path, org_id=org_id, sha256=arrived.sha256)
                return await self._database.write(lambda tx: store.add_or_find(tx, media))
        finally:
            await asyncio.to_thread(arrived.path.unlink, missing_ok=True)

    def _lock(self, org_id: int, sha256: str) -> asyncio.Lock:
        """Held while the bytes and the row of one file come or go together."""
        return self._locks.setdefault((org_id, sha256), asyncio.Lock())

    def _row(
        self, arrived: SpoolFile, *, org_id: int, mimetype: str, filename: str | None, facts: dict[str, Any]
    ) -> Media:
        return Media(
            id=self._ids.new(),
            org_id=org_id,
            sha256=arrived.sha256,
            size=arrived.size,
            mimetype=mimetype,
            filename=clean_filename(filename),
            created_at=self._clock.now(),
            **facts,
        )

    async def _settle_type(self, arrived: SpoolFile, declared: str | None, *, is_lenient: bool) -> str:
        head = await asyncio.to_thread(read_head, arrived.path)
        shown = sniff(head)
        agreed = agree(declared, shown)
        if agreed is None and not is_lenient:
            raise MediaTypeRefusedError("The file's bytes do not match its declared type.")
        mimetype = (agreed or shown)[:100]
        return "audio/ogg; codecs=opus" if is_ogg_opus(head) else mimetype

    async def _look_at(self, path: Path, mimetype: str, *, is_lenient: bool) -> dict[str, Any]:
        if is_readable(mimetype):
            try:
                picture = await asyncio.to_thread(look_at, path, max_pixels=self.limits.max_pixels)
            except PictureRefusedError as error:
                if is_lenient:
                    return {}
                raise MediaTypeRefusedError(f"{str(error).capitalize()}.") from error
            return {"width": picture.width, "height": picture.height, "thumbnail": picture.thumbnail}
        if mimetype.startswith("audio/ogg"):
            return {
                "seconds": await asyncio.to_thread(opus_seconds, path),
                "waveform": await self._sound.waveform(path),
            }
        return await self._films.look_at(path, mimetype)


def clean_filename(name: str | None) -> str | None:
    """A name to show, never a path: what stands before the last separator goes, and so do control characters."""
    if name is None:
        return None
    last = name.replace("\\", "/").rpartition("/")[2]
    printable = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    return printable[-FILENAME_LIMIT:] or None


def _name_in(url: str) -> str | None:
    path = url.partition("?")[0].partition("#")[0].partition("://")[2]
    return unquote(path.rpartition("/")[2]) if "/" in path else None
