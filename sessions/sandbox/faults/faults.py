"""Faults on demand: what is wrong right now, for whom, and how often it still strikes."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from sessions.sandbox.faults.kinds import (
    AnyFault,
    Ban,
    CraftedStanza,
    Drop,
    Fault,
    Freeze,
    LateAck,
    LoggedOut,
    LoginFailure,
    Mute,
    NoAck,
    Outage,
    Outdated,
    Passkey,
    Refuse,
    Replaced,
    Slow,
)
from sessions.sandbox.state.directory import Account, Device
from sessions.sandbox.state.endpoint import AckVerdict, DeviceChange, Endpoint
from sessions.sandbox.wire.node import Node

_REASON_BANNED = 402
_REASON_OUTDATED = 405
_REASON_UNAVAILABLE = 503


class Line(Protocol):
    """The connections of linked devices, which faults cut and speak to."""

    def companions(self, number: str | None) -> Iterable[Endpoint]:
        """The linked devices that are online, of one number or of all."""

    async def cut(self, number: str | None) -> None:
        """Cut connections without a word; without a number all of them."""

    async def unlink(self, number: str | None) -> None:
        """Remove every linked device, of one number or of all."""


@dataclass
class ActiveFault:
    """A fault that is still in force."""

    id: int
    fault: AnyFault
    until: float | None
    left: int | None

    def strikes(self, number: str) -> bool:
        """Whether it is meant for this number."""
        return self.fault.number in (None, number)


class FaultBook:
    """All faults in force. The service asks it at every turn; the control API writes into it."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ids = itertools.count(1)
        self._faults: list[ActiveFault] = []
        self._line: Line | None = None

    def attach(self, line: Line) -> None:
        """Name the connections to act on; the service and its faults know each other."""
        self._line = line

    def active(self) -> list[ActiveFault]:
        """The faults in force, oldest first."""
        now = self._clock()
        self._faults = [one for one in self._faults if (one.until is None or one.until > now) and one.left != 0]
        return list(self._faults)

    async def inject(self, fault: AnyFault) -> ActiveFault:
        """Put a fault in force and do at once what it does at once."""
        entry = ActiveFault(next(self._ids), fault, self._end_of(fault), _times_of(fault))
        if entry.left != 0:
            self._faults.append(entry)
        await self._act(fault)
        return entry

    def clear(self, fault_id: int | None = None) -> int:
        """End one fault, or all; return how many were in force."""
        before = self.active()
        self._faults = [one for one in before if fault_id is not None and one.id != fault_id]
        return len(before) - len(self._faults)

    # What the service asks (sessions.sandbox.state.endpoint.Faults)

    def refuses_connections(self) -> bool:
        """Whether a new connection is answered with 503."""
        return any(one.fault.number is None and self._use(one) for one in self._of(Outage))

    def ignores_connections(self) -> bool:
        """Whether a new connection is accepted and never answered."""
        return any(one.fault.number is None for one in self._of(Freeze))

    def lag(self, device: Device) -> float:
        """How late what is sent to this device arrives, in seconds."""
        if device.is_phone:
            return 0.0
        if self._of(Freeze, number=device.account.number):
            return math.inf
        slow = self._of(Slow, number=device.account.number)
        return max((one.fault.delay for one in slow if isinstance(one.fault, Slow)), default=0.0)

    def login_failure(self, device: Device) -> Node | None:
        """The `<failure>` that a login gets instead of success."""
        for one in self._of(Ban, Outdated, LoginFailure, Outage, number=device.account.number):
            if self._use(one):
                return self._failure(one)
        return None

    def ack(self, device: Device, message: Node) -> AckVerdict:
        """How a message that this device sends is answered."""
        if device.is_phone or message.text("category") == "peer":
            return AckVerdict()
        for one in self._of(NoAck, LateAck, Refuse, number=device.account.number):
            if self._use(one):
                return _verdict(one.fault)
        return AckVerdict()

    def is_deaf(self, device: Device) -> bool:
        """Whether stanzas of this device are taken and never looked at."""
        if device.is_phone:
            return False
        return any(self._use(one) for one in self._of(Mute, Freeze, number=device.account.number))

    def demands_passkey(self, account: Account) -> bool:
        """Whether a client that is to be linked to this account is asked for a passkey instead."""
        return any(self._use(one) for one in self._of(Passkey, number=account.number))

    def watch(self, change: DeviceChange, device: Device) -> Endpoint | None:
        """The endpoint to cut because a lasting `drop` strikes the device that has just come up."""
        if change is not DeviceChange.ACTIVE or device.is_phone or self._line is None:
            return None
        for one in self._of(Drop, number=device.account.number):
            for endpoint in self._line.companions(device.account.number):
                if endpoint.device is device and self._use(one):
                    return endpoint
        return None

    def _of(self, *kinds: type[Fault], number: str | None = None) -> list[ActiveFault]:
        return [
            one for one in self.active() if isinstance(one.fault, kinds) and (number is None or one.strikes(number))
        ]

    def _use(self, one: ActiveFault) -> bool:
        if one.left is not None:
            if one.left == 0:
                return False
            one.left -= 1
        return True

    def _end_of(self, fault: AnyFault) -> float | None:
        if isinstance(fault, LateAck):
            return None
        seconds = fault.seconds
        if isinstance(fault, Ban):
            seconds = min(seconds or fault.expire, fault.expire)
        return None if seconds is None else self._clock() + seconds

    def _failure(self, one: ActiveFault) -> Node:
        fault = one.fault
        if isinstance(fault, Ban):
            left = max(1, round(one.until - self._clock())) if one.until else fault.expire
            return _failure_node(_REASON_BANNED, code=str(fault.code), expire=str(left))
        if isinstance(fault, Outdated):
            return _failure_node(_REASON_OUTDATED)
        return _failure_node(fault.reason if isinstance(fault, LoginFailure) else _REASON_UNAVAILABLE)

    async def _act(self, fault: AnyFault) -> None:
        if self._line is None:
            return
        if isinstance(fault, LoggedOut):
            await self._line.unlink(fault.number)
        elif isinstance(fault, Drop | Outage | Ban | Outdated | LoginFailure):
            await self._line.cut(fault.number)
        for endpoint in list(self._line.companions(fault.number)):
            if isinstance(fault, CraftedStanza):
                await endpoint.push(fault.stanza.node())
            elif isinstance(fault, Replaced):
                await endpoint.end(Node("stream:error", {}, [Node("conflict", {"type": "replaced"})]))


def _times_of(fault: AnyFault) -> int | None:
    """How often a fault strikes after its first action; 0 where that is all it does."""
    if isinstance(fault, LoggedOut | Replaced | CraftedStanza):
        return 0
    if isinstance(fault, Drop):
        if fault.count is None:
            return None if fault.seconds else 0
        return fault.count - 1
    return fault.count


def _verdict(fault: Fault) -> AckVerdict:
    if isinstance(fault, LateAck):
        return AckVerdict(delay=fault.seconds)
    if isinstance(fault, Refuse):
        return AckVerdict(error=fault.code)
    return AckVerdict(send=False)


def _failure_node(reason: int, **attrs: str) -> Node:
    return Node("failure", {"reason": str(reason), "location": "frc", **attrs})
