"""What listeners ask for, read and checked in one place: types, sessions, a position."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from gateway.db.tx import Database, Tx
from gateway.events.catalogue import matching
from gateway.events.interest import Interest
from gateway.kit.errors import FieldError, InvalidError, NotFoundError
from gateway.kit.ids import InvalidIdError, parse_id
from gateway.principal import Principal

#: Gives the id of the session that a caller names by id or name; raises NotFoundError.
FindSession = Callable[[Tx, Principal, str], int]


class Asking:
    """Turns what a caller asks for into what it may have."""

    def __init__(self, *, database: Database, find_session: FindSession | None = None) -> None:
        self._database = database
        self._find_session = find_session or _session_by_id

    async def interest(
        self, caller: Principal, *, types: Sequence[str] | None, sessions: Sequence[str] | None
    ) -> Interest:
        """The events of these types and sessions, as far as the caller may know of them."""
        if types is not None:
            demand_types(types)
        find = partial(self.session_ids, principal=caller, sessions=sessions)
        session_ids = caller.session_ids if sessions is None else await self._database.read(find)
        return Interest.of(org_id=caller.org_id, globs=types, session_ids=session_ids)

    def session_ids(self, tx: Tx, *, principal: Principal, sessions: Sequence[str] | None) -> frozenset[int] | None:
        """The ids behind names or ids; what the caller is limited to when it names none."""
        if sessions is None:
            return principal.session_ids
        return frozenset(self._find_session(tx, principal, named) for named in sessions)


def demand_types(globs: Iterable[str]) -> None:
    """Raise InvalidError when no type there is can match."""
    if not matching(globs):
        raise InvalidError(fields=(FieldError(path="types", problem="No event type matches"),))


def split_globs(text: str | None) -> list[str] | None:
    """``message.*,session.*`` as in a query."""
    return None if text is None else [glob.strip() for glob in text.split(",")]


def read_position(text: str) -> int:
    """The position behind an event's id; raises InvalidError."""
    try:
        return parse_id("evt", text)
    except InvalidIdError as error:
        raise InvalidError(fields=(FieldError(path="after", problem="Must be the id of an event"),)) from error


def _session_by_id(_: Tx, caller: Principal, text: str) -> int:
    try:
        session_id = parse_id("ses", text)
    except InvalidIdError as error:
        raise NotFoundError("There is no such session.", code="session_not_found") from error
    caller.demand_session(session_id)
    return session_id
