"""What arrived, on disk, before anything else: one append-only file per session that survives its worker.

The file starts with a magic number. Each entry is ``length | crc | number | code | time | bytes``. An entry with the
code ``ACKNOWLEDGED`` says that everything up to its number is committed. A life of the journal takes its first number
from the clock, so that numbers are not used twice even if a power cut takes entries back that were reported already.

Who appends waits for nothing but another append: what the library has handed over and WhatsApp believes to be received
is lost if the process is killed meanwhile. So reading, forgetting and compacting have a lock of their own.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_MAGIC = b"wajrnl01"
_HEAD = struct.Struct(">II")  # length of what follows the head, crc of it
_META = struct.Struct(">QHd")  # number, code, seconds since 1970
_SEQ_PER_SECOND = 1 << 20
ACKNOWLEDGED = 0xFFFF
MAX_ENTRY_BYTES = 512 * 1024 * 1024
COMPACT_BYTES = 1024 * 1024
LIMIT_BYTES = 1024 * 1024 * 1024
_COPY_BYTES = 1024 * 1024
_STRETCH_BYTES = 64 * 1024


class JournalError(Exception):
    """The file is not a journal."""


class Entry(NamedTuple):
    """One thing that arrived."""

    seq: int
    code: int
    received_at: float
    data: bytes


class Journal:
    """The journal of one session. All methods may be called from any thread."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float],
        compact_bytes: int = COMPACT_BYTES,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._path = path
        self._clock = clock
        self._compact_bytes = compact_bytes
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()  #: the end of the file
        self._reading = threading.Lock()  #: everything before it; taken first where both are needed
        self._has_room = threading.Condition(self._lock)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._end = len(_MAGIC)
        self._last_seq = self._acknowledged = 0
        self._last_entry_seq = self._read_seq = 0
        try:
            self._recover()
        except BaseException:
            os.close(self._fd)
            raise
        self._kept_from = self._read_from = len(_MAGIC)
        self._skip_acknowledged()
        self._read_seq = self._acknowledged
        self._last_seq = max(self._last_seq, int(clock() * _SEQ_PER_SECOND))
        self.first_of_this_life = self._last_seq + 1

    @property
    def acknowledged(self) -> int:
        """Everything up to this number is committed elsewhere."""
        return self._acknowledged

    @property
    def size_bytes(self) -> int:
        return self._end

    @property
    def has_unread(self) -> bool:
        """Whether there are entries that nobody has read yet."""
        return self._read_seq < self._last_entry_seq

    def append(self, code: int, data: bytes) -> int:
        """Write one entry and return its number. Waits while too much is not acknowledged."""
        with self._lock:
            while self._end - self._kept_from > self._limit_bytes:
                self._has_room.wait()
            self._write(self._last_seq + 1, code, data)
            self._last_seq += 1
            self._last_entry_seq = self._last_seq
            return self._last_seq

    def read(self, max_entries: int, max_bytes: int = 4 * 1024 * 1024) -> list[Entry]:
        """The next entries that nobody has read yet; at least one, however large, if there is any."""
        entries: list[Entry] = []
        size = 0
        with self._reading:
            for entry, end in self._between(self._read_from, self._end):
                self._read_from = end
                self._read_seq = max(self._read_seq, entry.seq)
                if entry.code != ACKNOWLEDGED and entry.seq > self._acknowledged:
                    entries.append(entry)
                    size += len(entry.data)
                if len(entries) >= max_entries or size >= max_bytes:
                    break
        return entries

    def find(self, seq: int) -> Entry | None:
        """An entry that has been read already and is not acknowledged."""
        with self._reading:
            between = self._between(self._kept_from, self._end)
            return next((entry for entry, _ in between if entry.seq == seq and entry.code != ACKNOWLEDGED), None)

    def acknowledge(self, seq: int) -> None:
        """Everything up to ``seq`` is committed elsewhere and may be forgotten."""
        with self._reading:
            if seq <= self._acknowledged:
                return
            # On a full disk it is forgotten here alone, and offered once more after a restart.
            with self._lock, suppress(OSError):
                self._write(seq, ACKNOWLEDGED, b"")
            self._acknowledged = seq
            self._skip_acknowledged()
            if self._end > self._compact_bytes and self._end - self._kept_from <= self._end // 2:
                self._compact()
            with self._lock:
                self._has_room.notify_all()

    def close(self) -> None:
        with self._reading, self._lock:
            os.close(self._fd)

    def _write(self, seq: int, code: int, data: bytes) -> None:
        body = _META.pack(seq, code, self._clock()) + data
        record = _HEAD.pack(len(body), zlib.crc32(body)) + body
        # The end moves only when all of the entry is written: what a full disk cut short is overwritten by the next.
        written = 0
        while written < len(record):
            written += os.pwrite(self._fd, record[written:], self._end + written)
        self._end += len(record)

    def _between(self, start: int, end: int) -> Iterator[tuple[Entry, int]]:
        """The entries that lie there whole, each with its end; read in stretches, since every system call may cost
        the interpreter's lock."""
        wanted = _STRETCH_BYTES
        while start < end:
            stretch = os.pread(self._fd, min(wanted, end - start), start)
            offset = 0
            while (following := _end_of_entry(stretch, offset)) <= len(stretch):
                yield _entry_in(stretch, offset, following), start + following
                offset = following
            wanted = max(_STRETCH_BYTES, following - offset)
            start += offset

    def _skip_acknowledged(self) -> None:
        for entry, end in self._between(self._kept_from, self._end):
            if entry.code != ACKNOWLEDGED and entry.seq > self._acknowledged:
                return
            self._kept_from = end

    def _recover(self) -> None:
        """Find the end of the last whole entry and what was acknowledged; cut off what is torn."""
        magic = os.pread(self._fd, len(_MAGIC), 0)
        if len(magic) < len(_MAGIC):
            os.pwrite(self._fd, _MAGIC, 0)
        elif magic != _MAGIC:
            raise JournalError("the journal has another format")
        while (body := self._whole_body_at(self._end)) is not None:
            seq, code, _ = _META.unpack_from(body)
            if code == ACKNOWLEDGED:
                self._acknowledged = max(self._acknowledged, seq)
            else:
                self._last_entry_seq = seq
            self._last_seq = max(self._last_seq, seq)
            self._end += _HEAD.size + len(body)
        os.ftruncate(self._fd, self._end)

    def _whole_body_at(self, position: int) -> bytes | None:
        """The entry's body, or None if the file ends or is torn there."""
        head = os.pread(self._fd, _HEAD.size, position)
        if len(head) < _HEAD.size:
            return None
        length, crc = _HEAD.unpack(head)
        if not _META.size <= length <= MAX_ENTRY_BYTES:
            return None
        body = os.pread(self._fd, length, position + _HEAD.size)
        return body if len(body) == length and zlib.crc32(body) == crc else None

    def _compact(self) -> None:
        """Move what is not acknowledged into a new file that takes the place of this one."""
        path = self._path.with_suffix(".new")
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError:
            return
        try:
            os.pwrite(fd, _MAGIC, 0)
            copied_to = self._copy(fd, self._kept_from, self._end)
            os.fsync(fd)
            with self._lock:
                # What was appended meanwhile is as little on the disk's surface as it was before.
                self._copy(fd, copied_to, self._end)
                path.replace(self._path)
                fd = self._begin_with(fd)
        except OSError:
            # No room for the copy: the old file is whole and stays; the next acknowledgement tries again.
            path.unlink(missing_ok=True)
        os.close(fd)

    def _begin_with(self, fd: int) -> int:
        """Go on with a file that begins with what was kept; gives the old one, to be closed."""
        moved = len(_MAGIC) - self._kept_from
        old, self._fd = self._fd, fd
        self._read_from = max(self._read_from + moved, len(_MAGIC))
        self._end += moved
        self._kept_from = len(_MAGIC)
        return old

    def _copy(self, fd: int, start: int, end: int) -> int:
        """Copy what lies there to where it belongs in the new file; gives up to where it was copied."""
        while start < end:
            piece = os.pread(self._fd, min(_COPY_BYTES, end - start), start)
            start += os.pwrite(fd, piece, start - self._kept_from + len(_MAGIC))
        return end


def _end_of_entry(stretch: bytes, offset: int) -> int:
    """Where the entry that begins here ends; behind the stretch if it is not whole."""
    if offset + _HEAD.size > len(stretch):
        return offset + _STRETCH_BYTES + len(stretch)
    length, _ = _HEAD.unpack_from(stretch, offset)
    return int(offset + _HEAD.size + length)


def _entry_in(stretch: bytes, offset: int, end: int) -> Entry:
    start = offset + _HEAD.size
    seq, code, received_at = _META.unpack_from(stretch, start)
    return Entry(seq, code, received_at, stretch[start + _META.size : end])
