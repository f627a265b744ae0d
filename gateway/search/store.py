"""The words of messages: FTS5 on SQLite, tsvector on PostgreSQL. What is found names the organization by its mark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import TextClause, select, text

from gateway.db.tx import Tx
from gateway.messages.models import Message
from gateway.search.asking import Term
from gateway.search.models import SearchBacklog
from gateway.search.scope import Scope

_LAST_ID: Final = (1 << 63) - 1
_TAKE: Final = {
    "sqlite": text(
        "DELETE FROM search_backlog WHERE id IN (SELECT id FROM search_backlog ORDER BY id LIMIT :most)"
        " RETURNING message_id"
    ),
    "postgresql": text(
        "DELETE FROM search_backlog WHERE id IN"
        " (SELECT id FROM search_backlog ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED) RETURNING message_id"
    ),
}
_FORGET: Final = {
    "sqlite": text("DELETE FROM message_words WHERE rowid = :message"),
    "postgresql": text("DELETE FROM message_words WHERE message_id = :message"),
}
_LEARN: Final = {
    "sqlite": text("INSERT INTO message_words (rowid, marks, words) VALUES (:message, :marks, :words)"),
    "postgresql": text(
        "INSERT INTO message_words (message_id, words) VALUES (:message, CAST(:words AS tsvector))"
        " ON CONFLICT (message_id) DO UPDATE SET words = excluded.words"
    ),
}
_FIND: Final = {
    "sqlite": text(
        "SELECT rowid FROM message_words WHERE message_words MATCH :asked AND rowid >= :first AND rowid < :before"
        " ORDER BY rowid DESC LIMIT :most"
    ),
    "postgresql": text(
        "SELECT message_id FROM message_words WHERE words @@ CAST(:asked AS tsquery)"
        " AND message_id >= :first AND message_id < :before ORDER BY message_id DESC LIMIT :most"
    ),
}
#: PostgreSQL does not count further.
_LAST_PLACE: Final = 16_383


def is_behind(tx: Tx) -> bool:
    """Whether messages wait to be learned."""
    return tx.execute(select(SearchBacklog.id).limit(1)).first() is not None


def take_backlog(tx: Tx, *, most: int) -> list[int]:
    """The ids of messages that changed longest ago; they are off the list with this transaction."""
    return sorted({message_id for (message_id,) in tx.execute(_TAKE[tx.dialect], {"most": most})})


def messages(tx: Tx, ids: Sequence[int]) -> Sequence[Message]:
    """These messages, of whatever organization, as far as they still exist."""
    statement = select(Message).where(Message.id.in_(ids))
    if tx.dialect == "postgresql":
        statement = statement.with_for_update(read=True, key_share=True)  # nobody deletes one before it is learned
    return tx.session.scalars(statement).all()


def forget(tx: Tx, ids: Sequence[int]) -> None:
    """Nobody finds these by their words any more."""
    if ids:
        tx.execute(_FORGET[tx.dialect], [{"message": message_id} for message_id in ids])


def learn(tx: Tx, documents: Mapping[int, tuple[Sequence[str], Sequence[str]]]) -> None:
    """Keep marks and words of messages that :func:`forget` was asked to forget before."""
    render = _sqlite_row if tx.dialect == "sqlite" else _postgres_row
    rows = [{"message": message_id, **render(marks, words)} for message_id, (marks, words) in documents.items()]
    if rows:
        tx.execute(_LEARN[tx.dialect], rows)


def find(tx: Tx, terms: Sequence[Term], scope: Scope, *, most: int) -> list[int]:
    """The newest messages that hold every term, newest first."""
    asked = _sqlite_query(terms, scope) if tx.dialect == "sqlite" else _postgres_query(terms, scope)
    statement: TextClause = _FIND[tx.dialect]
    values: dict[str, Any] = {
        "asked": asked,
        "first": scope.first_id or 0,
        "before": _LAST_ID if scope.before_id is None else scope.before_id,
        "most": most,
    }
    return [message_id for (message_id,) in tx.execute(statement, values)]


def _sqlite_row(marks: Sequence[str], words: Sequence[str]) -> dict[str, str]:
    return {"marks": " ".join(marks), "words": " ".join(words)}


def _postgres_row(marks: Sequence[str], words: Sequence[str]) -> dict[str, str]:
    places: dict[str, list[int]] = {}
    for place, word in enumerate(words[:_LAST_PLACE], start=1):
        places.setdefault(word, []).append(place)
    lexemes = [f"'@{mark}'" for mark in marks]
    lexemes += [f"'{word}':{','.join(map(str, found[:255]))}" for word, found in places.items()]
    return {"words": " ".join(lexemes)}


def _sqlite_query(terms: Sequence[Term], scope: Scope) -> str:
    """Words hold letters and digits only, so nothing in them can be taken for an operator."""
    groups = [" OR ".join(f'"{mark}"' for mark in group) for group in scope.marks()]
    wanted = " AND ".join(f"marks : ({group})" for group in groups)
    for term in terms:
        phrase = '"' + " ".join(term.words) + '"' + (" *" if term.is_beginning else "")
        wanted = f"({wanted}) {'NOT' if term.is_excluded else 'AND'} (words : {phrase})"
    return wanted


def _postgres_query(terms: Sequence[Term], scope: Scope) -> str:
    groups = [" | ".join(f"'@{mark}'" for mark in group) for group in scope.marks()]
    wanted = [f"({group})" for group in groups]
    for term in terms:
        words = [f"'{word}'" for word in term.words]
        words[-1] += ":*" if term.is_beginning else ""
        wanted.append(f"{'!' if term.is_excluded else ''}({' <-> '.join(words)})")
    return " & ".join(wanted)
