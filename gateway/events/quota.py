"""How many streams and sockets one caller may hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gateway.kit.errors import TooManyError
from gateway.principal import Principal

STREAMS_PER_CALLER: Final = 10
#: Workers that wait for the same consumer cost less, and there may be many of them.
PULLS_PER_CALLER: Final = 50


class StreamQuota:
    """Counts what is open, by caller and by kind."""

    def __init__(self) -> None:
        self._open: Counter[object] = Counter()
        self._kinds: Counter[str] = Counter()

    def by_kind(self) -> dict[str, float]:
        """How many are open, of which kind."""
        return dict(self._kinds)

    @contextmanager
    def counted(self, caller: Principal, *, kind: str) -> Iterator[None]:
        """Hold one more; raises TooManyError when there are enough."""
        most = PULLS_PER_CALLER if kind == "pull" else STREAMS_PER_CALLER
        who = (caller.kind, caller.org_id, caller.subject_id, kind == "pull")
        if self._open[who] >= most:
            raise TooManyError(f"One key or user may hold {most} of these at once.", code="too_many_streams")
        self._open[who] += 1
        self._kinds[kind] += 1
        try:
            yield
        finally:
            self._kinds[kind] -= 1
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]
