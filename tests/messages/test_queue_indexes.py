"""The queue stays fast however long the history grows: its questions are answered from small indexes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from gateway.chats.models import Chat
from gateway.db.tx import Tx
from gateway.messages.models import Message
from gateway.messages.outbox import class_store, control_store, queue_store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CHAT = Chat(id=1, org_id=1)


@pytest.mark.parametrize(
    ("question", "index"),
    [
        (lambda tx: queue_store.next_queued(tx, session_id=1), "ix_messages_lane"),
        (lambda tx: queue_store.next_time(tx, after=NOW), "ix_messages_held"),
        (lambda tx: queue_store.list_due(tx, at=NOW, limit=5), "ix_messages_held"),
        (lambda tx: queue_store.list_expired(tx, at=NOW, limit=5), "ix_messages_expiring"),
        (lambda tx: queue_store.list_in_flight(tx), "ix_messages_in_flight"),
        (lambda tx: queue_store.hold_in_flight(tx, session_id=1), "ix_messages_in_flight"),
        (lambda tx: control_store.depths(tx, session_id=1), "ix_messages_session_held"),
        (lambda tx: control_store.backlogs(tx), "ix_messages_retrying"),
        (lambda tx: control_store.retrying_chats(tx, session_ids=[1]), "ix_messages_retrying"),
        (lambda tx: control_store.list_overdue(tx, at=NOW), "ix_messages_in_flight"),
        (lambda tx: control_store.list_doubts(tx, session_id=1, before=NOW, limit=5), "ix_messages_uncertain"),
        (lambda tx: control_store.position(tx, message=Message(session_id=1, priority=1, id=5)), "ix_messages_lane"),
        (lambda tx: class_store.mark_as_replies(tx, CHAT), "ix_messages_chat_waiting"),
        (lambda tx: class_store.mark_as_known(tx, CHAT), "ix_messages_chat_waiting"),
        (lambda tx: class_store.end_holds_of_gate(tx, org_id=1, session_id=1), "ix_messages_session_held"),
        (lambda tx: queue_store.sessions_with_queue(tx), "ix_messages_lane"),
        (lambda tx: queue_store.sessions_with_downloads(tx, at=NOW), "ix_messages_media_pending"),
        (lambda tx: queue_store.next_download_time(tx, after=NOW), "ix_messages_media_pending"),
        (
            lambda tx: queue_store.claim_downloads(tx, at=NOW, lease=timedelta(1), limit=1, session_ids=[1]),
            "ix_messages_media_pending",
        ),
    ],
)
async def test_the_queue_never_reads_the_whole_table(database: Any, org: Any, question: Any, index: str) -> None:
    plans = await database.write(lambda tx: _plans(tx, question))

    about_messages = [step for step in plans if re.search(r"\b(SCAN|SEARCH) messages", step)]
    assert about_messages
    assert any(index in step for step in about_messages), plans
    assert not [step for step in about_messages if "INDEX" not in step], plans


def _plans(tx: Tx, question: Any) -> list[str]:
    """How SQLite would answer the question."""
    asked: list[tuple[str, Any]] = []
    connection = tx.session.connection()

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        asked.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    question(tx)
    event.remove(connection, "before_cursor_execute", note)
    return [
        row[-1]
        for statement, parameters in asked
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    ]
