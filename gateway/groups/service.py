"""Keeps groups and their members as WhatsApp tells of them, and tells everybody what changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gateway.chats.service import Chats
from gateway.contacts.models import Contact
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.fleet.models import Session
from gateway.groups import store
from gateway.groups.errors import GroupNotFoundError
from gateway.groups.models import Group
from gateway.groups.render import render_group, render_person
from gateway.groups.roster import Roster
from gateway.groups.store import Person
from gateway.kit.clock import Clock
from gateway.kit.errors import FieldError, InvalidError, NotFoundError
from gateway.kit.ids import InvalidIdError, parse_id, render_id
from gateway.kit.times import from_epoch
from gateway.messages.render import render_doer
from gateway.principal import Principal
from sessions.address import GROUP_SERVER, Address, Jid
from sessions.groups import GroupInfo

SUBJECT_LIMIT = 200


class Groups:
    """The groups of every organization."""

    def __init__(self, *, clock: Clock, events: EventLog, contacts: Contacts, chats: Chats) -> None:
        self._clock = clock
        self._events = events
        self._contacts = contacts
        self._chats = chats
        self._roster = Roster(clock=clock, contacts=contacts)
        contacts.when_merged(_contact_merged)

    # Reading

    def get(self, tx: Tx, principal: Principal, reference: str) -> Group:
        """The group with this chat id or address, as far as the caller may know of it; raises GroupNotFoundError."""
        if reference.endswith(f"@{GROUP_SERVER}"):
            return self._at(tx, principal, reference)
        try:
            chat = self._chats.get(tx, principal, parse_id("cht", reference))
        except (InvalidIdError, NotFoundError) as error:
            raise GroupNotFoundError from error
        group = store.find(tx, org_id=principal.org_id, chat_id=chat.id)
        if group is None:
            raise GroupNotFoundError
        return group

    def page(
        self,
        tx: Tx,
        principal: Principal,
        *,
        limit: int,
        session_id: int | None = None,
        before_id: int | None = None,
        left: bool = False,
    ) -> Sequence[Group]:
        """Groups that the account is in, those that became known last first; with ``left`` also the others."""
        allowed: Collection[int] | None = principal.session_ids
        if session_id is not None:
            principal.demand_session(session_id)
            allowed = {session_id}
        return store.list_page(
            tx, org_id=principal.org_id, limit=limit, session_ids=allowed, before_id=before_id, left=left
        )

    def members(self, tx: Tx, group: Group) -> Sequence[Person]:
        """Who is in a group."""
        return store.list_members(tx, org_id=group.org_id, chat_id=group.chat_id)

    def find_at(self, tx: Tx, session: Session, address: Address) -> Group | None:
        """The group at an address, as a session knows it."""
        return store.find_at(tx, org_id=session.org_id, session_id=session.id, jid=str(address.primary))

    # Writing

    def hold(self, tx: Tx, group: Group) -> None:
        """Keep the group as it is now until the transaction ends: the answer to a request and WhatsApp's own news of it
        come at the same time, and only one of them may tell."""
        store.hold_chat(tx, org_id=group.org_id, chat_id=group.chat_id)
        tx.session.refresh(group)

    def take(self, tx: Tx, session: Session, info: GroupInfo, *, reason: str = "", quiet: bool = False) -> Group:
        """Everything about a group that the account is in: what differs from what we knew is told."""
        chat_id = self._chat_of(tx, session, info)
        group = store.find(tx, org_id=session.org_id, chat_id=chat_id)
        is_new = group is None or not group.is_member
        if group is None:
            group = self._create(tx, session, info, chat_id)
        else:
            tx.session.refresh(group)  # it may have been read before it was held
        changes = {} if is_new and not group.size else self._differences(group, info)
        self._write(tx, session, group, info)
        news = self._roster.replace(tx, group, info.members)
        if is_new:
            group.is_member, group.left_reason, group.updated_at = True, None, self._clock.now()
            tx.session.flush()
            if not quiet:
                self.announce(tx, group, "group.joined", reason=reason or None)
            return group
        if changes:
            self.announce(tx, group, "group.updated", changes=changes, actor=None)
        for action, people in news.items():
            self.tell_participants(tx, group, action, people)
        return group

    def update(self, tx: Tx, group: Group, changes: dict[str, object], *, actor: Contact | None = None) -> None:
        """Some of a group's settings changed; what was so before is no news."""
        self.hold(tx, group)
        new = {name: value for name, value in changes.items() if getattr(group, name) != value}
        if not new:
            return
        for name, value in new.items():
            setattr(group, name, value)
        group.updated_at = self._clock.now()
        if "subject" in new:
            self._open_chat(tx, group)
        tx.session.flush()
        self.announce(tx, group, "group.updated", changes=new, actor=actor)

    def change_people(
        self, tx: Tx, group: Group, action: str, people: Sequence[Address], *, actor: Contact | None = None
    ) -> None:
        """People came, went, rose or fell; what was so before is no news."""
        self.hold(tx, group)
        changed = self._roster.change(tx, group, action, people)
        if changed:
            group.updated_at = self._clock.now()
            self.tell_participants(tx, group, action, changed, actor=actor)

    def gone(self, tx: Tx, group: Group, reason: str, *, actor: Contact | None = None) -> None:
        """The account is not in a group any more: it ``left``, was ``removed``, or the group was ``deleted``."""
        self.hold(tx, group)
        if not group.is_member:
            return
        group.is_member, group.left_reason, group.size = False, reason, 0
        group.updated_at = self._clock.now()
        store.remove_members(tx, org_id=group.org_id, chat_id=group.chat_id)
        tx.session.flush()
        self.announce(tx, group, "group.left", reason=reason, actor=actor)

    def tell_participants(
        self, tx: Tx, group: Group, action: str, people: Sequence[Contact], *, actor: Contact | None = None
    ) -> None:
        """Tell who came, went, rose or fell."""
        told = [render_person(contact) for contact in people]
        self.announce(tx, group, "group.participants", action=action, participants=told, actor=actor)

    def announce(self, tx: Tx, group: Group, event_type: str, *, actor: Contact | None = None, **more: object) -> None:
        """Tell everybody about a group; its JSON is the event's data."""
        who = render_id("con", actor.id) if actor else None
        self._events.emit(
            tx,
            org_id=group.org_id,
            session_id=group.session_id,
            type=event_type,
            subject=("chat", group.chat_id),
            data=render_group(group) | {"actor": who, "who": render_doer(actor)} | more,
        )

    def _at(self, tx: Tx, principal: Principal, jid: str) -> Group:
        found = store.list_at(tx, org_id=principal.org_id, jid=jid, session_ids=principal.session_ids)
        if not found:
            raise GroupNotFoundError
        if len(found) > 1:
            problem = "Several sessions are in this group: name it by the id of its chat"
            raise InvalidError("This address is not enough.", fields=(FieldError(path="id", problem=problem),))
        return found[0]

    def _chat_of(self, tx: Tx, session: Session, info: GroupInfo) -> int:
        """The group's thread. It is held until the end, so that two who tell of one group do so one after the other."""
        chat = self._chats.open(
            tx,
            org_id=session.org_id,
            session_id=session.id,
            address=Address(other=info.group.primary),
            contact_id=None,
            title=_clean(info.subject),
        )
        store.hold_chat(tx, org_id=session.org_id, chat_id=chat.id)
        return chat.id

    def _create(self, tx: Tx, session: Session, info: GroupInfo, chat_id: int) -> Group:
        now = self._clock.now()
        group = Group(
            chat_id=chat_id,
            org_id=session.org_id,
            session_id=session.id,
            jid=str(info.group.primary),
            subject=_clean(info.subject)[:SUBJECT_LIMIT],
            description="",
            size=0,
            is_member=False,
            created_at=now,
            updated_at=now,
            **_flags(info),
        )
        tx.add(group)
        return group

    def _differences(self, group: Group, info: GroupInfo) -> dict[str, object]:
        known = _told(info)
        return {name: value for name, value in known.items() if getattr(group, name) != value}

    def _write(self, tx: Tx, session: Session, group: Group, info: GroupInfo) -> None:
        changed = self._differences(group, info)
        for name, value in changed.items():
            setattr(group, name, value)
        group.made_at = from_epoch(info.created_at) if info.created_at else group.made_at
        if info.owner is not None:
            owner = self._contacts.identify(tx, org_id=session.org_id, address=info.owner)
            group.owner_id = owner.id
        if changed:
            group.updated_at = self._clock.now()
        if "subject" in changed:
            self._open_chat(tx, group)
        tx.session.flush()

    def _open_chat(self, tx: Tx, group: Group) -> None:
        """The thread is called what the group is called."""
        self._chats.open(
            tx,
            org_id=group.org_id,
            session_id=group.session_id,
            address=Address(other=Jid.parse(group.jid)),
            contact_id=None,
            title=group.subject,
        )


def _flags(info: GroupInfo) -> dict[str, object]:
    return {
        "announce": info.announce,
        "locked": info.locked,
        "ephemeral_seconds": info.ephemeral_seconds,
        "is_community": info.is_community,
        "is_announcements": info.is_announcements,
        "community_jid": str(info.community.primary) if info.community else None,
    }


def _told(info: GroupInfo) -> dict[str, object]:
    texts = {"subject": _clean(info.subject)[:SUBJECT_LIMIT], "description": _clean(info.description)}
    return {**texts, **_flags(info)}


def _clean(text: str) -> str:
    """What people write may hold a null character, which PostgreSQL refuses."""
    return text.replace("\x00", "")


def _contact_merged(tx: Tx, org_id: int, from_id: int, into_id: int) -> None:
    store.move_member(tx, org_id=org_id, from_id=from_id, into_id=into_id)
