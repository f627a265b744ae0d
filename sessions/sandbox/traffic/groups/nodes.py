"""Groups as stanzas say them."""

from __future__ import annotations

from sessions.address import GROUP_SERVER, Jid
from sessions.sandbox.state.directory import Account, Directory
from sessions.sandbox.state.groups import Group
from sessions.sandbox.wire.node import Attrs, Node


class GroupNodes:
    """Writes groups and people down; everybody is named by LID, with the number beside it."""

    def __init__(self, *, directory: Directory) -> None:
        self._directory = directory

    def group(self, group: Group, *, members: bool = True) -> Node:
        """Everything about a group."""
        attrs: Attrs = {
            "id": group.id,
            "subject": group.subject,
            "s_t": group.subject_at,
            "creation": group.created_at,
            "p_v_id": group.version,
            "size": len(group.members),
            "addressing_mode": "lid",
            **self._by("creator", group.creator),
            **self._by("s_o", group.subject_by),
        }
        people = [self.person(number, role.value) for number, role in group.members.items()] if members else []
        return Node("group", attrs, [*people, *self._description(group), *_settings(group)])

    def summary(self, group: Group) -> Node:
        """What a community's list says of a group."""
        attrs: Attrs = {"id": group.id, "jid": group.jid, "subject": group.subject, "s_t": group.subject_at}
        marks = [Node("default_sub_group")] if group.is_announcements else []
        return Node("group", {**attrs, "size": len(group.members)}, marks)

    def person(self, number: str, role: str = "") -> Node:
        """A member."""
        account = self._directory.get(number)
        assert account is not None, "members have accounts"
        return Node("participant", {"jid": account.lid, "phone_number": account.pn, "type": role})

    def actor(self, account: Account) -> Attrs:
        """Who did something, as attributes of a stanza that comes from the group."""
        return {"participant": account.lid, "participant_pn": account.pn}

    def _by(self, name: str, number: str) -> Attrs:
        account = self._directory.get(number)
        return {name: account.lid, f"{name}_pn": account.pn} if account else {}

    def _description(self, group: Group) -> list[Node]:
        if not group.description:
            return []
        attrs: Attrs = {"id": group.description_id, "t": group.description_at}
        attrs |= self._by("participant", group.description_by)
        return [Node("description", attrs, [Node("body", {}, group.description.encode())])]


def _settings(group: Group) -> list[Node]:
    found = [Node("member_add_mode", {}, group.add_mode.value.encode())]
    if group.announce:
        found.append(Node("announcement"))
    if group.locked:
        found.append(Node("locked"))
    if group.ephemeral:
        found.append(Node("ephemeral", {"expiration": group.ephemeral}))
    if group.approval:
        found.append(Node("membership_approval_mode", {}, [Node("group_join", {"state": "on"})]))
    if group.is_community:
        found.append(Node("parent", {"default_membership_approval_mode": "request_required"}))
    if group.is_announcements:
        found.append(Node("default_sub_group"))
    if group.community:
        found.append(Node("linked_parent", {"jid": Jid(group.community, GROUP_SERVER)}))
    return found
