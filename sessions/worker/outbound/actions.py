"""Builds what is done to earlier messages and to chats: reactions, edits, revokes, pins and timers."""

from __future__ import annotations

from typing import Any

from sessions.content import Edit, Pin, Reaction, Revoke, Timer
from sessions.protobuf import load
from sessions.worker.outbound.parts import e2e, key_fields

_common: Any = load("waCommon.WACommon_pb2")


def build_reaction(content: Reaction, now: float) -> Any:
    reaction = e2e.ReactionMessage(
        key=_common.MessageKey(**key_fields(content.target)),
        text=content.emoji,
        senderTimestampMS=int(now * 1000),
    )
    return e2e.Message(reactionMessage=reaction)


def build_edit(content: Edit, now: float) -> Any:
    protocol = e2e.ProtocolMessage(
        key=_common.MessageKey(**key_fields(content.target)),
        type=e2e.ProtocolMessage.MESSAGE_EDIT,
        editedMessage=e2e.Message(conversation=content.body),
        timestampMS=int(now * 1000),
    )
    inner = e2e.Message(protocolMessage=protocol)
    return e2e.Message(editedMessage=e2e.FutureProofMessage(message=inner))


def build_revoke(content: Revoke) -> Any:
    protocol = e2e.ProtocolMessage(
        key=_common.MessageKey(**key_fields(content.target)), type=e2e.ProtocolMessage.REVOKE
    )
    return e2e.Message(protocolMessage=protocol)


def build_pin(content: Pin, now: float) -> Any:
    kinds = e2e.PinInChatMessage
    pin = e2e.PinInChatMessage(
        key=_common.MessageKey(**key_fields(content.target)),
        type=kinds.PIN_FOR_ALL if content.seconds else kinds.UNPIN_FOR_ALL,
        senderTimestampMS=int(now * 1000),
    )
    message = e2e.Message(pinInChatMessage=pin)
    if content.seconds:
        message.messageContextInfo.messageAddOnDurationInSecs = content.seconds
    return message


def build_timer(content: Timer, now: float) -> Any:
    protocol = e2e.ProtocolMessage(
        type=e2e.ProtocolMessage.EPHEMERAL_SETTING,
        ephemeralExpiration=content.seconds,
        ephemeralSettingTimestamp=int(now),
    )
    return e2e.Message(protocolMessage=protocol)
