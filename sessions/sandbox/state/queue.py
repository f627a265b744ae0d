"""What one device has not acknowledged yet."""

from __future__ import annotations

from collections.abc import Callable

from sessions.sandbox.wire.node import Node


class DeviceQueue:
    """Stanzas in order of arrival, found again by tag and id when they are acknowledged."""

    def __init__(self) -> None:
        self._stanzas: dict[int, Node] = {}
        self._by_id: dict[tuple[str, str], list[int]] = {}

    def __len__(self) -> int:
        return len(self._stanzas)

    def items(self) -> list[tuple[int, Node]]:
        """Every stanza with its sequence number, oldest first."""
        return list(self._stanzas.items())

    def add(self, sequence: int, stanza: Node) -> None:
        """Keep a stanza."""
        self._stanzas[sequence] = stanza
        self._by_id.setdefault(_key(stanza), []).append(sequence)

    def take(self, tag: str, number: str, matches: Callable[[Node], bool]) -> list[int]:
        """Drop the stanzas with this tag and id that match; the answer is their sequence numbers."""
        candidates = self._by_id.pop((tag, number), [])
        taken = [sequence for sequence in candidates if matches(self._stanzas[sequence])]
        kept = [sequence for sequence in candidates if sequence not in taken]
        if kept:
            self._by_id[tag, number] = kept
        for sequence in taken:
            del self._stanzas[sequence]
        return taken


def _key(stanza: Node) -> tuple[str, str]:
    return stanza.tag, stanza.text("id")
