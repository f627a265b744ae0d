"""What the doctor reads off the store."""

from __future__ import annotations

from gateway.events.service import EventLog
from gateway.examining.work_store import look
from gateway.fleet.models import Session
from gateway.fleet.service import Sessions
from gateway.messages.outbox.queues import PauseReason, Queues
from gateway.principal import Principal, PrincipalKind

SYSTEM = Principal(org_id=1, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",))


async def test_sessions_and_paused_queues_are_seen_and_what_was_deleted_is_not(any_database, any_org, clock, ids):
    sessions = Sessions(clock=clock, ids=ids, events=EventLog(clock=clock))

    def work(tx):
        shop, gone = (sessions.create(tx, SYSTEM, name=name) for name in ("shop", "gone"))
        for session in (shop, gone):
            Queues(clock=clock).pause(tx, session, PauseReason.REQUESTED)
        sessions.remove(tx, tx.session.get(Session, gone.id))

    await any_database.write(work)

    found = await any_database.read(look)

    assert [session.name for session in found.sessions] == ["shop"]
    assert (found.paused, found.oldest_queued_at) == (["shop"], None)
    assert (found.disabled_webhooks, found.dead_deliveries) == (0, 0)
