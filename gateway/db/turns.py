"""Whose work the writer takes next: the gateway's own goes first, and what callers ask for is never left standing."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

J = TypeVar("J")

#: After so many pieces of its own the gateway lets a caller's through, so that a flood of news locks nobody out.
OWN_IN_A_ROW = 8


class Turns(Generic[J]):
    """Two queues. Not safe for threads by itself."""

    def __init__(self) -> None:
        self._own: deque[J] = deque()
        self._callers: deque[J] = deque()
        self._own_in_a_row = 0

    def __len__(self) -> int:
        return len(self._own) + len(self._callers)

    def waiting(self, *, is_callers: bool) -> int:
        """How much waits in one of the queues."""
        return len(self._callers if is_callers else self._own)

    def put(self, job: J, *, is_callers: bool) -> None:
        """Queue it behind its like."""
        (self._callers if is_callers else self._own).append(job)

    def take(self) -> J | None:
        """The next one; None when nothing waits."""
        if self._callers and (not self._own or self._own_in_a_row >= OWN_IN_A_ROW):
            self._own_in_a_row = 0
            return self._callers.popleft()
        if not self._own:
            return None
        self._own_in_a_row += 1
        return self._own.popleft()
