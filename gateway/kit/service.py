"""The life of a background loop: idempotent start and stop, a named task that fails loudly."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

import structlog

log = structlog.get_logger(__name__)


class Service(ABC):
    """Something that runs beside the rest. Starting twice or stopping before starting is fine.

    :meth:`run` is the whole life: it returns when :attr:`stopping` is set. A service that dies by itself is logged
    and remembered in :attr:`failure`, so that readiness can say so.
    """

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.failure: BaseException | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """How logs call it."""
        return type(self).__name__

    @abstractmethod
    async def run(self) -> None:
        """Work until :attr:`stopping` is set."""

    async def start(self) -> None:
        """Begin; returns at once."""
        if self._task is None:
            self.stopping.clear()
            self._task = asyncio.create_task(self._guarded(), name=self.name)

    async def stop(self) -> None:
        """Ask it to end and wait until it has."""
        self.stopping.set()
        task, self._task = self._task, None
        if task is not None:
            await task

    async def _guarded(self) -> None:
        try:
            await self.run()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.failure = error
            log.exception("service died", service=self.name)


class Wakeable(Service):
    """A service that works in passes: when woken, or after a while, whichever comes first.

    Waking gives latency, the interval gives truth: a wake-up that was lost costs one interval, not the work.
    """

    def __init__(self, *, interval_seconds: float) -> None:
        super().__init__()
        self._interval_seconds = interval_seconds
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There may be work. Call on the event loop's thread."""
        self._woken.set()

    @abstractmethod
    async def run_once(self) -> float | None:
        """Do what is due; give the seconds until the next pass where that is sooner than the interval."""

    async def run(self) -> None:
        while not self.stopping.is_set():
            self._woken.clear()
            try:
                delay = await self.run_once()
            except Exception:
                log.exception("pass failed", service=self.name)
                delay = 1.0
            await self._rest(self._interval_seconds if delay is None else min(delay, self._interval_seconds))

    async def stop(self) -> None:
        self.stopping.set()
        self._woken.set()
        await super().stop()

    async def _rest(self, seconds: float) -> None:
        if self.stopping.is_set():
            return
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._woken.wait()
        except TimeoutError:
            return
