"""What a phone shares of its past with a device that was just linked, in the pieces and the order of a real one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from sessions.protobuf import load
from sessions.sandbox.phones.log import Direction, Entry, PhoneLog
from sessions.sandbox.phones.reading import E2E
from sessions.sandbox.state.directory import Account, Directory

_history = load("waHistorySync.WAWebProtobufsHistorySync_pb2")
_Sync = _history.HistorySync

NEWEST_OF_A_CHAT = 20
MESSAGES_PER_CHUNK = 500
RECENT_DAYS = 30
_MEDIA_FIELDS = ("image", "video", "audio", "voice", "document", "sticker")


class Past:
    """The newest messages of each chat, then what is recent, then, where it is asked for, all the rest, then names."""

    def __init__(self, *, account: Account, directory: Directory, log: PhoneLog) -> None:
        self._account = account
        self._directory = directory
        self._log = log

    def chunks(self, *, is_full: bool) -> Iterator[Any]:
        """Every chunk as a HistorySync."""
        chats = self._chats()
        newest = [entry for entries in chats.values() for entry in entries[-NEWEST_OF_A_CHAT:]]
        older = [entry for entries in chats.values() for entry in entries[:-NEWEST_OF_A_CHAT]]
        border = time.time() - RECENT_DAYS * 86_400
        yield self._chunk(_Sync.INITIAL_BOOTSTRAP, newest, number=1, of=1, counts_unread=True)
        yield from self._stage(_Sync.RECENT, [entry for entry in older if entry.at >= border])
        if is_full:
            yield from self._stage(_Sync.FULL, [entry for entry in older if entry.at < border])
        yield self._push_names()

    def _chats(self) -> dict[str, list[Entry]]:
        """What can be shared, by the other side's number, oldest first and each message once."""
        known = {entry.id: entry for entry in self._log if _write(entry) is not None}
        chats: dict[str, list[Entry]] = {}
        for entry in sorted(known.values(), key=lambda entry: entry.at):
            if self._directory.get(entry.chat) is not None:
                chats.setdefault(entry.chat, []).append(entry)
        return chats

    def _stage(self, kind: int, entries: Sequence[Entry]) -> Iterator[Any]:
        pieces = [entries[at : at + MESSAGES_PER_CHUNK] for at in range(0, len(entries), MESSAGES_PER_CHUNK)] or [()]
        for number, piece in enumerate(pieces, start=1):
            yield self._chunk(kind, piece, number=number, of=len(pieces))

    def _chunk(self, kind: int, entries: Sequence[Entry], *, number: int, of: int, counts_unread: bool = False) -> Any:
        history = _Sync(syncType=kind, chunkOrder=number, progress=100 * number // of)
        by_chat: dict[str, list[Entry]] = {}
        for entry in entries:
            by_chat.setdefault(entry.chat, []).append(entry)
        for chat, held in by_chat.items():
            other = self._directory.get(chat)
            assert other is not None, "only such chats are shared"
            self._conversation(history, other, held, counts_unread=counts_unread)
        for other in [self._account, *self._others()]:
            history.phoneNumberToLidMappings.add(pnJID=str(other.pn), lidJID=str(other.lid))
        return history

    def _conversation(self, history: Any, other: Account, entries: Sequence[Entry], *, counts_unread: bool) -> None:
        newest = int(entries[-1].at)
        chat = history.conversations.add(ID=str(other.lid), conversationTimestamp=newest, name=other.name)
        chat.pnJID, chat.lastMsgTimestamp = str(other.pn), newest
        if counts_unread:
            chat.unreadCount = sum(
                entry.direction is Direction.IN and not entry.is_read
                for entry in self._log
                if entry.chat == other.number
            )
        for place, entry in enumerate(reversed(entries)):
            info = chat.messages.add(msgOrderID=place).message
            info.key.remoteJID, info.key.ID = str(other.lid), entry.id
            info.key.fromMe = entry.direction is Direction.OUT
            info.message.CopyFrom(_write(entry))
            info.messageTimestamp = int(entry.at)

    def _push_names(self) -> Any:
        history = _Sync(syncType=_Sync.PUSH_NAME, chunkOrder=1, progress=100)
        for other in self._others():
            history.pushnames.add(ID=str(other.pn), pushname=other.name)
        return history

    def _others(self) -> list[Account]:
        return [other for other in self._directory if other is not self._account]


def _write(entry: Entry) -> Any:
    """A remembered message as WhatsApp's protobuf; None for what a phone does not share by itself."""
    said = entry.fields.get(entry.type)
    if not isinstance(said, dict):
        return None
    message = E2E.Message()
    if entry.type == "text":
        message.conversation = str(said.get("body", ""))
    elif entry.type in _MEDIA_FIELDS and entry.file is not None:
        _write_file(getattr(message, "audioMessage" if entry.type == "voice" else f"{entry.type}Message"), entry, said)
    else:
        return None
    return message


def _write_file(part: Any, entry: Entry, said: dict[str, Any]) -> None:
    file = entry.file
    assert file is not None, "asked for by the caller"
    part.URL, part.directPath = f"https://mmg.whatsapp.net{file.direct_path}", file.direct_path
    part.mimetype, part.fileLength = file.mimetype, int(said.get("size", 0))
    part.fileSHA256, part.fileEncSHA256, part.mediaKey = file.sha256, file.encrypted_sha256, file.media_key
    if entry.type == "voice":
        part.PTT = True
    if entry.type == "document":
        part.fileName = file.filename or "document"
    if said.get("caption") and entry.type in ("image", "video", "document"):
        part.caption = str(said["caption"])
