"""Messages that are sent again and again."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.assembly.fleet import Fleet
from gateway.assembly.ground import Ground
from gateway.assembly.messaging import Messaging
from gateway.assembly.platform import Platform
from gateway.schedules.firing import Firing
from gateway.schedules.held_files import ScheduledFiles
from gateway.schedules.news import ScheduleNews
from gateway.schedules.routes import ScheduleRoutes
from gateway.schedules.scheduler import Scheduler
from gateway.schedules.service import Schedules
from gateway.schedules.templates import Templates


@dataclass(frozen=True, kw_only=True)
class Scheduling:
    """Schedules and what fires them."""

    schedules: Schedules
    scheduler: Scheduler
    firing: Firing
    templates: Templates


def build_scheduling(ground: Ground, platform: Platform, fleet: Fleet, messaging: Messaging) -> Scheduling:
    """Build it on the messages."""
    messaging.filing.keeper.register(ScheduledFiles())
    news = ScheduleNews(events=platform.events)
    firing = Firing(ids=ground.ids, clock=ground.clock, messages=messaging.messages, news=news)
    templates = Templates(composer=messaging.composer)
    scheduler = Scheduler(
        database=ground.database,
        clock=ground.clock,
        firing=firing,
        templates=templates,
        on_run=ground.metrics.schedule_ran,
    )
    schedules = Schedules(
        ids=ground.ids,
        clock=ground.clock,
        sessions=fleet.sessions,
        contacts=messaging.contacts,
        events=platform.events,
        news=news,
        wakes=scheduler,
    )
    return Scheduling(schedules=schedules, scheduler=scheduler, firing=firing, templates=templates)


def schedule_tables(ground: Ground, scheduling: Scheduling) -> list[object]:
    """Their routes."""
    return [
        ScheduleRoutes(
            database=ground.front,
            clock=ground.clock,
            schedules=scheduling.schedules,
            templates=scheduling.templates,
            firing=scheduling.firing,
        )
    ]
