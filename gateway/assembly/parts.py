"""All parts of one gateway, connected."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.assembly.calling import Calling, build_calling
from gateway.assembly.counting import SessionCensus, count_everything
from gateway.assembly.fleet import Fleet, build_fleet
from gateway.assembly.ground import Ground, build_ground
from gateway.assembly.grouping import Grouping, build_grouping
from gateway.assembly.messaging import Messaging, build_messaging
from gateway.assembly.news import News, build_news
from gateway.assembly.people import listen_to_people
from gateway.assembly.platform import Platform, build_platform
from gateway.assembly.scheduling import Scheduling, build_scheduling
from gateway.assembly.upkeep import build_timetable
from gateway.config.settings import Config
from gateway.datafolder import DataFolder
from gateway.db.database import AnyDatabase
from gateway.maintenance.timetable import Timetable
from sessions.protocol import Loopback


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything that a request can reach."""

    ground: Ground
    platform: Platform
    fleet: Fleet
    messaging: Messaging
    calling: Calling
    grouping: Grouping
    scheduling: Scheduling
    news: News
    census: SessionCensus
    timetable: Timetable


def build_parts(*, config: Config, loopback: Loopback | None, folder: DataFolder, database: AnyDatabase) -> Parts:
    """Build them from the ground up; nothing runs yet."""
    ground = build_ground(config=config, loopback=loopback, folder=folder, database=database)
    platform = build_platform(ground)
    fleet = build_fleet(ground, platform)
    messaging = build_messaging(ground, platform, fleet)
    news = build_news(ground, platform, fleet, messaging)
    scheduling = build_scheduling(ground, platform, fleet, messaging)
    calling = build_calling(ground, platform, fleet, messaging)
    listen_to_people(platform, fleet, messaging)
    census = SessionCensus(database=database, sessions=fleet.sessions)
    count_everything(ground.metrics, platform, fleet, census)
    return Parts(
        ground=ground,
        platform=platform,
        fleet=fleet,
        messaging=messaging,
        calling=calling,
        scheduling=scheduling,
        grouping=build_grouping(ground, platform, fleet, messaging),
        news=news,
        census=census,
        timetable=build_timetable(ground, platform, fleet, messaging, scheduling, news),
    )
