"""Finds the name that an account gave itself: on the first connection the engine learns it only after it has logged in."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import msgspec

from sessions.errors import StoreError
from sessions.events import Report
from sessions.keystore import find_push_name
from sessions.tracking import TrackedSession

_log = logging.getLogger(__name__)
#: The phone shares its settings within seconds of being linked, or minutes when it is asleep.
_LOOK_AFTER_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 240.0)


class NameSeeker:
    """Looks into the key stores of connected sessions whose name is unknown, and reports what it finds."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def seek(self, session: TrackedSession) -> None:
        """The session is connected: find its name, unless it is known or being looked for."""
        who = session.identity
        if who is None or who.push_name or session.session_id in self._tasks:
            return
        task = asyncio.create_task(self._look(session), name="name seeker")
        self._tasks[session.session_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(session.session_id, None))

    async def stop(self) -> None:
        """Look no further."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self, session: TrackedSession) -> None:
        for seconds in _LOOK_AFTER_SECONDS:
            await asyncio.sleep(seconds)
            who = session.identity
            if who is None or who.push_name:
                return
            try:
                name = await asyncio.to_thread(find_push_name, Path(session.spec.folder))
            except StoreError:
                _log.warning("the key store could not be read for the account's name")
                return
            if name:
                session.identity = msgspec.structs.replace(who, push_name=name)
                report = Report(session_id=session.session_id, seq=0, received_at=time.time(), event=session.identity)
                session.delivery.put_reports([report])
                return
