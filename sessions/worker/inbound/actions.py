"""Reads what is done to earlier messages: reactions, edits and revokes."""

from __future__ import annotations

from typing import Any

from sessions.address import Address
from sessions.content import Content, Edit, Reaction, Revoke
from sessions.protobuf import load
from sessions.worker.inbound.context import Reading
from sessions.worker.inbound.parts import target_key, unwrap
from sessions.worker.inbound.texts import body_of
from sessions.worker.jids import text

_ProtocolMessage: Any = load("waE2E.WAWebProtobufsE2E_pb2").ProtocolMessage


def read_action(message: Any, *, chat: Address, author: Address, from_me: bool, reading: Reading) -> Content | None:
    """The action a message stands for; None for the protocol's own business, which says nothing to a person."""
    part = message.reactionMessage if message.HasField("reactionMessage") else message.protocolMessage
    target = target_key(part.key, chat=chat, author=author, from_me=from_me, reading=reading)
    if message.HasField("reactionMessage"):
        return Reaction(target=target, emoji=text(part.text))
    if part.type == _ProtocolMessage.REVOKE and part.HasField("key"):
        return Revoke(target=target)
    if part.type == _ProtocolMessage.MESSAGE_EDIT:
        edited, _ = unwrap(part.editedMessage)
        return Edit(target=target, body=body_of(edited))
    return None
