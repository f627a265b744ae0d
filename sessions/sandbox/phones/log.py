"""What a phone remembers of its chats: every message that reached it, in order and doubles included, and what it sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from sessions.sandbox.phones.shown import FileReference, Json
from sessions.sandbox.state.store import Space


class Direction(StrEnum):
    """Seen from the phone's owner."""

    IN = "in"
    OUT = "out"


class Status(StrEnum):
    """How far a message has come; it only moves forward."""

    FAILED = "failed"
    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"


_ORDER = list(Status)


class Entry(msgspec.Struct, kw_only=True):
    """One line of the log."""

    sequence: int
    id: str
    chat: str  #: the other side: a number, or a group's id
    sender: str  #: a number
    recipient: str  #: a number, or a group's id
    direction: Direction
    reached: bool  #: it came to this phone; False for what the phone itself sent
    type: str
    fields: dict[str, Any]
    file: FileReference | None = None
    secret: bytes = b""  #: opens the answers to a poll or an appointment
    at: float = 0.0
    status: Status | None = None
    is_read: bool = False

    def as_json(self, file_url: str) -> dict[str, Json]:
        """The entry as the control API gives it."""
        shown: dict[str, Json] = {
            "seq": self.sequence,
            "id": self.id,
            "from": self.sender,
            "to": self.recipient,
            "chat": self.chat,
            "direction": self.direction.value,
            "type": self.type,
            **self.fields,
            "at": datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        described = shown.get(self.type)
        if self.file and isinstance(described, dict):
            shown[self.type] = {**described, "url": file_url}
        if self.status:
            shown["status"] = self.status.value
        if self.direction is Direction.IN:
            shown["read"] = self.is_read
        return shown


class PhoneLog:
    """The entries of one phone, oldest first; each change is written to the store at once."""

    def __init__(self, *, space: Space, changed: Callable[[Entry], None]) -> None:
        self._space = space
        self._changed = changed
        self._entries = [msgspec.msgpack.decode(body, type=Entry) for _, body in space.items()]
        self._reached = [entry for entry in self._entries if entry.reached]
        self._by_id: dict[str, Entry] = {entry.id: entry for entry in self._entries}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def add(self, **known: Any) -> Entry:
        """Write down a message."""
        entry = Entry(sequence=len(self._entries) + 1, **{"at": time.time(), **known})
        self._entries.append(entry)
        self._by_id[entry.id] = entry
        if entry.reached:
            self._reached.append(entry)
        self._keep(entry)
        return entry

    def get(self, sequence: int) -> Entry | None:
        """The entry with this number."""
        return self._entries[sequence - 1] if 0 < sequence <= len(self._entries) else None

    def find(self, message_id: str) -> Entry | None:
        """The newest entry of a message."""
        return self._by_id.get(message_id)

    def reached(self, limit: int) -> list[Entry]:
        """The newest messages that came to this phone, oldest first."""
        return self._reached[-limit:]

    def newest(self, limit: int) -> list[Entry]:
        """The newest messages of both directions, oldest first."""
        return self._entries[-limit:]

    def unread(self, ids: list[str] | None) -> list[Entry]:
        """Incoming messages that were not read yet; with ids only these, read or not."""
        incoming = [entry for entry in self._entries if entry.direction is Direction.IN]
        if ids is None:
            return [entry for entry in incoming if not entry.is_read]
        return [entry for entry in incoming if entry.id in set(ids)]

    def mark_read(self, entries: list[Entry]) -> None:
        """The owner has seen these."""
        for entry in entries:
            entry.is_read = True
            self._keep(entry)

    def advance(self, message_id: str, status: Status) -> None:
        """A receipt came for something the phone sent."""
        entry = self._by_id.get(message_id)
        if entry is None or entry.direction is not Direction.OUT:
            return
        if entry.status is None or _ORDER.index(status) > _ORDER.index(entry.status):
            entry.status = status
            self._keep(entry)

    def fail(self, entry: Entry) -> None:
        """The service did not take what the phone sent."""
        entry.status = Status.FAILED
        self._keep(entry)

    def _keep(self, entry: Entry) -> None:
        self._space.put(f"{entry.sequence:012d}", msgspec.msgpack.encode(entry))
        self._changed(entry)
