"""Takes files in: counted, hashed and bounded while they stream to a folder of their own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.media.errors import MediaEmptyError, MediaStoreError, MediaTooLargeError

_WRITE_BYTES = 512 * 1024
_READ_BYTES = 1024 * 1024
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, kw_only=True)
class SpoolFile:
    """A file that has arrived whole, but that nothing refers to yet."""

    path: Path
    size: int
    sha256: str


class Spool:
    """A folder of unfinished business. What lies there when the daemon starts is nobody's and is removed."""

    def __init__(self, *, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def prepare(self) -> None:
        """Make the folder, empty."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self._folder.iterdir():
            left.unlink()

    def new_path(self) -> Path:
        """A name in the spool that nobody uses."""
        return self._folder / uuid.uuid4().hex

    async def forget_old(self, *, before: datetime) -> int:
        """Delete files that nobody has written to since a moment; give how many went."""
        return await asyncio.to_thread(_delete_older, self._folder, before.timestamp())

    async def receive(self, pieces: AsyncIterator[bytes]) -> SpoolFile:
        """Write a stream down; raises MediaTooLargeError as soon as it is too long, and leaves nothing then."""
        path = self.new_path()
        digest, size, pending = hashlib.sha256(), 0, bytearray()
        with remove_on_error(path), _full_disk_told():
            await asyncio.to_thread(path.touch, mode=0o600, exist_ok=False)
            async for piece in pieces:
                size += len(piece)
                if size > self._max_bytes:
                    raise MediaTooLargeError
                pending += piece
                if len(pending) >= _WRITE_BYTES:
                    full, pending = pending, bytearray()
                    await asyncio.to_thread(_append, path, full, digest)
            await asyncio.to_thread(_append, path, pending, digest)
            if not size:
                raise MediaEmptyError
        return SpoolFile(path=path, size=size, sha256=digest.hexdigest())

    async def receive_bytes(self, content: bytes) -> SpoolFile:
        """Write bytes that are at hand already."""

        async def pieces() -> AsyncIterator[bytes]:
            yield content

        return await self.receive(pieces())

    async def measure(self, path: Path) -> SpoolFile:
        """Look at a file that somebody else wrote into the spool."""
        size, sha256 = await asyncio.to_thread(measure_file, path)
        return SpoolFile(path=path, size=size, sha256=sha256)


@contextlib.contextmanager
def remove_on_error(path: Path) -> Iterator[None]:
    """Delete an unfinished file when what makes it fails."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def measure_file(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file. Takes time: call it in a thread."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


@contextlib.contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise MediaStoreError("There is no room on the disk for this file.") from error


def _delete_older(folder: Path, moment: float) -> int:
    gone = 0
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # its owner was faster
            if path.is_file() and path.stat().st_mtime < moment:
                path.unlink()
                gone += 1
    return gone


def _append(path: Path, content: bytearray, digest: hashlib._Hash) -> None:
    """Never makes the file: a writer that is left behind by a caller who has gone must not bring it back."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        rest = memoryview(content)
        while rest:
            rest = rest[file.write(rest) or 0 :]
    digest.update(content)
