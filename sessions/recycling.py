"""When a worker that still runs is of no more use, and how long to wait before there is a new one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random

from sessions.backoff import Backoff, CrashCounter
from sessions.settings import EngineSettings
from sessions.status import Reason, SessionStatus
from sessions.tracking import TrackedSession

_KEEPALIVE_FAILURES_LIMIT = 2
_REPEATS_WINDOW_SECONDS = 600.0

Replace = Callable[[Reason, Sequence[TrackedSession]], None]


class Recycling:
    """Watches the members of one worker at a time.

    A worker is replaced when a member has had no connection for long, since the library itself waits ever longer
    between its attempts; when WhatsApp does not answer a member; and when the worker says nothing any more.
    """

    def __init__(self, *, settings: EngineSettings, random: Random, replace: Replace) -> None:
        self._settings = settings
        self._replace = replace
        self._backoff = Backoff(
            first_seconds=settings.backoff_first_seconds, limit_seconds=settings.backoff_limit_seconds, random=random
        )
        self._repeats = CrashCounter(limit=2, window_seconds=_REPEATS_WINDOW_SECONDS)
        self._members: Sequence[TrackedSession] = ()
        self._down_since: dict[str, float] = {}
        self._heard_at: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pause_seconds = 0.0

    def begin(self) -> None:
        """A new worker runs."""
        self.end()
        self._pause_seconds = 0.0

    def end(self) -> None:
        """The worker is gone, or is being told to go."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._members = ()
        self._down_since.clear()
        self._heard_at = None

    def heard(self) -> None:
        """The worker has said that it lives."""
        self._heard_at = _now()

    def look(self, members: Sequence[TrackedSession]) -> None:
        """Something may have changed about these members, which are those that have not ended."""
        self._members = members
        self._note_connections()
        verdict = self._verdict()
        if verdict is not None:
            self._give_up(*verdict)
        elif members:
            self._look_again_later()

    def pause_seconds(self) -> float:
        """How long to wait before the next worker: the first comes at once, later ones are spread ever wider."""
        return self._pause_seconds

    def next_pause(self) -> float:
        """Another one is of no use: none the first time within a while, then ever longer ones with chance in them."""
        if self._repeats.count(_now()) == 1:
            self._backoff.reset()
            return 0.0
        return self._backoff.next_seconds()

    def _verdict(self) -> tuple[Reason, list[TrackedSession]] | None:
        now, silence = _now(), self._silence_limit()
        if self._heard_at is not None and now - self._heard_at >= silence:
            return Reason.WORKER_SILENT, list(self._members)
        for reason, is_sick in ((Reason.KEEPALIVE_LOST, _keepalive_is_lost), (Reason.PROBE_UNANSWERED, self._is_mute)):
            sick = [member for member in self._members if is_sick(member)]
            if sick:
                return reason, sick
        away = [member for member in self._members if self._is_away(member, now)]
        return (Reason.CONNECTION_LOST, away) if away else None

    def _is_mute(self, member: TrackedSession) -> bool:
        overdue = member.pulse.overdue_seconds
        return member.status is SessionStatus.CONNECTED and overdue >= self._settings.probing.answer_seconds

    def _is_away(self, member: TrackedSession, now: float) -> bool:
        since = self._down_since.get(member.session_id)
        return since is not None and now - since >= self._settings.recycle_after_seconds

    def _note_connections(self) -> None:
        now = _now()
        down = [member.session_id for member in self._members if member.status is not SessionStatus.CONNECTED]
        self._down_since = {session_id: self._down_since.get(session_id, now) for session_id in down}

    def _give_up(self, reason: Reason, sick: list[TrackedSession]) -> None:
        self._pause_seconds = self.next_pause()
        self.end()
        self._replace(reason, sick)

    def _look_again_later(self) -> None:
        due = [since + self._settings.recycle_after_seconds for since in self._down_since.values()]
        if self._heard_at is not None:
            due.append(self._heard_at + self._silence_limit())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due:
            self._timer = asyncio.get_running_loop().call_at(min(due), self._look_again)

    def _look_again(self) -> None:
        self.look(self._members)

    def _silence_limit(self) -> float:
        return self._settings.missing_pulses * self._settings.probing.pulse_seconds


def _keepalive_is_lost(member: TrackedSession) -> bool:
    failures = member.keepalive_failures
    return failures >= _KEEPALIVE_FAILURES_LIMIT or (failures > 0 and member.pulse.overdue_seconds > 0)


def _now() -> float:
    return asyncio.get_running_loop().time()
