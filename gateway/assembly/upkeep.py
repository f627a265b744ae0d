"""The chores, and when they are done."""

from __future__ import annotations

from datetime import timedelta

from gateway.assembly.fleet import Fleet
from gateway.assembly.ground import Ground
from gateway.assembly.messaging import Messaging
from gateway.assembly.news import News
from gateway.assembly.platform import Platform
from gateway.assembly.scheduling import Scheduling
from gateway.db.sqlite import SqliteDatabase
from gateway.maintenance.answers import OldAnswers
from gateway.maintenance.chore import Chore
from gateway.maintenance.events import OldEvents
from gateway.maintenance.links import OldLinks
from gateway.maintenance.moved_keys import OldMovedKeys
from gateway.maintenance.optimize import Optimize
from gateway.maintenance.runs import OldRuns
from gateway.maintenance.spool import OldSpoolFiles
from gateway.maintenance.timetable import Timetable


def build_timetable(
    ground: Ground, platform: Platform, fleet: Fleet, messaging: Messaging, scheduling: Scheduling, news: News
) -> Timetable:
    """The timetable with every chore that this store needs."""
    database, clock = ground.database, ground.clock
    chores: list[Chore] = [
        OldEvents(
            database=database,
            clock=clock,
            events=platform.events,
            webhooks=news.webhooks,
            keep=timedelta(days=ground.config.events.keep_days),
            keep_unacked=timedelta(days=ground.config.events.keep_unacked_days),
        ),
        OldAnswers(idempotency=platform.idempotency),
        OldLinks(database=database, links=fleet.links, accounts=platform.accounts),
        OldRuns(database=database, clock=clock, schedules=scheduling.schedules),
        OldSpoolFiles(spool=messaging.filing.library.spool, clock=clock),
        *messaging.filing.chores,
        OldMovedKeys(folder=ground.folder.moved, clock=clock),
    ]
    if isinstance(database, SqliteDatabase):
        chores.append(Optimize(database=database))
    return Timetable(chores=chores, clock=clock, on_run=ground.metrics.chore_ran)
