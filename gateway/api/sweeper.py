"""Forgets remembered answers when their 24 hours are over."""

from __future__ import annotations

from typing import Final

from gateway.api.idempotency import SWEEP_AT_ONCE, Idempotency
from gateway.kit.service import Wakeable

_EVERY_SECONDS: Final = 600.0


class AnswerSweeper(Wakeable):
    """Looks every ten minutes; takes many small bites, so that nothing waits long for the writer."""

    def __init__(self, *, idempotency: Idempotency) -> None:
        super().__init__(interval_seconds=_EVERY_SECONDS)
        self._idempotency = idempotency

    async def run_once(self) -> float | None:
        gone = await self._idempotency.sweep()
        return 1.0 if gone == SWEEP_AT_ONCE else None
