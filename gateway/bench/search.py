"""Measures the search: a store full of messages, and questions of every kind to it."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from gateway.bench.figures import Figure, milliseconds, percentile
from gateway.chats.models import Chat
from gateway.contacts.models import Contact
from gateway.db.migrate import upgrade
from gateway.db.sqlite import SqliteDatabase
from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.messages.models import Message
from gateway.orgs.models import Org
from gateway.principal import Principal, PrincipalKind
from gateway.search.asking import read_terms
from gateway.search.indexer import Indexer
from gateway.search.scope import Scope
from gateway.search.service import search_messages
from sessions.status import SessionStatus

PROMISED_P95_MS: Final = 50.0
_BEGIN: Final = datetime(2025, 6, 1, tzinfo=UTC)
_CHATS: Final = 1_000
_VOCABULARY: Final = 30_000
_AT_ONCE: Final = 2_000
_ALL: Final = Principal(org_id=1, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",))


async def searching(folder: Path, *, messages: int, questions: int) -> list[Figure]:
    """The p95 of a page of fifty hits, beside SQLite's own answer to the same words."""
    path = folder / "search.db"
    await upgrade(f"sqlite:///{path}")
    database = await SqliteDatabase.open(path)
    chance = random.Random(11)
    try:
        begun = time.perf_counter()
        await _fill(database, messages, chance)
        filled = time.perf_counter()
        await Indexer(database=database).run_once()
        learned = time.perf_counter()
        await database.optimize()
        asked = [_question(chance, number) for number in range(questions)]
        ours = [await _ask(database, words, scope) for words, scope in asked]
        bare = await asyncio.to_thread(_bare, path, [words for words, _ in asked])
    finally:
        await database.close()
    note = f"{messages} messages, {questions} questions; kept at {messages / (filled - begun):.0f}/s, "
    note += f"learned at {messages / (learned - filled):.0f}/s"
    return [
        _figure("search p50", ours, bare, 0.50, target=None, note=""),
        _figure("search p95", ours, bare, 0.95, target=PROMISED_P95_MS, note=note),
    ]


def _figure(
    name: str, ours: Sequence[float], bare: Sequence[float], fraction: float, *, target: float | None, note: str
) -> Figure:
    return Figure(
        name=name,
        value=percentile(milliseconds(ours), fraction),
        unit="ms",
        target=target,
        bare=percentile(milliseconds(bare), fraction),
        bare_name="FTS5 alone, ids only",
        note=note,
    )


async def _fill(database: SqliteDatabase, count: int, chance: random.Random) -> None:
    await database.write(_furnish)
    for first in range(0, count, _AT_ONCE):
        rows = [_message(number, chance) for number in range(first, min(first + _AT_ONCE, count))]
        await database.write(partial(_insert, rows=rows))


def _furnish(tx: Tx) -> None:
    times = {"created_at": _BEGIN, "updated_at": _BEGIN}
    tx.add(Org(id=1, name="bench", **times))
    session = Session(id=1, org_id=1, name="bench", desired="stop", settings={}, reasons=[], live=False, **times)
    session.status, session.status_at, session.unlink_due, session.forget_due = (
        SessionStatus.STOPPED,
        _BEGIN,
        False,
        False,
    )
    tx.add(session)
    for number in range(1, _CHATS + 1):
        tx.add(Contact(id=number, org_id=1, phone=f"+1555{number:07}", **times))
        tx.add(Chat(id=number, org_id=1, session_id=1, kind="person", contact_id=number, unread=0, **times))


def _insert(tx: Tx, *, rows: list[dict[str, Any]]) -> None:
    tx.session.bulk_insert_mappings(Message.__mapper__, rows)


def _message(number: int, chance: random.Random) -> dict[str, Any]:
    chat, at = chance.randrange(_CHATS) + 1, _BEGIN + timedelta(seconds=number)
    body = " ".join(_words(chance, chance.randint(3, 16)))
    return {
        "id": (number + 1) << 22,
        "org_id": 1,
        "session_id": 1,
        "chat_id": chat,
        "contact_id": chat,
        "author_id": chat,
        "direction": "in",
        "origin": "whatsapp",
        "type": "text",
        "body": body,
        "content": {"type": "text", "body": body},
        "mentions": [],
        "wa_id": f"3EB0{number:016X}",
        "state": "received",
        "created_at": at,
        "updated_at": at,
    }


def _words(chance: random.Random, count: int) -> Iterator[str]:
    """Few words are said all the time and most of them hardly ever, as in every language."""
    for _ in range(count):
        yield f"palavra{min(int(chance.paretovariate(0.7)), _VOCABULARY)}é"


def _question(chance: random.Random, number: int) -> tuple[str, Scope]:
    common, rare = f"palavra{chance.randint(1, 5)}e", f"palavra{chance.randint(1_000, _VOCABULARY)}e"
    kinds = (common, rare, f"{common} {rare}", f'"{common} palavra2e"', f"{rare[:-1]}*", f"{common} -palavra2e", common)
    is_narrow = number % len(kinds) == len(kinds) - 1
    scope = Scope(org_id=1, chat_id=chance.randrange(_CHATS) + 1 if is_narrow else None)
    return kinds[number % len(kinds)], scope


async def _ask(database: SqliteDatabase, words: str, scope: Scope) -> float:
    begun = time.perf_counter()
    terms = read_terms(words)
    await database.read(lambda tx: search_messages(tx, _ALL, terms, scope, limit=50))
    return time.perf_counter() - begun


def _bare(path: Path, questions: Sequence[str]) -> list[float]:
    spent: list[float] = []
    statement = "SELECT rowid FROM message_words WHERE message_words MATCH ? ORDER BY rowid DESC LIMIT 51"
    with closing(sqlite3.connect(path)) as connection:
        for words in questions:
            begun = time.perf_counter()
            connection.execute(statement, (words.replace(" -", " NOT "),)).fetchall()
            spent.append(time.perf_counter() - begun)
    return spent
