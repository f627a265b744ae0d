"""Reads changes of the linked account: who sees what of it, and whom it has blocked."""

from __future__ import annotations

from typing import Any

from sessions.commands.account import PrivacyName, PrivacyValue
from sessions.events import BlocklistChanged, Event, PrivacyChanged
from sessions.protobuf import load
from sessions.worker.inbound.context import Reading
from sessions.worker.jids import address

_neonize: Any = load("Neonize_pb2")

#: Our names of settings, and the field in which the engine gives each.
_FIELDS: dict[PrivacyName, str] = {
    "last_seen": "LastSeen",
    "online": "Online",
    "about": "Status",
    "picture": "Profile",
    "read_receipts": "ReadReceipts",
    "groups": "GroupAdd",
    "calls": "CallAdd",
}
_VALUES: dict[str, PrivacyValue] = {
    "ALL": "all",
    "CONTACTS": "contacts",
    "CONTACT_BLACKLIST": "contacts_except",
    "MATCH_LAST_SEEN": "match_last_seen",
    "KNOWN": "known",
    "NONE": "none",
}


def read_privacy_change(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.privacySettingsEvent.FromString(data)
    # The engine says which settings are meant, and never fills in what they are.
    return [PrivacyChanged(changed=tuple(name for name, field in _FIELDS.items() if getattr(event, f"{field}Changed")))]


def read_blocklist_change(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.BlocklistEvent.FromString(data)
    block = _neonize.BlocklistChange.BLOCK
    changes = [(address(change.JID), change.BlockAction == block) for change in event.Changes]
    return [
        BlocklistChanged(
            blocked=tuple(who for who, is_blocked in changes if is_blocked),
            unblocked=tuple(who for who, is_blocked in changes if not is_blocked),
        )
    ]


def read_privacy(settings: Any) -> dict[PrivacyName, PrivacyValue]:
    """The settings that WhatsApp has told; a value that the engine does not know is not among them."""
    found: dict[PrivacyName, PrivacyValue] = {}
    for name, field in _FIELDS.items():
        number = getattr(settings, field) if settings.HasField(field) else 0
        value = _VALUES.get(_neonize.PrivacySettings.PrivacySetting.Name(number)) if number else None
        if value is not None:
            found[name] = value
    return found
