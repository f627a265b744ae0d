"""WhatsApp addresses: the only file that knows '@s.whatsapp.net' and '@lid'.

A person has up to two addresses, a phone-number address (PN) and a hidden-user address (LID); which of them WhatsApp
uses changes from message to message, so both travel together as one :class:`Address`.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

PN_SERVER = "s.whatsapp.net"
LID_SERVER = "lid"
GROUP_SERVER = "g.us"
NEWSLETTER_SERVER = "newsletter"
BROADCAST_SERVER = "broadcast"
STATUS_USER = "status"

_SERVERS = frozenset({PN_SERVER, LID_SERVER, GROUP_SERVER, NEWSLETTER_SERVER, BROADCAST_SERVER})


#: Numbers have 15 digits at most (E.164), LIDs about as many; longer ones, of either kind and of devices, are written
#: by nobody but people who look for a weak spot.
_DIGITS = re.compile(r"[0-9]{1,20}")
_DEVICE = re.compile(r"[0-9]{1,9}")


class AddressKind(StrEnum):
    """What an address leads to."""

    PERSON = "person"
    GROUP = "group"
    NEWSLETTER = "newsletter"
    STATUS = "status"
    BROADCAST = "broadcast"


class InvalidJidError(ValueError):
    """The text is not a WhatsApp address."""


def names_somebody(user: str, server: str) -> bool:
    """Whether there can be such a user: people have numbers."""
    return server not in (PN_SERVER, LID_SERVER) or _DIGITS.fullmatch(user) is not None


class Jid(msgspec.Struct, frozen=True, order=True):
    """One WhatsApp address as it stands on the wire: ``user[:device]@server``."""

    user: str
    server: str = PN_SERVER
    device: int = 0

    @classmethod
    def parse(cls, text: str) -> Jid:
        """Read ``15550001@s.whatsapp.net``, ``77:2@lid`` or ``120363@g.us``; raise InvalidJidError otherwise."""
        user, separator, server = text.partition("@")
        name, _, device = user.partition(":")
        is_whole = separator and server in _SERVERS and name and (not device or _DEVICE.fullmatch(device))
        if not is_whole or not names_somebody(name, server):
            raise InvalidJidError("not a WhatsApp address")
        return cls(name, server, int(device or 0))

    @classmethod
    def from_phone(cls, phone: str) -> Jid:
        """The phone-number address of an E.164 number, with or without its plus sign."""
        digits = phone.removeprefix("+")
        if not _DIGITS.fullmatch(digits):
            raise InvalidJidError("not a phone number")
        return cls(digits, PN_SERVER)

    @property
    def without_device(self) -> Jid:
        """The account this device belongs to."""
        return Jid(self.user, self.server) if self.device else self

    @property
    def kind(self) -> AddressKind:
        """What this address leads to."""
        if self.server == GROUP_SERVER:
            return AddressKind.GROUP
        if self.server == NEWSLETTER_SERVER:
            return AddressKind.NEWSLETTER
        if self.server == BROADCAST_SERVER:
            return AddressKind.STATUS if self.user == STATUS_USER else AddressKind.BROADCAST
        return AddressKind.PERSON

    def __str__(self) -> str:
        device = f":{self.device}" if self.device else ""
        return f"{self.user}{device}@{self.server}"


class Address(msgspec.Struct, frozen=True):
    """One chat partner, group or channel, under every name WhatsApp has given for it so far.

    ``pn`` and ``lid`` are set for people, ``other`` for everything else; none of them carries a device.
    """

    pn: Jid | None = None
    lid: Jid | None = None
    other: Jid | None = None

    @classmethod
    def of(cls, *jids: Jid | None) -> Address:
        """Sort the given addresses of one partner into their places; later ones do not replace earlier ones."""
        pn = lid = other = None
        for jid in jids:
            if jid is None or not jid.user:
                continue
            plain = jid.without_device
            if plain.server == PN_SERVER:
                pn = pn or plain
            elif plain.server == LID_SERVER:
                lid = lid or plain
            else:
                other = other or plain
        return cls(pn=pn, lid=lid, other=other)

    @property
    def primary(self) -> Jid:
        """The address that names this partner best: itself for groups, the LID, else the phone number."""
        jid = self.other or self.lid or self.pn
        if jid is None:
            raise InvalidJidError("an empty address names nobody")
        return jid

    @property
    def phone(self) -> str | None:
        """The E.164 number, where it is known."""
        return f"+{self.pn.user}" if self.pn else None

    @property
    def is_person(self) -> bool:
        """Whether somebody is named: not a group or the like, and not nobody at all."""
        return self.other is None and (self.pn or self.lid) is not None

    @property
    def kind(self) -> AddressKind:
        """What this address leads to."""
        return self.primary.kind
