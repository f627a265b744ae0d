"""Where the bytes lie: a folder per organization, each file under its own digest."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.kit.ids import InvalidIdError, parse_id, render_id
from gateway.media.errors import MediaNotFoundError
from gateway.media.spool import measure_file

_READ_BYTES = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class FileKey:
    """Names the bytes of one file of one organization."""

    org_id: int
    sha256: str

    @property
    def name(self) -> str:
        """The same in a folder and in a bucket."""
        return f"{render_id('org', self.org_id)}/{self.sha256[:2]}/{self.sha256}"


class Shelf(Protocol):
    """Content-addressed files. Putting the same bytes twice keeps them once."""

    def path_of(self, key: FileKey) -> Path:
        """Where the bytes lie on this machine, once :meth:`bring` has returned."""

    def find(self, key: FileKey) -> Path | None:
        """The file, where it lies on this machine already."""

    async def put(self, source: Path, key: FileKey) -> None:
        """Move a finished file here and make it durable; raises MediaStoreError."""

    async def bring(self, key: FileKey) -> Path:
        """Have the file on this machine; raises MediaNotFoundError or MediaStoreError."""

    def read(self, key: FileKey, *, start: int, stop: int) -> AsyncIterator[bytes]:
        """A stretch of the bytes, piece by piece; raises MediaNotFoundError or MediaStoreError."""

    async def delete(self, key: FileKey) -> None:
        """Let the bytes go; it is fine if they are gone already."""


class DiskShelf:
    """A folder on this machine, on the same file system as the spool."""

    def __init__(self, *, folder: Path) -> None:
        self._folder = folder

    def path_of(self, key: FileKey) -> Path:
        return self._folder / key.name

    def find(self, key: FileKey) -> Path | None:
        path = self.path_of(key)
        return path if path.is_file() else None

    async def put(self, source: Path, key: FileKey) -> None:
        await asyncio.to_thread(move_durably, source, self.path_of(key))

    async def bring(self, key: FileKey) -> Path:
        path = self.find(key)
        if path is None:
            raise MediaNotFoundError("The bytes of this file are no longer there.")
        return path

    async def read(self, key: FileKey, *, start: int, stop: int) -> AsyncIterator[bytes]:
        async for piece in read_stretch(await self.bring(key), start=start, stop=stop):
            yield piece

    async def delete(self, key: FileKey) -> None:
        await asyncio.to_thread(self.path_of(key).unlink, missing_ok=True)

    def list_keys(self) -> list[FileKey]:
        """Every file here. Takes time: call it in a thread."""
        found = []
        for path in self._folder.glob("org_*/??/*"):
            org_id = _org_of(path.parent.parent.name)
            if org_id is not None and path.name.startswith(path.parent.name):
                found.append(FileKey(org_id=org_id, sha256=path.name))
        return found

    def is_whole(self, key: FileKey) -> bool:
        """Whether the file is what its name says. Takes time: call it in a thread."""
        return measure_file(self.path_of(key))[1] == key.sha256


def move_durably(source: Path, target: Path) -> None:
    """Rename a file so that neither its bytes nor its name are lost in a power cut."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sync(source)
    source.replace(target)
    _sync(target.parent)


async def read_stretch(path: Path, *, start: int, stop: int) -> AsyncIterator[bytes]:
    """Part of a file, piece by piece."""
    at = start
    while at < stop and (piece := await asyncio.to_thread(_read_at, path, at, min(_READ_BYTES, stop - at))):
        yield piece
        at += len(piece)


def _read_at(path: Path, at: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(at)
        return file.read(size)


def _org_of(name: str) -> int | None:
    try:
        return parse_id("org", name)
    except InvalidIdError:
        return None


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
