"""Reads who is online, who is typing, and who changed their picture."""

from __future__ import annotations

from typing import Any

from sessions.events import Event, PictureChanged, PresenceChanged, Typing
from sessions.protobuf import load
from sessions.worker.inbound.context import Reading
from sessions.worker.jids import address

_neonize: Any = load("Neonize_pb2")


def read_typing(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.ChatPresence.FromString(data)
    source = event.MessageSource
    who = address(source.Sender, source.SenderAlt)
    if not who.is_person:
        return []
    chat = address(source.Chat) if source.IsGroup else address(source.Chat, source.SenderAlt)
    if event.State == _neonize.ChatPresence.PAUSED:
        state = "paused"
    else:
        state = "recording" if event.Media == _neonize.ChatPresence.AUDIO else "composing"
    return [Typing(chat=chat, who=who, state=state)]


def read_presence(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.Presence.FromString(data)
    who = address(event.From)
    if not who.is_person:
        return []
    # An unknown time arrives as the first second of the year 1.
    last_seen = float(event.LastSeen) if event.LastSeen > 0 else None
    return [PresenceChanged(who=who, online=not event.Unavailable, last_seen=last_seen)]


def read_picture(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.Picture.FromString(data)
    return [PictureChanged(who=address(event.JID), removed=event.Remove)]
