"""Forgets answers remembered under an Idempotency-Key when their 24 hours are over."""

from __future__ import annotations

from gateway.api.idempotency import SWEEP_AT_ONCE, Idempotency


class OldAnswers:
    """Takes bites until nothing is left, so that nobody waits long for the writer."""

    name = "answers"

    def __init__(self, *, idempotency: Idempotency) -> None:
        self._idempotency = idempotency

    async def run_once(self) -> int:
        gone = 0
        while True:
            bite = await self._idempotency.sweep()
            gone += bite
            if bite < SWEEP_AT_ONCE:
                return gone
