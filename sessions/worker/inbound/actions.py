"""Reads what is done to earlier messages and to chats: reactions, edits, revokes, votes, answers, pins and timers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessions.address import Address
from sessions.content import (
    Content,
    Edit,
    EventReply,
    MessageKey,
    Pin,
    PollVote,
    Reaction,
    Revoke,
    Sealed,
    Timer,
)
from sessions.protobuf import load
from sessions.worker.inbound.context import Reading
from sessions.worker.inbound.parts import target_key, unwrap
from sessions.worker.inbound.texts import body_of
from sessions.worker.jids import seconds, text

_e2e: Any = load("waE2E.WAWebProtobufsE2E_pb2")
_ProtocolMessage: Any = _e2e.ProtocolMessage
_WEEK = 7 * 86_400

#: Makes the key of the message that an action is about.
KeyOf = Callable[[Any], MessageKey]


def read_action(
    message: Any, name: str, *, chat: Address, author: Address, from_me: bool, reading: Reading
) -> Content | None:
    """The action a message stands for; None for the protocol's own business, which says nothing to a person."""

    def key_of(key: Any) -> MessageKey:
        return target_key(key, chat=chat, author=author, from_me=from_me, reading=reading)

    return ACTIONS[name](message, key_of)


def _reaction(message: Any, key_of: KeyOf) -> Reaction:
    part = message.reactionMessage
    return Reaction(target=key_of(part.key), emoji=text(part.text))


def _protocol(message: Any, key_of: KeyOf) -> Content | None:
    part = message.protocolMessage
    if part.type == _ProtocolMessage.REVOKE and part.HasField("key"):
        return Revoke(target=key_of(part.key))
    if part.type == _ProtocolMessage.MESSAGE_EDIT:
        edited, _ = unwrap(part.editedMessage)
        return Edit(target=key_of(part.key), body=body_of(edited))
    if part.type == _ProtocolMessage.EPHEMERAL_SETTING:
        return Timer(seconds=seconds(part.ephemeralExpiration))
    return None


def _vote(message: Any, key_of: KeyOf) -> PollVote:
    part = message.pollUpdateMessage
    sealed = Sealed(payload=bytes(part.vote.encPayload), iv=bytes(part.vote.encIV))
    return PollVote(target=key_of(part.pollCreationMessageKey), sealed=sealed)


def _event_reply(message: Any, key_of: KeyOf) -> EventReply:
    part = message.encEventResponseMessage
    sealed = Sealed(payload=bytes(part.encPayload), iv=bytes(part.encIV))
    return EventReply(target=key_of(part.eventCreationMessageKey), sealed=sealed)


def _pin(message: Any, key_of: KeyOf) -> Pin:
    part = message.pinInChatMessage
    is_pinned = part.type == _e2e.PinInChatMessage.PIN_FOR_ALL
    seconds = message.messageContextInfo.messageAddOnDurationInSecs or _WEEK
    return Pin(target=key_of(part.key), seconds=seconds if is_pinned else 0)


ACTIONS: dict[str, Callable[[Any, KeyOf], Content | None]] = {
    "reactionMessage": _reaction,
    "protocolMessage": _protocol,
    "pollUpdateMessage": _vote,
    "encEventResponseMessage": _event_reply,
    "pinInChatMessage": _pin,
}
