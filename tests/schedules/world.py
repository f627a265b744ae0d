"""The messages of a gateway with schedules on top."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.db.tx import Tx
from gateway.principal import Principal
from gateway.schedules import store
from gateway.schedules.firing import Firing
from gateway.schedules.models import Schedule, ScheduleRun
from gateway.schedules.news import ScheduleNews
from gateway.schedules.requests import ScheduleIn
from gateway.schedules.routes import ScheduleRoutes
from gateway.schedules.scheduler import BATCH_LIMIT, Scheduler
from gateway.schedules.service import Schedules
from gateway.schedules.templates import Templates
from gateway.schedules.timing import read_timing
from tests.messages.world import ANNA, PRINCIPAL, World

#: Ten past nine every day, and nothing else.
DAILY = "FREQ=DAILY;BYHOUR=9;BYMINUTE=10;BYSECOND=0"


class Calendar:
    """Schedules on a world of messages. The scheduler starts with :meth:`start`; tests without it make single passes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ran: list[tuple[str, int, float]] = []
        news = ScheduleNews(events=world.events)
        self.firing = Firing(ids=world.ids, clock=world.clock, messages=world.messages, news=news)
        self.templates = Templates(composer=world.composer)
        self.scheduler = self.make_scheduler()
        self.schedules = Schedules(
            ids=world.ids,
            clock=world.clock,
            sessions=world.sessions,
            contacts=world.contacts,
            events=world.events,
            news=news,
            wakes=self.scheduler,
        )

    def make_scheduler(self, *, batch_limit: int = BATCH_LIMIT) -> Scheduler:
        """Another one on the same store, as after a restart or on a second host."""
        return Scheduler(
            database=self.world.database,
            clock=self.world.clock,
            firing=self.firing,
            templates=self.templates,
            on_run=lambda *ran: self.ran.append(ran),
            batch_limit=batch_limit,
        )

    def routes(self) -> ScheduleRoutes:
        return ScheduleRoutes(
            database=self.world.database,
            clock=self.world.clock,
            schedules=self.schedules,
            templates=self.templates,
            firing=self.firing,
        )

    async def create(
        self,
        *,
        principal: Principal = PRINCIPAL,
        session: str = "shop",
        to: str = ANNA,
        body: str = "Hello",
        **more: Any,
    ) -> Schedule:
        """Keep a schedule as the API does."""
        fields: dict[str, Any] = {
            "message": {"session": session, "to": to, "type": "text", "text": {"body": body}},
            "time_zone": "UTC",
        }
        if "cron" not in more:
            fields["rrule"] = DAILY
        request = ScheduleIn.model_validate(fields | more)
        timing = read_timing(request, now=self.world.clock.now())
        template = await self.templates.keep(request.message, org_id=principal.org_id)
        return await self.world.database.write(
            lambda tx: self.schedules.create(tx, principal, request, timing=timing, template=template)
        )

    async def go_to(self, moment: str) -> None:
        """Set the clock, and let the scheduler deal with all that is due then."""
        self.set_clock(moment)
        await self.catch_up()

    def set_clock(self, moment: str) -> None:
        self.world.advance((datetime.fromisoformat(moment) - self.world.clock.now()).total_seconds())

    async def catch_up(self) -> None:
        """Passes until nothing is due."""
        while await self.scheduler.run_once() == 0.0:
            pass

    async def find(self, row: Schedule) -> Schedule:
        """A schedule as it stands now."""
        found = await self.world.database.read(lambda tx: store.find(tx, org_id=1, schedule_id=row.id))
        assert found is not None
        return found

    async def runs(self, row: Schedule) -> list[ScheduleRun]:
        """What came of its times, oldest first."""

        def read(tx: Tx) -> list[ScheduleRun]:
            return list(store.runs(tx, org_id=1, schedule_id=row.id, limit=1000, before_id=None))[::-1]

        return await self.world.database.read(read)

    async def bodies(self) -> list[str]:
        """What the messages say, oldest first."""
        return [entry.message.body for entry in await self.world.all()]


def at(moment: datetime) -> str:
    """Day and time to the minute."""
    return moment.strftime("%m-%d %H:%M")
