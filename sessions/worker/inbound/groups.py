"""Reads changes of group chats."""

from __future__ import annotations

from typing import Any

from sessions.address import Address
from sessions.events import Event, GroupChanged, GroupJoined
from sessions.protobuf import load
from sessions.worker.groupinfo import known, read_group
from sessions.worker.inbound.context import Reading
from sessions.worker.jids import address, decode, seconds, text

_neonize: Any = load("Neonize_pb2")

#: How the service calls it when somebody asks to be let in, which the library hands on as it is.
_ASKED_TO_JOIN = "created_membership_requests"


def read_group_change(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.GroupInfoEvent.FromString(data)
    above = _Link(event.Link if event.HasField("Link") else None)
    gone = _Link(event.Unlink if event.HasField("Unlink") else None)
    return [
        GroupChanged(
            group=address(event.JID),
            actor=known(event.Sender) if event.HasField("Sender") else None,
            timestamp=float(event.Timestamp),
            subject=text(event.Name.Name) if event.HasField("Name") else None,
            description=text(event.Topic.Topic) if event.HasField("Topic") else None,
            announce=event.Announce.IsAnnounce if event.HasField("Announce") else None,
            locked=event.Locked.isLocked if event.HasField("Locked") else None,
            ephemeral_seconds=_timer(event.Ephemeral) if event.HasField("Ephemeral") else None,
            invite_link=text(event.NewInviteLink) if event.HasField("NewInviteLink") else None,
            deleted=event.HasField("Delete") and event.Delete.Deleted,
            joined=_addresses(event.Join),
            left=_addresses(event.Leave),
            promoted=_addresses(event.Promote),
            demoted=_addresses(event.Demote),
            asked_to_join=_asked(event.UnknownChanges),
            community=above.parent,
            left_community=gone.parent,
            linked=above.child,
            unlinked=gone.child,
        )
    ]


def read_joined_group(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.JoinedGroup.FromString(data)
    return [
        GroupJoined(
            group=read_group(event.GroupInfo),
            actor=known(event.Sender, event.SenderPN) if event.HasField("Sender") else None,
            reason=text(event.Reason),
        )
    ]


class _Link:
    """A tie between a group and a community, seen from the one that the news is about."""

    def __init__(self, change: Any | None) -> None:
        other = address(change.Group.JID) if change is not None else None
        is_parent = change is not None and change.Type == _neonize.GroupLinkChange.PARENT
        is_child = change is not None and change.Type == _neonize.GroupLinkChange.SUB
        self.parent = other if is_parent else None
        self.child = other if is_child else None


def _timer(ephemeral: Any) -> int:
    return seconds(ephemeral.DisappearingTimer) if ephemeral.IsEphemeral else 0


def _addresses(jids: Any) -> tuple[Address, ...]:
    return tuple(address(jid) for jid in jids)


def _asked(changes: Any) -> tuple[Address, ...]:
    people = [person for change in changes if text(change.Tag) == _ASKED_TO_JOIN for person in change.Nodes]
    found = []
    for person in people:
        jids = [attribute.jid for attribute in person.Attrs if attribute.HasField("jid") and decode(attribute.jid)]
        if jids:
            found.append(address(*jids))
    return tuple(found)
