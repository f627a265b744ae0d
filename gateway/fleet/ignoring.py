"""Which chats a session does not listen to."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from sessions.address import Address, AddressKind

_WHOLE_KINDS = {
    AddressKind.GROUP: "groups",
    AddressKind.STATUS: "status",
    AddressKind.NEWSLETTER: "channels",
    AddressKind.BROADCAST: "broadcasts",
}


def is_ignored(settings: Mapping[str, object], chat: Address) -> bool:
    """Whether the session's settings say that it does not want to hear of this chat."""
    ignore = settings.get("ignore")
    if not isinstance(ignore, dict) or chat == Address():
        return False
    if ignore.get(_WHOLE_KINDS.get(chat.kind, "")):
        return True
    patterns = ignore.get("chats") or ()
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in _names(chat))


def _names(chat: Address) -> list[str]:
    """Everything that the chat may be called."""
    jids = [str(jid) for jid in (chat.other, chat.pn, chat.lid) if jid is not None]
    return [*jids, chat.phone] if chat.phone is not None else jids
