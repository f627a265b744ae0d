"""Groups and communities: who is in them, what they are called and what their members may do."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from sessions.address import GROUP_SERVER, Jid
from sessions.sandbox.state.store import Store

_CODE_BYTES = 16


class Role(StrEnum):
    """What a member may do; the value is how the wire says it."""

    MEMBER = ""
    ADMIN = "admin"
    CREATOR = "superadmin"


class AddMode(StrEnum):
    """Who may add members."""

    ADMINS = "admin_add"
    EVERYBODY = "all_member_add"


class Invitation(msgspec.Struct):
    """What lets one person in who does not want to be added to groups by others."""

    code: str
    admin: str  #: number of who invites
    expires_at: int


class Group(msgspec.Struct, omit_defaults=True):
    """One group, as the store keeps it. People are numbers."""

    id: str  #: the user part of its address
    subject: str
    creator: str
    created_at: int
    subject_by: str
    subject_at: int
    description: str = ""
    description_id: str = ""
    description_by: str = ""
    description_at: int = 0
    announce: bool = False  #: only admins may write
    locked: bool = False  #: only admins may change subject, description and picture
    add_mode: AddMode = AddMode.EVERYBODY
    approval: bool = False  #: who comes by the link must be let in by an admin
    ephemeral: int = 0  #: seconds after which messages disappear
    picture_id: str = ""
    picture: str = ""  #: name of the picture on the media host
    code: str = ""  #: of the invite link
    version: int = 1  #: of the list of members
    members: dict[str, Role] = {}
    requests: dict[str, int] = {}  #: who asks to be let in, and since when
    invitations: dict[str, Invitation] = {}
    is_community: bool = False
    community: str = ""  #: the id of the community that it belongs to
    is_announcements: bool = False  #: the group of its community where all members are told things

    @property
    def jid(self) -> Jid:
        """Its address."""
        return Jid(self.id, GROUP_SERVER)

    def is_admin(self, number: str) -> bool:
        """Whether this member is an admin."""
        return self.members.get(number, Role.MEMBER) is not Role.MEMBER

    def renew_code(self) -> None:
        """Make an invite link, in place of the one there was."""
        self.code = secrets.token_urlsafe(_CODE_BYTES)


class Groups:
    """All groups. Every change is written to the store at once; the caller commits."""

    def __init__(self, *, store: Store) -> None:
        self._records = store.space("groups")
        self._revoked = store.space("revoked group links")
        found = [msgspec.msgpack.decode(body, type=Group) for _, body in self._records.items()]
        self._by_id = {group.id: group for group in found}

    def __iter__(self) -> Iterator[Group]:
        return iter(list(self._by_id.values()))

    def create(self, subject: str, creator: str) -> Group:
        """A new group with nobody but its creator in it."""
        now = int(time.time())
        group = Group(self._new_id(), subject, creator, now, creator, now, members={creator: Role.CREATOR})
        group.renew_code()
        self._by_id[group.id] = group
        self.save(group)
        return group

    def find(self, jid: Jid | None) -> Group | None:
        """The group at this address."""
        return self._by_id.get(jid.user) if jid is not None and jid.server == GROUP_SERVER else None

    def of(self, number: str) -> list[Group]:
        """The groups that somebody is in."""
        return [group for group in self if number in group.members]

    def children(self, community: Group) -> list[Group]:
        """The groups of a community."""
        return [group for group in self if group.community == community.id]

    def by_code(self, code: str) -> Group | None:
        """The group that an invite link leads to now."""
        return next((group for group in self if code and group.code == code), None)

    def is_revoked(self, code: str) -> bool:
        """Whether an invite link was replaced by another."""
        return self._revoked.get(code) is not None

    def revoke_code(self, group: Group) -> None:
        """Replace the invite link of a group."""
        self._revoked.put(group.code, group.id.encode())
        group.renew_code()
        self.save(group)

    def save(self, group: Group) -> None:
        """Write a changed group."""
        self._records.put(group.id, msgspec.msgpack.encode(group))

    def delete(self, group: Group) -> None:
        """Forget a group."""
        del self._by_id[group.id]
        self._records.delete(group.id)

    def _new_id(self) -> str:
        while True:
            number = f"120363{secrets.randbelow(10**12):012d}"
            if number not in self._by_id:
                return number
