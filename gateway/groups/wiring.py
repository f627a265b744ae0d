"""Connects the engine's reports with what the slice does about them."""

from __future__ import annotations

from gateway.fleet.intake import Intake
from gateway.groups.arriving import GroupReports
from gateway.groups.sync import GroupSync
from sessions.events import GroupChanged, GroupJoined, OfflineSyncCompleted


def listen(intake: Intake, *, reports: GroupReports, sync: GroupSync) -> None:
    """Have news of groups filed, and groups looked at when a session comes up."""
    intake.register(GroupJoined, reports.joined)
    intake.register(GroupChanged, reports.changed)
    intake.observe(GroupChanged, sync.changed)
    intake.observe(OfflineSyncCompleted, sync.caught_up)
    intake.observe_status(sync.status_changed)
