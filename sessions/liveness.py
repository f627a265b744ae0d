"""Whether a session's frames really flow: judged from what its worker tells, beside the status."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec

from sessions.protocol import Pulse
from sessions.status import Reason


class LivenessState(StrEnum):
    """How sure it is that what is sent arrives, and that what arrives is heard."""

    LIVE = "live"
    DEGRADED = "degraded"  #: connected, but proof is missing
    DEAF = "deaf"  #: the engine stopped delivering what arrives; a new worker is on its way
    DOWN = "down"  #: not connected


class Liveness(msgspec.Struct, frozen=True, kw_only=True):
    """A session's signs of life. Times are seconds since 1970."""

    state: LivenessState = LivenessState.DOWN
    since: float = 0.0
    reason: Reason | None = None
    last_frame_at: float | None = None  #: WhatsApp sent something by itself
    last_proof_at: float | None = None  #: that, or WhatsApp answered a question
    keepalive_failures: int = 0
    probe_ms: float | None = None  #: how long WhatsApp took to answer the last probe
    recycles: int = 0  #: workers that were replaced because of missing proof or connection


class Watch(Protocol):
    """Who counts what happens to the sessions' connections."""

    def probed(self, seconds: float) -> None:
        """WhatsApp has answered a probe after so long."""

    def recycled(self, reason: Reason) -> None:
        """A worker is replaced for this reason."""


class NobodyWatches:
    """A watch that counts nothing."""

    def probed(self, seconds: float) -> None:
        """Nobody asked."""

    def recycled(self, reason: Reason) -> None:
        """Nobody asked."""


def trouble_of(pulse: Pulse, *, keepalive_failures: int) -> Reason | None:
    """What speaks against a connected session being alive; None when nothing does."""
    if pulse.held_seconds > 0:
        return Reason.JOURNAL_STUCK
    if pulse.overdue_seconds > 0:
        return Reason.PROBE_UNANSWERED
    return Reason.KEEPALIVE_LOST if keepalive_failures > 0 else None
