"""The one door before the engine: may this message go now?"""

from __future__ import annotations

from datetime import datetime

from gateway.db.tx import Tx
from gateway.pacing.closures import Closures
from gateway.pacing.verdict import EXPIRED, NOW, Candidate, Verdict


class Gate:
    """Says when a message may go to the engine. Nothing else in the gateway decides about that."""

    def __init__(self) -> None:
        self.closures = Closures()

    def may_send(self, tx: Tx, candidate: Candidate, *, at: datetime) -> Verdict:
        """The verdict on one queued message."""
        if candidate.expires_at is not None and candidate.expires_at <= at:
            return Verdict.skip(EXPIRED)
        return NOW

    def note_sent(self, tx: Tx, candidate: Candidate, *, at: datetime) -> None:
        """A message went to WhatsApp, or may have: it counts from now on."""
