"""Reads the history that a phone shares after linking, in pieces of bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from sessions.address import Address, Jid
from sessions.content import MessageKey
from sessions.events import Event, HistoryChat, HistoryReceived, HistoryStage, MessageReceived, PushNames
from sessions.protobuf import load
from sessions.worker.inbound.content import read_content
from sessions.worker.inbound.context import Reading
from sessions.worker.inbound.messages import album_of, mentions_of, quoted_id, secret_of
from sessions.worker.inbound.parts import context_of, parse_jid, unwrap
from sessions.worker.jids import text

MESSAGES_PER_PIECE = 50
NAMES_PER_PIECE = 500
_neonize: Any = load("Neonize_pb2")
_sync: Any = load("waHistorySync.WAWebProtobufsHistorySync_pb2")
_STAGES = {
    _sync.HistorySync.INITIAL_BOOTSTRAP: HistoryStage.BOOTSTRAP,
    _sync.HistorySync.RECENT: HistoryStage.RECENT,
    _sync.HistorySync.FULL: HistoryStage.FULL,
}
_T = TypeVar("_T")


def read_history(data: bytes, reading: Reading) -> list[Event]:
    history = _neonize.HistorySync.FromString(data).Data
    names = _Names(history.phoneNumberToLidMappings)
    events: list[Event] = [PushNames(names=piece) for piece in _pieces(_push_names(history, names), NAMES_PER_PIECE)]
    stage = _STAGES.get(history.syncType, HistoryStage.OTHER)
    if not _is_wanted(stage, reading):
        return events
    chats = tuple(_chats(history, names))
    unread = frozenset(_unread(history)) if stage is HistoryStage.BOOTSTRAP else frozenset()
    pieces = list(_pieces(_messages(history, names, reading), MESSAGES_PER_PIECE))
    if not pieces and (chats or stage is not HistoryStage.OTHER):
        pieces.append(())
    for place, piece in enumerate(pieces):
        is_last = place == len(pieces) - 1
        events.append(
            HistoryReceived(
                messages=piece,
                progress=history.progress,
                stage=stage,
                chats=() if place else chats,
                unread=unread.intersection(message.key.wa_id for message in piece),
                is_last=is_last,
                count=sum(map(len, pieces)) if is_last else 0,
            )
        )
    return events


def _is_wanted(stage: HistoryStage, reading: Reading) -> bool:
    """Phones share some of it whatever a device asks for."""
    return reading.history == "full" or (reading.history == "recent" and stage is not HistoryStage.FULL)


class _Names:
    """The other name of a person, as far as the history itself tells."""

    def __init__(self, mappings: Iterable[Any]) -> None:
        self._other: dict[Jid, Jid] = {}
        for mapping in mappings:
            self.join(parse_jid(mapping.pnJID), parse_jid(mapping.lidJID))

    def join(self, one: Jid | None, two: Jid | None) -> None:
        if one is not None and two is not None:
            self._other[one] = two
            self._other[two] = one

    def address(self, jid: Jid) -> Address:
        return Address.of(jid, self._other.get(jid.without_device))


def _push_names(history: Any, names: _Names) -> Iterator[tuple[Address, str]]:
    for entry in history.pushnames:
        jid = parse_jid(entry.ID)
        if jid is not None and entry.pushname:
            yield names.address(jid), text(entry.pushname)


def _chats(history: Any, names: _Names) -> Iterator[HistoryChat]:
    for conversation in history.conversations:
        jid = parse_jid(conversation.ID)
        if jid is not None:
            names.join(jid, parse_jid(conversation.lidJID) or parse_jid(conversation.pnJID))
            chat = names.address(jid)
            title = text(conversation.name) if chat.other is not None else ""
            yield HistoryChat(chat=chat, title=title or None)


def _unread(history: Any) -> Iterator[str]:
    """The newest incoming messages of each chat, as many as the phone counts as unread."""
    for conversation in history.conversations:
        incoming = [entry.message for entry in conversation.messages if not entry.message.key.fromMe]
        incoming.sort(key=lambda stored: int(stored.messageTimestamp), reverse=True)
        yield from (text(stored.key.ID) for stored in incoming[: conversation.unreadCount])


def _messages(history: Any, names: _Names, reading: Reading) -> Iterator[MessageReceived]:
    for conversation in history.conversations:
        jid = parse_jid(conversation.ID)
        if jid is None:
            continue
        names.join(jid, parse_jid(conversation.lidJID) or parse_jid(conversation.pnJID))
        chat = names.address(jid)
        for entry in conversation.messages:
            message = _message(entry.message, chat, names, reading)
            if message is not None:
                yield message


def _message(stored: Any, chat: Address, names: _Names, reading: Reading) -> MessageReceived | None:
    key = stored.key
    sender = _sender(stored, chat, names, reading)
    message, view_once = unwrap(stored.message)
    content = read_content(message, view_once=view_once, chat=chat, author=sender, from_me=key.fromMe, reading=reading)
    if content is None:
        return None
    context = context_of(message)
    return MessageReceived(
        key=MessageKey(
            chat=chat, wa_id=text(key.ID), from_me=key.fromMe, participant=sender if chat.other is not None else None
        ),
        sender=sender,
        push_name=text(stored.pushName),
        timestamp=float(stored.messageTimestamp),
        content=content,
        quoted_wa_id=quoted_id(context),
        mentions=mentions_of(context),
        forwarded=bool(context is not None and context.isForwarded),
        ephemeral=bool(stored.ephemeralDuration),
        secret=secret_of(stored.message, message, content, kept=bytes(stored.messageSecret)),
        album_wa_id=album_of(stored.message, message),
    )


def _sender(stored: Any, chat: Address, names: _Names, reading: Reading) -> Address:
    if stored.key.fromMe:
        return reading.me
    participant = parse_jid(stored.key.participant) or parse_jid(stored.participant)
    return names.address(participant) if participant is not None else chat


def _pieces(items: Iterable[_T], size: int) -> Iterator[tuple[_T, ...]]:
    iterator = iter(items)
    while piece := tuple(islice(iterator, size)):
        yield piece
