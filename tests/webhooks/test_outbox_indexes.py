"""The outbox stays fast however long the history grows: its questions are answered from small indexes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event

from gateway.db.tx import Tx
from gateway.webhooks import outbox_store, store
from gateway.webhooks.states import DeliveryState
from gateway.webhooks.store import DeliveryFilter

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DEAD = DeliveryFilter(webhook_ids=[1], state=DeliveryState.DEAD)


@pytest.mark.parametrize(
    ("question", "index"),
    [
        (lambda tx: outbox_store.due(tx, webhook_id=1, now=NOW, limit=64, in_order=False), "_due"),
        (lambda tx: outbox_store.due(tx, webhook_id=1, now=NOW, limit=64, in_order=True), "_strand"),
        (lambda tx: outbox_store.next_due_at(tx, webhook_id=1, now=NOW), "_due"),
        (lambda tx: outbox_store.webhooks_with_work(tx), ""),
        (lambda tx: store.counts(tx, webhook_ids=[1, 2]), "_dead"),
        (lambda tx: store.page_of_deliveries(tx, org_id=1, wanted=DEAD, after=None, limit=50), "_dead"),
    ],
)
async def test_the_outbox_never_reads_the_whole_history(database: Any, org: Any, question: Any, index: str) -> None:
    plans = await database.write(lambda tx: _plans(tx, question))

    small = re.compile(r"ix_webhook_deliveries_(due|strand|dead)")
    about_deliveries = [step for step in plans if re.search(r"(SCAN|SEARCH) (webhook_deliveries|\w+_\d+)\b", step)]
    assert about_deliveries, plans
    assert all(small.search(step) for step in about_deliveries), plans
    assert any(f"ix_webhook_deliveries{index}" in step for step in about_deliveries), plans


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
