"""Groups: their rows, what is reported of them, and the looks at them."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.assembly.fleet import Fleet
from gateway.assembly.ground import Ground
from gateway.assembly.messaging import Messaging
from gateway.assembly.platform import Platform
from gateway.groups.arriving import GroupReports
from gateway.groups.community_routes import CommunityRoutes
from gateway.groups.desk import GroupDesk
from gateway.groups.invite_routes import GroupInviteRoutes
from gateway.groups.member_routes import GroupMemberRoutes
from gateway.groups.routes import GroupRoutes
from gateway.groups.service import Groups
from gateway.groups.sync import GroupSync
from gateway.groups.wiring import listen


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """Everything about groups."""

    groups: Groups
    desk: GroupDesk
    sync: GroupSync


def build_grouping(ground: Ground, platform: Platform, fleet: Fleet, messaging: Messaging) -> Grouping:
    """Build it on messages, listening to what sessions report."""
    groups = Groups(clock=ground.clock, events=platform.events, contacts=messaging.contacts, chats=messaging.chats)
    sync = GroupSync(
        database=ground.database, engine=fleet.engine, clock=ground.clock, sessions=fleet.sessions, groups=groups
    )
    listen(fleet.intake, reports=GroupReports(groups=groups, contacts=messaging.contacts), sync=sync)
    desk = GroupDesk(
        database=ground.database,
        engine=fleet.engine,
        sessions=fleet.sessions,
        contacts=messaging.contacts,
        groups=groups,
    )
    return Grouping(groups=groups, desk=desk, sync=sync)


def group_tables(fleet: Fleet, messaging: Messaging, grouping: Grouping) -> list[object]:
    """Every route table of the slice."""
    desk = grouping.desk
    return [
        GroupInviteRoutes(desk=desk),
        GroupRoutes(desk=desk, sessions=fleet.sessions, library=messaging.filing.library),
        GroupMemberRoutes(desk=desk),
        CommunityRoutes(desk=desk),
    ]
