"""Files in a bucket of an S3-compatible store, with copies on this machine of what is being sent. Needs the extra `s3`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from gateway.media.errors import MediaNotFoundError, MediaStoreError
from gateway.media.shelf import DiskShelf, FileKey, move_durably
from gateway.media.spool import Spool, remove_on_error
from gateway.media.turns import Turns

#: What one upload holds in memory at once is a few of these.
_PART_BYTES: Final = 5 * 1024 * 1024
_PARTS_AT_ONCE: Final = 2
_PIECE_BYTES: Final = 256 * 1024
_NO_LIMIT: Final = 1 << 62


class BucketPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Which bucket, and how to get in. Without keys, those of the environment (``AWS_...``) are taken."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""  #: empty: Amazon's own
    region: str = "us-east-1"
    access_key_id: str = ""
    secret_access_key: str = ""
    timeout_seconds: float = 300.0  #: of one request, reading what it gives included


class BucketShelf:
    """The bucket is the truth. ``here`` holds files that were kept before there was a bucket, until they are moved."""

    def __init__(self, *, place: BucketPlace, here: DiskShelf, copies_folder: Path, spool_folder: Path) -> None:
        self._prefix = f"{place.prefix.strip('/')}/" if place.prefix.strip("/") else ""
        self._store = _open(place)
        self._here = here
        self._copies_folder = copies_folder
        self._copies = DiskShelf(folder=copies_folder)
        self._spool = Spool(folder=spool_folder, max_bytes=_NO_LIMIT)

    def path_of(self, key: FileKey) -> Path:
        return self._here.find(key) or self._copies.path_of(key)

    def find(self, key: FileKey) -> Path | None:
        return self._here.find(key) or self._copies.find(key)

    async def put(self, source: Path, key: FileKey) -> None:
        await self._upload(source, key)
        # It is most likely to be sent soon.
        await self._copies.put(source, key)

    async def bring(self, key: FileKey) -> Path:
        found = self.find(key)
        if found is not None:
            await asyncio.to_thread(_touch, found)
            return found
        arrived = await self._spool.receive(self.read(key, start=0, stop=-1))
        with remove_on_error(arrived.path):
            if arrived.sha256 != key.sha256:
                raise MediaStoreError("The bucket gives other bytes than were put there.")
            await asyncio.to_thread(move_durably, arrived.path, self._copies.path_of(key))
        return self._copies.path_of(key)

    async def read(self, key: FileKey, *, start: int, stop: int) -> AsyncIterator[bytes]:
        """``stop`` -1: to the end."""
        options: Any = {"range": (start, stop)} if stop >= 0 else {}
        with _told():
            answer = await obstore.get_async(self._store, self._name(key), options=options)
            async for piece in answer.stream(min_chunk_size=_PIECE_BYTES):
                yield bytes(piece)

    async def delete(self, key: FileKey) -> None:
        with _told(), contextlib.suppress(FileNotFoundError):
            await obstore.delete_async(self._store, self._name(key))
        await self._copies.delete(key)
        await self._here.delete(key)

    async def move_in(self, turns: Turns) -> int:
        """Bring files that are still on this machine alone into the bucket; give how many went."""
        moved = 0
        for key in await asyncio.to_thread(self._here.list_keys):
            async with turns.turn(key):
                moved += await self._move_in(key)
        return moved

    async def _move_in(self, key: FileKey) -> bool:
        if self._here.find(key) is None or not await asyncio.to_thread(self._here.is_whole, key):
            return False  # gone meanwhile, or damaged, which shall not look whole
        await self._upload(self._here.path_of(key), key)
        await self._here.delete(key)
        return True

    async def forget_copies(self, *, before: datetime) -> int:
        """Delete copies that nobody has wanted since a moment; give how many went."""
        return await asyncio.to_thread(_delete_older, self._copies_folder, before.timestamp())

    async def _upload(self, source: Path, key: FileKey) -> None:
        with _told():
            await obstore.put_async(
                self._store, self._name(key), source, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE
            )

    def _name(self, key: FileKey) -> str:
        return f"{self._prefix}{key.name}"


def _open(place: BucketPlace) -> S3Store:
    options: dict[str, Any] = {"region": place.region}
    if place.endpoint:
        options |= {"endpoint": place.endpoint, "virtual_hosted_style_request": False}
    if place.access_key_id:
        options |= {"access_key_id": place.access_key_id, "secret_access_key": place.secret_access_key}
    return S3Store(
        place.bucket,
        client_options={
            "allow_http": place.endpoint.startswith("http://"),
            "timeout": f"{place.timeout_seconds:g}s",
            "connect_timeout": "10s",
        },
        retry_config={"max_retries": 3},
        **options,
    )


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """The library's errors name addresses and keys; ours say what is the matter."""
    try:
        yield
    except FileNotFoundError as error:
        raise MediaNotFoundError("The bytes of this file are no longer there.") from error
    except (BaseError, OSError) as error:
        raise MediaStoreError("The bucket does not answer as it should.") from error


def _touch(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.touch()


def _delete_older(folder: Path, moment: float) -> int:
    gone = 0
    for path in folder.glob("org_*/??/*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < moment:
                path.unlink()
                gone += 1
    return gone
