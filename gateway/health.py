"""Whether the gateway is alive and ready, said to people, to probes and to systemd."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, Literal

import structlog
from aiohttp import web
from pydantic import BaseModel

from gateway.api.route import Answer, Call, route
from gateway.db.models import beat
from gateway.db.tx import Database
from gateway.kit.clock import Clock
from gateway.kit.errors import NotFoundError, UnavailableError
from gateway.kit.metrics import CONTENT_TYPE, Metrics
from gateway.kit.notify import Notifier
from gateway.kit.service import Service

log = structlog.get_logger(__name__)

CHECK_SECONDS: Final = 2.0
KEPT_SECONDS: Final = 0.5
LEAST_FREE_BYTES: Final = 64 * 1024 * 1024
#: Looks at one part; gives a sentence when something is wrong.
Check = Callable[[], Awaitable[str | None]]


class Readiness:
    """Asks every part, each with a deadline; an answer is kept for half a second, however many ask."""

    def __init__(self, *, checks: Mapping[str, Check], clock: Clock) -> None:
        self._checks = checks
        self._clock = clock
        self._lock = asyncio.Lock()
        self._kept: dict[str, str | None] = {}
        self._kept_until = 0.0
        self.starting = True
        self.stopping = False

    async def problems(self) -> dict[str, str | None]:
        """What is wrong with each part; None where all is well."""
        if self.starting or self.stopping:
            return {"gateway": "starting" if self.starting else "stopping"}
        async with self._lock:
            if self._clock.monotonic() >= self._kept_until:
                answers = await asyncio.gather(*(self._ask(name, check) for name, check in self._checks.items()))
                self._kept = dict(zip(self._checks, answers, strict=True))
                self._kept_until = self._clock.monotonic() + KEPT_SECONDS
            return self._kept

    async def _ask(self, name: str, check: Check) -> str | None:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return await check()
        except TimeoutError:
            return f"no answer within {CHECK_SECONDS:g} s"
        except Exception:
            log.exception("readiness check failed", part=name)
            return "the check failed; see the log"


def store_check(database: Database, clock: Clock) -> Check:
    """Something can be kept, and can be read."""

    async def check() -> str | None:
        try:
            await database.write(lambda tx: beat(tx, clock.now()))
            await database.read(lambda tx: None)
        except UnavailableError as error:
            return error.detail
        return None

    return check


def writer_check(database: Database) -> Check:
    """The store's writer takes work. On a full disk it still does: a new start would not make room."""

    async def check() -> str | None:
        await database.write(lambda tx: None)
        return None

    return check


def services_check(*services: Service) -> Check:
    """No background service has died."""

    async def check() -> str | None:
        dead = [service.name for service in services if service.failure is not None]
        return f"died: {', '.join(dead)}" if dead else None

    return check


def disk_check(folder: Path) -> Check:
    """There is room for what comes next."""

    async def check() -> str | None:
        free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
        return None if free >= LEAST_FREE_BYTES else f"only {free // 1_048_576} MiB free in the data folder"

    return check


class HealthOut(BaseModel):
    status: Literal["ok"]
    version: str


class ReadinessOut(BaseModel):
    """``parts`` says ``ok`` or what is wrong, part by part."""

    ready: bool
    parts: dict[str, str]


class HealthRoutes:
    """``/healthz``, ``/readyz`` and ``/metrics``."""

    def __init__(self, *, readiness: Readiness, metrics: Metrics, version: str, audience: str) -> None:
        self._readiness = readiness
        self._metrics = metrics
        self._version = version
        self._audience = audience

    @route(
        "GET",
        "/healthz",
        operation="health.alive",
        summary="Whether the gateway is alive",
        tag="Health",
        public=True,
        gives=HealthOut,
    )
    async def alive(self, call: Call) -> HealthOut:
        return HealthOut(status="ok", version=self._version)

    @route(
        "GET",
        "/readyz",
        operation="health.ready",
        summary="Whether the gateway can do its work, part by part (503 when it cannot)",
        tag="Health",
        public=True,
        gives=ReadinessOut,
    )
    async def ready(self, call: Call) -> Answer:
        problems = await self._readiness.problems()
        ready = not any(problems.values())
        parts = {name: problem or "ok" for name, problem in problems.items()}
        return Answer(body=ReadinessOut(ready=ready, parts=parts), status=200 if ready else 503)

    @route(
        "GET",
        "/metrics",
        operation="health.metrics",
        summary="Metrics in Prometheus' text format",
        tag="Health",
        public=True,
        content_types=("text/plain",),
    )
    async def metrics(self, call: Call) -> web.Response:
        if not self._may_read(call.request):
            raise NotFoundError("There is nothing at this address.")
        return web.Response(body=self._metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    def _may_read(self, request: web.Request) -> bool:
        if self._audience == "loopback":
            # A request that a reverse proxy on this machine handed on comes from elsewhere.
            return request.remote in ("127.0.0.1", "::1") and "X-Forwarded-For" not in request.headers
        return self._audience == "open"


class Watchdog(Service):
    """Feeds systemd's watchdog for as long as the parts that must answer do answer."""

    def __init__(self, *, notifier: Notifier, readiness: Readiness, parts: tuple[str, ...]) -> None:
        super().__init__()
        self._notifier = notifier
        self._readiness = readiness
        self._parts = parts

    async def run(self) -> None:
        limit = self._notifier.watchdog_seconds
        if limit is None:
            return
        while not self.stopping.is_set():
            problems = await self._readiness.problems()
            sick = [name for name in self._parts if problems.get(name)]
            if sick:
                log.error("watchdog not fed", parts=sick)
            else:
                self._notifier.alive()
            await _wait(self.stopping, limit / 3)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
