"""An archive: a tar inside a sealed stream, with what it is about in front and a list of all its files at the end."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, Any, BinaryIO, Final, Protocol, TypeVar

import msgspec

from gateway.archives.errors import ArchiveDamagedError, ArchiveError
from gateway.archives.sealing import OpeningReader, SealingWriter

ABOUT: Final = "about.json"
LISTING: Final = "listing.json"
_COPY_BYTES: Final = 256 * 1024
_LARGEST_JSON_BYTES: Final = 64 * 1024 * 1024

T = TypeVar("T")


class Source(Protocol):
    """Something to read from, to its end."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; nothing at the end."""


class ArchiveWriter:
    """Writes one archive to a target that may be a pipe. ``about`` is a msgspec struct."""

    def __init__(self, target: BinaryIO, secret: bytes, *, about: msgspec.Struct) -> None:
        self._sealed = SealingWriter(target, secret)
        self._tar = _tar_on(self._sealed, "w|")
        self._listed: dict[str, dict[str, Any]] = {}
        self._put(ABOUT, msgspec.json.encode(about))

    def add(self, name: str, source: Source, size: int) -> None:
        """Add ``size`` bytes of a source under a relative name."""
        measured = _Measuring(source)
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        self._tar.addfile(entry, measured)
        self._listed[name] = {"size": size, "sha256": measured.digest}

    def add_bytes(self, name: str, content: bytes) -> None:
        """Add what is at hand already."""
        self.add(name, io.BytesIO(content), len(content))

    def finish(self) -> None:
        """Write the list of what was added, and seal the end. The target stays open."""
        self._put(LISTING, json.dumps(self._listed).encode())
        self._tar.close()
        self._sealed.close()

    def _put(self, name: str, content: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o600
        self._tar.addfile(entry, io.BytesIO(content))


class ArchiveReader:
    """Reads one archive from the front to the end, once. What it yields is whole only when it has come to the end."""

    def __init__(self, source: BinaryIO, secret: bytes) -> None:
        self._opened = OpeningReader(source, secret)
        with _damage_in_words():
            self._tar = _tar_on(self._opened, "r|")
            first = self._tar.next()
        if first is None or first.name != ABOUT or first.size > _LARGEST_JSON_BYTES:
            raise ArchiveError
        self._about = self._content(first).read()

    def about(self, kind: type[T]) -> T:
        """What the archive says of itself; raises ArchiveError when it is of another kind."""
        try:
            return msgspec.json.decode(self._about, type=kind)
        except msgspec.DecodeError:
            raise ArchiveError("The archive is of another kind than the one that is wanted here.") from None

    def entries(self) -> Iterator[tuple[str, Source]]:
        """Each file with its name; read it before the next. Raises ArchiveDamagedError wherever something is wrong."""
        seen: dict[str, dict[str, Any]] = {}
        with _damage_in_words():
            for entry in self._tar:
                if entry.name == ABOUT:
                    continue
                if entry.name == LISTING:
                    self._compare(seen, entry)
                    return
                measured = _Measuring(self._content(entry))
                yield _safe(entry), measured
                while measured.read(_COPY_BYTES):
                    pass
                seen[entry.name] = {"size": entry.size, "sha256": measured.digest}
        raise ArchiveDamagedError

    def _compare(self, seen: dict[str, dict[str, Any]], listing: tarfile.TarInfo) -> None:
        if listing.size > _LARGEST_JSON_BYTES or json.load(self._content(listing)) != seen:
            raise ArchiveDamagedError
        self._opened.drain()

    def _content(self, entry: tarfile.TarInfo) -> IO[bytes]:
        content: IO[bytes] | None = self._tar.extractfile(entry)
        if content is None:
            raise ArchiveDamagedError
        return content


class _Measuring:
    """Hashes what is read through it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def read(self, size: int = _COPY_BYTES) -> bytes:
        data = self._source.read(size)
        self._hash.update(data)
        return data


@contextmanager
def _damage_in_words() -> Iterator[None]:
    """What tarfile and json say of broken input becomes ArchiveDamagedError."""
    try:
        yield
    except (tarfile.TarError, json.JSONDecodeError, EOFError) as error:
        raise ArchiveDamagedError from error


def _tar_on(stream: SealingWriter | OpeningReader, mode: str) -> tarfile.TarFile:
    """A tar that only ever goes forward; its owner closes the stream below it."""
    opened: tarfile.TarFile = tarfile.open(fileobj=stream, mode=mode, format=tarfile.PAX_FORMAT)  # type: ignore[call-overload]  # noqa: SIM115
    return opened


def _safe(entry: tarfile.TarInfo) -> str:
    """The name, when it leads nowhere but into the archive's own tree."""
    path = PurePosixPath(entry.name)
    if not entry.isreg() or path.is_absolute() or ".." in path.parts or not path.parts:
        raise ArchiveDamagedError
    return entry.name
