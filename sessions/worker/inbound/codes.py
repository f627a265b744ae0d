"""The engine's event codes: which we ask for, which are only true for the moment, and who reads them."""

from __future__ import annotations

from collections.abc import Callable

from sessions.events import Event, Unparsed
from sessions.worker.inbound import account, calls, channels, groups, history, lifecycle, messages, presence, receipts
from sessions.worker.inbound.context import Reading

DEVICE = 0
PAIR_STATUS = 2
CONNECTED = 3
KEEPALIVE_TIMEOUT = 4
CONNECT_FAILURE = 9
LOGGED_OUT = 6
REPLACED = 7
TEMPORARY_BAN = 8
OUTDATED = 10
DISCONNECTED = 12
HISTORY = 13
TYPING = 19
PRESENCE = 20

Reader = Callable[[bytes, Reading], list[Event]]

_READERS: dict[int, Reader] = {
    DEVICE: lifecycle.read_device,
    PAIR_STATUS: lifecycle.read_pair_status,
    CONNECTED: lifecycle.read_connected,
    KEEPALIVE_TIMEOUT: lifecycle.read_keepalive_timeout,
    5: lifecycle.read_keepalive_restored,
    LOGGED_OUT: lifecycle.read_logged_out,
    REPLACED: lifecycle.read_replaced,
    TEMPORARY_BAN: lifecycle.read_temporary_ban,
    CONNECT_FAILURE: lifecycle.read_connect_failure,
    OUTDATED: lifecycle.read_outdated,
    11: lifecycle.read_stream_error,
    DISCONNECTED: lifecycle.read_disconnected,
    HISTORY: history.read_history,
    17: messages.read_message,
    18: receipts.read_receipt,
    TYPING: presence.read_typing,
    PRESENCE: presence.read_presence,
    21: groups.read_joined_group,
    22: groups.read_group_change,
    23: presence.read_picture,
    25: account.read_privacy_change,
    27: lifecycle.read_offline_sync,
    30: account.read_blocklist_change,
    32: channels.read_joined,
    33: channels.read_left,
    34: channels.read_muted,
    35: channels.read_update,
    36: calls.read_offer,
    37: calls.read_accept,
    40: calls.read_offer_notice,
    42: calls.read_terminate,
    44: messages.read_undecryptable,
}

#: Not worth a place on disk: who types or is online is stale before anybody could read it again.
FLEETING = frozenset({TYPING, PRESENCE})

#: News of channels, which a session that ignores them does not ask for.
_OF_CHANNELS = frozenset({32, 33, 34, 35})

#: After these the session is not connected.
ENDS_CONNECTION = frozenset({LOGGED_OUT, REPLACED, TEMPORARY_BAN, OUTDATED, DISCONNECTED})

#: These prove that frames arrive; the others are the engine's own.
FROM_WHATSAPP = frozenset(_READERS) - {DEVICE, KEEPALIVE_TIMEOUT, CONNECT_FAILURE, DISCONNECTED}

#: True only while the worker that saw it lives: read again after a restart they would tell of a past connection.
OF_THIS_LIFE = frozenset(
    {
        CONNECTED,
        KEEPALIVE_TIMEOUT,
        5,
        LOGGED_OUT,
        REPLACED,
        TEMPORARY_BAN,
        CONNECT_FAILURE,
        OUTDATED,
        11,
        DISCONNECTED,
        27,
    }
)


def subscribed(*, typing: bool, channels: bool) -> bytes:
    """The event codes that a session asks the engine for."""
    unwanted = {DEVICE} | (frozenset() if typing else FLEETING) | (frozenset() if channels else _OF_CHANNELS)
    return bytes(code for code in _READERS if code not in unwanted)


def read_event(code: int, data: bytes, reading: Reading) -> list[Event]:
    """What one engine event says. Never fails: what cannot be read is reported as :class:`Unparsed`."""
    try:
        return _READERS[code](data, reading)
    except Exception as error:  # noqa: BLE001 - any surprise in foreign data; the caller keeps the raw bytes
        return [Unparsed(event_code=code, error=type(error).__name__)]
