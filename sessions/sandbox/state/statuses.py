"""Where statuses are posted: an address that all share, behind which stands the list of everybody on this WhatsApp."""

from __future__ import annotations

from sessions.address import BROADCAST_SERVER, GROUP_SERVER, STATUS_USER, Jid
from sessions.sandbox.state.directory import Directory
from sessions.sandbox.state.groups import Group, Role

STATUS = Jid(STATUS_USER, BROADCAST_SERVER)


class StatusList(Group, omit_defaults=True):
    """Encrypted as a group is, and written to like one; it has no owner, no settings and is kept nowhere."""

    @property
    def jid(self) -> Jid:
        return STATUS


def status_list(directory: Directory) -> StatusList:
    """Everybody who could be shown a status just now."""
    everybody = {account.number: Role.MEMBER for account in directory}
    return StatusList(STATUS_USER, "", "", 0, "", 0, members=everybody)


def is_shared(jid: Jid | None) -> bool:
    """Whether several people read what goes to this address: a group, or statuses."""
    return jid is not None and (jid.server == GROUP_SERVER or jid == STATUS)
