"""What a group is, as WhatsApp tells a member of it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from sessions.address import Address

INVITE_LINK = "https://chat.whatsapp.com/"


class Role(StrEnum):
    MEMBER = "member"
    ADMIN = "admin"
    CREATOR = "superadmin"  #: an admin who cannot be removed


class Member(msgspec.Struct, frozen=True, kw_only=True):
    who: Address
    role: Role = Role.MEMBER


class GroupInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a group. Times are seconds since 1970."""

    group: Address
    subject: str
    description: str = ""
    owner: Address | None = None
    created_at: float | None = None  #: the engine rounds it to about a minute
    announce: bool = False  #: only admins may write
    locked: bool = False  #: only admins may change what the group is called and looks like
    ephemeral_seconds: int = 0  #: messages disappear after so long; 0: they stay
    is_community: bool = False
    is_announcements: bool = False  #: the group of its community where members are told things
    community: Address | None = None  #: that it belongs to
    members: tuple[Member, ...] = ()


class GroupSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What the list of a community's groups says of one."""

    group: Address
    subject: str
    is_announcements: bool = False


class MemberAction(StrEnum):
    ADD = "add"
    REMOVE = "remove"
    PROMOTE = "promote"
    DEMOTE = "demote"


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """With this a person who may not be added can come by themselves."""

    code: str
    expires_at: float  #: the engine rounds it to about a minute


class MemberOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one person; WhatsApp's code is 200 where it worked."""

    who: Address
    code: int
    invitation: Invitation | None = None


class JoinRequest(msgspec.Struct, frozen=True, kw_only=True):
    who: Address
    asked_at: float
