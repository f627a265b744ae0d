"""Minds the linked account, and asks what people tell of themselves."""

from __future__ import annotations

from sessions.address import Address
from sessions.commands.account import (
    BlocklistFound,
    FetchBlocklist,
    FetchPeople,
    FetchPrivacy,
    LookUpNames,
    NamesFound,
    PeopleFound,
    PictureSet,
    PrivacyFound,
    SetAbout,
    SetBlocked,
    SetName,
    SetPicture,
    SetPrivacy,
)
from sessions.commands.calls import RejectCall
from sessions.worker.commands.area import Area, Desk
from sessions.worker.guard import account, people
from sessions.worker.outbound.parts import chat_jid


def fetch_people(desk: Desk, command: FetchPeople) -> PeopleFound:
    found = account.fetch_people(desk.handle, tuple(chat_jid(who) for who in command.who))
    return PeopleFound(
        people=tuple(account.full(one, people.other_name(desk.handle, one.address.primary)) for one in found)
    )


def look_up_names(desk: Desk, command: LookUpNames) -> NamesFound:
    known = [desk.resolve(who) for who in command.who]
    missing = tuple(who.pn for who in known if who.pn is not None and who.lid is None)
    if missing and command.ask:
        # The answer names both, and the engine remembers them.
        account.fetch_people(desk.handle, missing)
        known = [desk.resolve(who) for who in known]
    return NamesFound(people=tuple(known))


def set_name(desk: Desk, command: SetName) -> None:
    account.set_name(desk.handle, command.name)


def set_about(desk: Desk, command: SetAbout) -> None:
    account.set_about(desk.handle, command.about)


def set_picture(desk: Desk, command: SetPicture) -> PictureSet:
    return PictureSet(picture_id=account.set_picture(desk.handle, command.jpeg))


def fetch_privacy(desk: Desk, command: FetchPrivacy) -> PrivacyFound:
    return PrivacyFound(settings=account.fetch_privacy(desk.handle))


def set_privacy(desk: Desk, command: SetPrivacy) -> PrivacyFound:
    return PrivacyFound(settings=account.set_privacy(desk.handle, command.name, command.value))


def fetch_blocklist(desk: Desk, command: FetchBlocklist) -> BlocklistFound:
    found = account.fetch_blocklist(desk.handle)
    return BlocklistFound(people=tuple(desk.resolve(Address.of(jid)) for jid in found))


def set_blocked(desk: Desk, command: SetBlocked) -> BlocklistFound:
    found = account.set_blocked(desk.handle, chat_jid(command.who), blocked=command.blocked)
    return BlocklistFound(people=tuple(desk.resolve(Address.of(jid)) for jid in found))


def reject_call(desk: Desk, command: RejectCall) -> None:
    account.reject_call(desk.handle, command.caller.primary, command.call_id)


AREA = Area(
    does={
        FetchPeople: fetch_people,
        LookUpNames: look_up_names,
        SetName: set_name,
        SetAbout: set_about,
        SetPicture: set_picture,
        FetchPrivacy: fetch_privacy,
        SetPrivacy: set_privacy,
        FetchBlocklist: fetch_blocklist,
        SetBlocked: set_blocked,
        RejectCall: reject_call,
    },
    answered_by_whatsapp=frozenset(
        {FetchPeople, SetName, SetAbout, SetPicture, SetPrivacy, FetchBlocklist, SetBlocked}
    ),
)
