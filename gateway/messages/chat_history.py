"""Walks through what was said in a chat, into the past and back again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.api.paging import read_cursor, write_cursor
from gateway.db.tx import Tx
from gateway.kit.errors import FieldError, InvalidError
from gateway.kit.ids import InvalidIdError, first_id_at, parse_id
from gateway.messages import store
from gateway.messages.schemas import ChatMessageQuery
from gateway.messages.store import Entry


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Which messages of a chat are asked for, by their ids; both ends are left out."""

    limit: int
    above: int | None
    below: int | None
    is_upward: bool  #: those nearest to the lower end

    @classmethod
    def asked(cls, query: ChatMessageQuery) -> Stretch:
        """Read it from a query; raises InvalidError."""
        if query.after is not None and query.before is not None:
            problem = "Give `after` or `before`, not both."
            raise InvalidError(problem, fields=(FieldError(path="before", problem=problem),))
        lowest = None if query.after_time is None else first_id_at(query.after_time) - 1
        highest = None if query.before_time is None else first_id_at(query.before_time)
        below, above = _position(query.after, "after"), _position(query.before, "before")
        return cls(
            limit=query.limit,
            above=max((end for end in (above, lowest) if end is not None), default=None),
            below=min((end for end in (below, highest) if end is not None), default=None),
            is_upward=query.before is not None,
        )


@dataclass(frozen=True, kw_only=True)
class HistoryPage:
    """Newest first, with the cursors that lead on."""

    entries: Sequence[Entry]
    following: str | None
    previous: str | None


def read_stretch(tx: Tx, *, org_id: int, chat_id: int, asked: Stretch) -> HistoryPage:
    """A page of a chat's messages."""
    found = store.list_stretch(
        tx,
        org_id=org_id,
        chat_id=chat_id,
        limit=asked.limit + 1,
        above=asked.above,
        below=asked.below,
        is_upward=asked.is_upward,
    )
    is_more = len(found) > asked.limit
    if asked.is_upward:
        kept = found[-asked.limit :]
        following = write_cursor(kept[-1].message.id) if kept else None
    else:
        kept = found[: asked.limit]
        following = write_cursor(kept[-1].message.id) if is_more else None
    newest = kept[0].message.id if kept else asked.above
    return HistoryPage(entries=kept, following=following, previous=None if newest is None else write_cursor(newest))


def _position(text: str | None, field: str) -> int | None:
    if text is None or not text.startswith("msg_"):
        return None if text is None else read_cursor(text)
    try:
        return parse_id("msg", text)
    except InvalidIdError as error:
        problem = "This is not the id of a message."
        raise InvalidError(problem, fields=(FieldError(path=field, problem=problem),)) from error
