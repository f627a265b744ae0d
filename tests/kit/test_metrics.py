"""The metrics count what happened, with a sentence for each series."""

from __future__ import annotations

import re

from gateway.kit.metrics import Metrics


def lines(metrics: Metrics) -> list[str]:
    return metrics.render().decode().splitlines()


def test_what_happened_is_counted():
    metrics = Metrics(version="1.2.3")

    metrics.request_ended(operation="messages.send", method="POST", status=202, seconds=0.002)
    metrics.message_moved("sent", seconds=0.012)
    metrics.message_moved("failed")
    metrics.message_received()
    metrics.reported("message")
    metrics.status_changed("connected")
    metrics.delivery_attempted("delivered", 0.004)

    shown = lines(metrics)
    assert 'wagate_http_requests_total{method="POST",operation="messages.send",status="202"} 1.0' in shown
    assert 'wagate_http_request_seconds_bucket{le="0.0025",operation="messages.send"} 1.0' in shown
    assert 'wagate_messages_moved_total{state="sent"} 1.0' in shown
    assert "wagate_message_send_seconds_count 1.0" in shown
    assert "wagate_messages_received_total 1.0" in shown
    assert 'wagate_reports_total{kind="message"} 1.0' in shown
    assert 'wagate_session_status_changes_total{status="connected"} 1.0' in shown
    assert 'wagate_webhook_attempts_total{outcome="delivered"} 1.0' in shown
    assert 'wagate_build_info{version="1.2.3"} 1.0' in shown


def test_numbers_that_others_keep_are_read_when_asked_for():
    metrics = Metrics(version="1")
    waiting = [3]
    metrics.watch("wagate_store_waiting", "Changes that wait for the writer.", lambda: waiting[0])
    metrics.watch_by("wagate_sessions", "Sessions by status.", "status", lambda: {"connected": waiting[0]})

    waiting[0] = 4

    assert "wagate_store_waiting 4.0" in lines(metrics)
    assert 'wagate_sessions{status="connected"} 4.0' in lines(metrics)


def test_two_registries_share_nothing():
    first, second = Metrics(version="1"), Metrics(version="1")

    first.message_received()

    assert "wagate_messages_received_total 0.0" in lines(second)


def test_every_series_says_in_a_sentence_what_it_counts():
    metrics = Metrics(version="1")

    sentences = [line for line in lines(metrics) if line.startswith("# HELP wagate_")]

    assert len(sentences) >= 9
    assert all(re.search(r" [A-Z].*\.$", line) for line in sentences)
