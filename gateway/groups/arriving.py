"""Takes over what sessions report of groups: joined, changed, left, asked to be let in."""

from __future__ import annotations

from gateway.contacts.models import Contact
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.groups.models import Group
from gateway.groups.render import render_person
from gateway.groups.service import Groups
from sessions.address import Address, AddressKind
from sessions.events import GroupChanged, GroupJoined, Report

_SETTINGS = ("subject", "description", "announce", "locked", "ephemeral_seconds")


class GroupReports:
    """Handles reports of groups. Each may come twice; the second time changes nothing."""

    def __init__(self, *, groups: Groups, contacts: Contacts) -> None:
        self._groups = groups
        self._contacts = contacts

    def joined(self, tx: Tx, session: Session, report: Report) -> None:
        """A :class:`sessions.events.GroupJoined`."""
        event = report.event
        assert isinstance(event, GroupJoined)
        self._groups.take(tx, session, event.group, reason=event.reason)

    def changed(self, tx: Tx, session: Session, report: Report) -> None:
        """A :class:`sessions.events.GroupChanged`. Of a group we do not know yet, the next look tells everything."""
        event = report.event
        assert isinstance(event, GroupChanged)
        group = self._groups.find_at(tx, session, event.group)
        if group is None:
            return
        self._groups.hold(tx, group)  # before anything else, so that two who tell of it wait in the same order
        actor = self._person(tx, session, event.actor)
        self._settings(tx, group, event, actor)
        self._people(tx, session, group, event, actor)
        if event.asked_to_join:
            people = [found for who in event.asked_to_join if (found := self._person(tx, session, who))]
            told = [render_person(contact) for contact in people]
            self._groups.announce(tx, group, "group.join_requested", participants=told)
        if event.deleted:
            self._groups.gone(tx, group, "deleted", actor=actor)

    def _settings(self, tx: Tx, group: Group, event: GroupChanged, actor: Contact | None) -> None:
        changes: dict[str, object] = {}
        for name in _SETTINGS:
            value = getattr(event, name)
            if value is not None:
                changes[name] = value.replace("\x00", "") if isinstance(value, str) else value
        if event.community is not None:
            changes["community_jid"] = str(event.community.primary)
        elif event.left_community is not None:
            changes["community_jid"] = None
        self._groups.update(tx, group, changes, actor=actor)
        if event.invite_link is not None:
            link = {"invite_link": event.invite_link}
            self._groups.announce(tx, group, "group.updated", changes=link, actor=actor)

    def _people(self, tx: Tx, session: Session, group: Group, event: GroupChanged, actor: Contact | None) -> None:
        if any(_is_me(session, who) for who in event.left):
            by_self = event.actor is None or _is_me(session, event.actor)
            self._groups.gone(tx, group, "left" if by_self else "removed", actor=actor)
            return
        told = (("add", event.joined), ("remove", event.left), ("promote", event.promoted), ("demote", event.demoted))
        for action, people in told:
            if people and group.is_member:
                self._groups.change_people(tx, group, action, people, actor=actor)

    def _person(self, tx: Tx, session: Session, who: Address | None) -> Contact | None:
        if who is None or who == Address() or who.kind is not AddressKind.PERSON:
            return None
        return self._contacts.identify(tx, org_id=session.org_id, address=who)


def _is_me(session: Session, who: Address) -> bool:
    names = {str(jid) for jid in (who.pn, who.lid) if jid is not None}
    return bool(names & {session.pn, session.lid})
