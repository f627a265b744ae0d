"""Checks of the gateway's work: phones that wait for a person, queues that stand, webhooks that nobody answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway.examining.finding import Check, Finding, Subject, advice, fine
from sessions.status import NEEDS_A_PERSON, Reason, sentence

_MOST_NAMED: Final = 5


async def sessions(subject: Subject) -> Finding:
    """No phone waits for a person."""
    assert subject.work is not None, "asked only where the store can be read"
    waiting = [session for session in subject.work.sessions if session.status in NEEDS_A_PERSON]
    if not waiting:
        return fine("sessions", f"{subject.linked} phones are linked; none waits for a person.")
    first = waiting[0]
    why = sentence(Reason(first.reason)) if first.reason else f"It is {first.status}."
    names = ", ".join(session.name for session in waiting[:_MOST_NAMED])
    return advice("sessions", f"{len(waiting)} sessions wait for a person: {names}.", f"{first.name}: {why}")


async def queues(subject: Subject) -> Finding:
    """What is due goes out."""
    assert subject.work is not None, "asked only where the store can be read"
    if subject.work.paused:
        names = ", ".join(subject.work.paused[:_MOST_NAMED])
        remedy = "Look at GET /api/v1/sessions/{id}/queue, then resume or clear it."
        return advice("queues", f"{len(subject.work.paused)} queues are paused: {names}.", remedy)
    oldest = subject.work.oldest_queued_at
    patience = timedelta(seconds=subject.config.messages.stalled_after_seconds)
    if oldest is not None and subject.clock.now() - oldest > patience:
        minutes = int((subject.clock.now() - oldest).total_seconds() // 60)
        remedy = "GET /api/v1/messages?state=queued tells for each what it waits for."
        return advice("queues", f"A message that is due has waited for {minutes} minutes.", remedy)
    return fine("queues", "Nothing that is due waits for long.")


async def webhooks(subject: Subject) -> Finding:
    """Endpoints take what they are told."""
    assert subject.work is not None, "asked only where the store can be read"
    if subject.work.disabled_webhooks:
        sentence_ = f"{subject.work.disabled_webhooks} webhooks were disabled, after days of failures or by a person."
        return advice("webhooks", sentence_, "Mend the endpoint, enable it, and replay what is missing.")
    if subject.work.dead_deliveries:
        sentence_ = f"{subject.work.dead_deliveries} deliveries were given up."
        return advice("webhooks", sentence_, "See docs/howto/receive-webhooks.md for how to send them again.")
    return fine("webhooks", "Every endpoint is told.")


#: Only where the store could be read.
OF_WORK: Final[tuple[Check, ...]] = (sessions, queues, webhooks)
