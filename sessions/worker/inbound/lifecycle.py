"""Reads what concerns the session itself: linked, logged in, cut off, ended."""

from __future__ import annotations

import time
from typing import Any

from sessions.events import (
    Connected,
    Disconnected,
    Ended,
    Event,
    Identified,
    KeepAlive,
    OfflineSyncCompleted,
    Paired,
    PairingEnded,
)
from sessions.protobuf import load
from sessions.status import Reason
from sessions.worker.inbound.context import Reading
from sessions.worker.jids import address, text

_neonize: Any = load("Neonize_pb2")

#: Why WhatsApp refuses a login for good: the engine's number, WhatsApp's own, and what it means.
_REFUSALS = {
    2: (401, Reason.UNLINKED_FROM_PHONE),
    3: (402, Reason.TEMPORARY_BAN),
    4: (403, Reason.ACCOUNT_LOCKED),
    5: (406, Reason.ACCOUNT_BANNED),
    6: (405, Reason.ENGINE_OUTDATED),
    7: (409, Reason.ENGINE_OUTDATED),
}
#: A login failure with one of these comes with an event of its own that says more, or passes by itself.
_SAID_ELSEWHERE = frozenset({2, 3, 4, 5, 6})
_BAN_CODES = {1: 101, 2: 102, 3: 103, 4: 104, 5: 106}


def read_device(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.Device.FromString(data)
    reading.me = address(event.JID, event.LID)
    return [Identified(me=reading.me, device=event.JID.Device, push_name=text(event.PushName))]


def read_pair_status(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.PairStatus.FromString(data)
    if event.Status != _neonize.PairStatus.SUCCESS:
        return [PairingEnded(reason=Reason.PAIRING_REFUSED)]
    me = address(event.ID)
    # The event names the phone number only; the device event before it has told the other name.
    if reading.me.pn == me.pn:
        me = reading.me
    return [
        Paired(me=me, device=event.ID.Device, platform=text(event.Platform), business_name=text(event.BusinessName))
    ]


def read_connected(data: bytes, reading: Reading) -> list[Event]:
    return [Connected()]


def read_disconnected(data: bytes, reading: Reading) -> list[Event]:
    return [Disconnected()]


def read_keepalive_timeout(data: bytes, reading: Reading) -> list[Event]:
    return [KeepAlive(failures=max(1, _neonize.KeepAliveTimeout.FromString(data).ErrorCount))]


def read_keepalive_restored(data: bytes, reading: Reading) -> list[Event]:
    return [KeepAlive(failures=0)]


def read_offline_sync(data: bytes, reading: Reading) -> list[Event]:
    return [OfflineSyncCompleted(count=_neonize.OfflineSyncCompleted.FromString(data).Count)]


def read_logged_out(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.LoggedOut.FromString(data)
    code, reason = _REFUSALS.get(event.Reason, (None, Reason.UNLINKED_FROM_PHONE))
    return [Ended(reason=reason, code=code)]


def read_replaced(data: bytes, reading: Reading) -> list[Event]:
    return [Ended(reason=Reason.CONNECTED_ELSEWHERE)]


def read_temporary_ban(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.TemporaryBan.FromString(data)
    until = time.time() + event.Expire if event.Expire > 0 else None
    return [Ended(reason=Reason.TEMPORARY_BAN, until=until, code=_BAN_CODES.get(event.Code))]


def read_connect_failure(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.ConnectFailure.FromString(data)
    if event.Reason in _REFUSALS and event.Reason not in _SAID_ELSEWHERE:
        code, reason = _REFUSALS[event.Reason]
        return [Ended(reason=reason, code=code)]
    return [Disconnected(reason=Reason.CONNECTION_REFUSED)]


def read_outdated(data: bytes, reading: Reading) -> list[Event]:
    return [Ended(reason=Reason.ENGINE_OUTDATED, code=405)]


def read_stream_error(data: bytes, reading: Reading) -> list[Event]:
    return [Disconnected(reason=Reason.CONNECTION_LOST)]
