"""How long it took to settle a doubt: counted from when its receipt could be heard, and from nothing earlier."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.torture.verdicts import Ledger, settling_times


def test_a_receipt_is_heard_from_the_time_the_session_connects_again() -> None:
    # Killed twice: the second gateway did not live to connect. The third settled it while `connected` was being recorded.
    ledger = _ledger(
        _session(10, "connected"),
        _message(20, "uncertain"),
        _session(21, "connecting"),
        _session(30, "connecting"),
        _message(31, "delivered"),
        _session(32, "connected"),
        reached_at=15,
    )

    assert settling_times(ledger) == [1.0]


def test_a_session_that_stays_connected_settles_from_the_time_the_phone_had_the_message() -> None:
    ledger = _ledger(_session(10, "connecting"), _message(20, "uncertain"), _message(29, "delivered"), reached_at=22)

    assert settling_times(ledger) == [7.0]


def test_what_was_never_in_doubt_does_not_count() -> None:
    assert settling_times(_ledger(_session(10, "connecting"), _message(29, "delivered"), reached_at=22)) == []


def _ledger(*events: dict[str, Any], reached_at: int) -> Ledger:
    reached = [("15550200001", "line-1 0", datetime.fromisoformat(_at(reached_at)).timestamp())]
    return Ledger(accepted={}, sent={}, states={}, reached=reached, events=list(events))


def _session(second: int, status: str) -> dict[str, Any]:
    return {"type": "session.status", "session": "ses_1", "at": _at(second), "data": {"status": status}}


def _message(second: int, state: str) -> dict[str, Any]:
    data = {"state": state, "text": {"body": "line-1 0"}}
    subject = {"type": "message", "id": "msg_1"}
    return {"type": "message.status", "session": "ses_1", "subject": subject, "at": _at(second), "data": data}


def _at(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()
