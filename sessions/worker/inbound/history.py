"""Reads the history that a phone shares after linking, in pieces of bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from sessions.address import Address, Jid
from sessions.content import MessageKey
from sessions.events import Event, HistoryReceived, MessageReceived, PushNames
from sessions.protobuf import load
from sessions.worker.inbound.content import read_content
from sessions.worker.inbound.context import Reading
from sessions.worker.inbound.messages import album_of, mentions_of, quoted_id, secret_of
from sessions.worker.inbound.parts import context_of, parse_jid, unwrap
from sessions.worker.jids import text

MESSAGES_PER_PIECE = 50
NAMES_PER_PIECE = 500
_neonize: Any = load("Neonize_pb2")
_T = TypeVar("_T")


def read_history(data: bytes, reading: Reading) -> list[Event]:
    history = _neonize.HistorySync.FromString(data).Data
    names = _Names(history.phoneNumberToLidMappings)
    events: list[Event] = [PushNames(names=piece) for piece in _pieces(_push_names(history, names), NAMES_PER_PIECE)]
    pieces = list(_pieces(_messages(history, names, reading), MESSAGES_PER_PIECE))
    events += [HistoryReceived(messages=piece, progress=history.progress) for piece in pieces]
    if not pieces and history.progress:
        events.append(HistoryReceived(messages=(), progress=history.progress))
    return events


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
