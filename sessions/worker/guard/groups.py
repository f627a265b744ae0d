"""Guarded calls about groups and communities."""

from __future__ import annotations

import re
from typing import Any

from sessions.address import Address, AddressKind, Jid
from sessions.errors import InvalidRequestError, RefusedError, SessionError
from sessions.groups import (
    INVITE_LINK,
    GroupInfo,
    GroupSummary,
    JoinRequest,
    MemberAction,
    MemberOutcome,
)
from sessions.protobuf import load
from sessions.worker import jids
from sessions.worker.ffi import groups as ffi
from sessions.worker.ffi.function import Function
from sessions.worker.groupinfo import read_group, read_outcome, read_summary
from sessions.worker.guard.bounds import person, raise_for
from sessions.worker.guard.handle import Handle

_neonize: Any = load("Neonize_pb2")

LONGEST_SUBJECT = 100
LONGEST_DESCRIPTION = 2048
MOST_MEMBERS = 256  #: that are added or changed with one call
LARGEST_PICTURE = 2 * 1024 * 1024
TIMERS = (0, 86_400, 604_800, 7_776_000)
_JPEG = b"\xff\xd8\xff"
_CODE = re.compile(r"[A-Za-z0-9_\-]{4,64}")
_NANOSECONDS = 1_000_000_000
_MICROSECONDS = 1_000_000


def joined(handle: Handle) -> tuple[GroupInfo, ...]:
    handle.gate.check_connected()
    answer = _neonize.GetJoinedGroupsReturnFunction.FromString(handle.call(ffi.JOINED_GROUPS))
    raise_for(answer.Error)
    return tuple(read_group(found) for found in answer.Group)


def info(handle: Handle, group: Jid) -> GroupInfo:
    handle.gate.check_connected()
    return _group_from(handle.call(ffi.GROUP_INFO, _group(group)))


def create(
    handle: Handle, subject: str, members: tuple[Jid, ...], *, is_community: bool, community: Jid | None
) -> GroupInfo:
    handle.gate.check_connected()
    wanted = _neonize.ReqCreateGroup(name=_line(subject, LONGEST_SUBJECT), CreateKey="")
    wanted.Participants.extend(jids.message(person(member)) for member in _people(members))
    if is_community:
        wanted.GroupParent.IsParent, wanted.GroupParent.DefaultMembershipApprovalMode = True, ""
    elif community is not None:
        wanted.GroupLinkedParent.LinkedParentJID.ParseFromString(_group(community))
    return _group_from(handle.call(ffi.CREATE_GROUP, wanted.SerializeToString()))


def set_subject(handle: Handle, group: Jid, subject: str) -> None:
    handle.gate.check_connected()
    raise_for(handle.call(ffi.SET_NAME, _group(group), _line(subject, LONGEST_SUBJECT).encode()))


def set_description(handle: Handle, group: Jid, description: str) -> None:
    """Change the description, or remove it with an empty text. The library looks up what it replaces."""
    handle.gate.check_connected()
    raise_for(handle.call(ffi.SET_TOPIC, _group(group), b"", b"", _text(description, LONGEST_DESCRIPTION)))


def set_announce(handle: Handle, group: Jid, announce: bool) -> None:
    handle.gate.check_connected()
    raise_for(handle.call(ffi.SET_ANNOUNCE, _group(group), announce))


def set_locked(handle: Handle, group: Jid, locked: bool) -> None:
    handle.gate.check_connected()
    raise_for(handle.call(ffi.SET_LOCKED, _group(group), locked))


def set_timer(handle: Handle, group: Jid, seconds: int) -> None:
    handle.gate.check_connected()
    if seconds not in TIMERS:
        raise InvalidRequestError("Messages disappear after 1, 7 or 90 days, or stay.")
    raise_for(handle.call(ffi.SET_TIMER, _group(group), seconds * _NANOSECONDS, 0))


def set_picture(handle: Handle, group: Jid, jpeg: bytes) -> None:
    handle.gate.check_connected()
    if not jpeg.startswith(_JPEG) or len(jpeg) > LARGEST_PICTURE:
        raise InvalidRequestError("The picture of a group is a JPEG of at most 2 MiB.")
    answer = _neonize.SetGroupPhotoReturnFunction.FromString(handle.call(ffi.SET_PHOTO, _group(group), jpeg))
    raise_for(answer.Error)


def change_members(
    handle: Handle, group: Jid, action: MemberAction, members: tuple[Jid, ...]
) -> tuple[MemberOutcome, ...]:
    handle.gate.check_connected()
    if not members:
        raise InvalidRequestError("Nobody is named.")
    people = _neonize.JIDArray()
    people.JIDS.extend(jids.message(person(member)) for member in _people(members))
    raw = handle.call(ffi.UPDATE_PARTICIPANTS, _group(group), people.SerializeToString(), action.value.encode())
    answer = _neonize.UpdateGroupParticipantsReturnFunction.FromString(raw)
    raise_for(answer.Error)
    return tuple(read_outcome(found) for found in answer.participants)


def invite_link(handle: Handle, group: Jid, *, renew: bool) -> str:
    handle.gate.check_connected()
    raw = handle.call(ffi.INVITE_LINK, _group(group), renew)
    answer = _neonize.GetGroupInviteLinkReturnFunction.FromString(raw)
    raise_for(answer.Error)
    return jids.text(answer.InviteLink)


def inspect_invite(handle: Handle, code: str) -> GroupInfo:
    handle.gate.check_connected()
    return _group_from(handle.call(ffi.INFO_FROM_LINK, _code(code)))


def follow_invite(handle: Handle, code: str) -> tuple[Address, GroupInfo | None]:
    """The group, and all about it where the account is in it now rather than waiting for an admin."""
    handle.gate.check_connected()
    answer = _neonize.JoinGroupWithLinkReturnFunction.FromString(handle.call(ffi.JOIN_WITH_LINK, _code(code)))
    raise_for(answer.Error)
    group = jids.decode(answer.Jid)
    if group is None:
        raise RefusedError("WhatsApp did not say which group this is.")
    try:
        return Address.of(group), info(handle, group)
    except InvalidRequestError:  # what the library says of a group that the account is not in
        return Address.of(group), None


def leave(handle: Handle, group: Jid) -> None:
    handle.gate.check_connected()
    raise_for(handle.call(ffi.LEAVE, _group(group)))


def requests(handle: Handle, group: Jid) -> tuple[JoinRequest, ...]:
    handle.gate.check_connected()
    raw = handle.call(ffi.REQUESTS, _group(group))
    answer = _neonize.GetGroupRequestParticipantsReturnFunction.FromString(raw)
    raise_for(answer.Error)
    return tuple(
        JoinRequest(who=jids.address(one.Participant), asked_at=one.TimeAt / _MICROSECONDS)
        for one in answer.Participants
    )


def link(handle: Handle, community: Jid, group: Jid) -> None:
    """Put a group into a community. The library does not read the answer, so we look whether it is in."""
    _move(handle, ffi.LINK, community, group)
    if info(handle, group).community != Address.of(community):
        raise RefusedError("WhatsApp did not put the group into the community.")


def unlink(handle: Handle, community: Jid, group: Jid) -> None:
    _move(handle, ffi.UNLINK, community, group)
    if info(handle, group).community == Address.of(community):
        raise RefusedError("WhatsApp did not take the group out of the community.")


def sub_groups(handle: Handle, community: Jid) -> tuple[GroupSummary, ...]:
    handle.gate.check_connected()
    answer = _neonize.GetSubGroupsReturnFunction.FromString(handle.call(ffi.SUB_GROUPS, _group(community)))
    raise_for(answer.Error)
    return tuple(read_summary(found) for found in answer.GroupLinkTarget)


def _move(handle: Handle, function: Function, community: Jid, group: Jid) -> None:
    handle.gate.check_connected()
    raise_for(handle.call(function, _group(community), _group(group)))


def _group_from(raw: bytes) -> GroupInfo:
    answer = _neonize.GetGroupInfoReturnFunction.FromString(raw)
    raise_for(answer.Error)
    if not answer.HasField("GroupInfo"):
        raise SessionError("The engine gave no group.")
    return read_group(answer.GroupInfo)


def _group(jid: Jid) -> bytes:
    if jid.kind is not AddressKind.GROUP or jid.device:
        raise InvalidRequestError("This is only possible for a group.")
    return jids.encode(jid)


def _people(members: tuple[Jid, ...]) -> tuple[Jid, ...]:
    if len(members) > MOST_MEMBERS:
        raise InvalidRequestError(f"At most {MOST_MEMBERS} people at once.")
    return tuple(member.without_device for member in members)


def _line(text: str, longest: int) -> str:
    if not text.strip() or "\n" in text:
        raise InvalidRequestError("A group's name is one line of text.")
    return _text(text, longest).decode()


def _text(text: str, longest: int) -> bytes:
    if len(text) > longest or "\0" in text:
        raise InvalidRequestError(f"The text is longer than {longest} characters or holds a null character.")
    return text.encode()


def _code(text: str) -> bytes:
    code = text.strip().removeprefix(INVITE_LINK)
    if not _CODE.fullmatch(code):
        raise InvalidRequestError("This is not an invite link.")
    return code.encode()
