"""Reads changes of group chats."""

from __future__ import annotations

from typing import Any

from sessions.address import Address
from sessions.events import Event, GroupChanged
from sessions.protobuf import load
from sessions.worker.inbound.context import Reading
from sessions.worker.jids import address, text

_neonize: Any = load("Neonize_pb2")


def read_group_change(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.GroupInfoEvent.FromString(data)
    return [
        GroupChanged(
            group=address(event.JID),
            actor=_optional(event.Sender) if event.HasField("Sender") else None,
            subject=text(event.Name.Name) if event.HasField("Name") else None,
            joined=_addresses(event.Join),
            left=_addresses(event.Leave),
            promoted=_addresses(event.Promote),
            demoted=_addresses(event.Demote),
        )
    ]


def read_joined_group(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.JoinedGroup.FromString(data)
    return [
        GroupChanged(
            group=address(event.GroupInfo.JID),
            actor=_optional(event.Sender, event.SenderPN) if event.HasField("Sender") else None,
            subject=text(event.GroupInfo.GroupName.Name),
            joined=(reading.me,),
        )
    ]


def _addresses(jids: Any) -> tuple[Address, ...]:
    return tuple(address(jid) for jid in jids)


def _optional(*jids: Any) -> Address | None:
    found = address(*jids)
    return found if found != Address() else None
