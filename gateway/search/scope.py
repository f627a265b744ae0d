"""Where a search looks. Each place is a mark that is indexed beside the words, so a narrow search reads little."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which messages are looked at; None asks for no limit. The organization is always named."""

    org_id: int
    session_ids: Collection[int] | None = None
    chat_id: int | None = None
    contact_id: int | None = None
    direction: str | None = None
    type: str | None = None
    first_id: int | None = None  #: messages from this one on
    before_id: int | None = None  #: messages before this one

    def marks(self) -> Iterator[tuple[str, ...]]:
        """Of each group a message must bear one."""
        yield (f"o{self.org_id}",)
        if self.session_ids is not None:
            yield tuple(f"s{session_id}" for session_id in sorted(self.session_ids))
        given = {"c": self.chat_id, "p": self.contact_id, "d": self.direction, "t": self.type}
        yield from ((f"{letter}{value}",) for letter, value in given.items() if value is not None)


def marks_of(
    *, org_id: int, session_id: int, chat_id: int, contact_id: int | None, direction: str, type: str
) -> list[str]:
    """The marks that one message bears."""
    marks = [f"o{org_id}", f"s{session_id}", f"c{chat_id}", f"d{direction}", f"t{type}"]
    return marks if contact_id is None else [*marks, f"p{contact_id}"]
