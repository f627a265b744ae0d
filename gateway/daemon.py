"""The daemon: starts the parts in order and stops them in reverse."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web

from gateway import __version__
from gateway.assembly.face import build_face
from gateway.assembly.parts import Parts, build_parts
from gateway.config.settings import Config
from gateway.datafolder import DataFolder, DataFolderError
from gateway.exits import CannotStartError
from gateway.health import Readiness, Watchdog, disk_check, services_check, store_check, writer_check
from gateway.kit.notify import Notifier
from gateway.kit.service import Service
from gateway.orgs.service import DEFAULT_ORG_ID
from gateway.startup import claim_store, listen, open_store, prepare_folder
from sessions.protocol import Loopback

log = structlog.get_logger(__name__)

#: Longest wait for one part to stop, and for all of them together; each gets a little time whatever the others took.
STOP_SECONDS: Final = 10.0
STOP_ALL_SECONDS: Final = 16.0
LEAST_STOP_SECONDS: Final = 1.0
#: How long requests that are under way may take to end.
DRAIN_SECONDS: Final = 3.0


class Daemon:
    """One gateway process. :meth:`start` returns when it serves; :meth:`stop` when everything is let go."""

    def __init__(
        self,
        *,
        config: Config,
        loopback: Loopback | None,
        notifier: Notifier,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = config
        self._loopback = loopback
        self._notifier = notifier
        self._on_lost = on_lost  #: another gateway has the store: this one must end
        self._undo: list[tuple[str, Callable[[], Awaitable[object]]]] = []
        self._services: list[Service] = []
        self._readiness: Readiness | None = None
        self.setup_url: str | None = None

    async def start(self) -> None:
        """Bring everything up; what has come up already is taken down again when something does not."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop in reverse. A part that does not stop in time or fails to is logged and left behind."""
        self._notifier.stopping()
        if self._readiness is not None:
            self._readiness.stopping = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + STOP_ALL_SECONDS
        while self._undo:
            name, stop = self._undo.pop()
            try:
                async with asyncio.timeout(max(LEAST_STOP_SECONDS, min(STOP_SECONDS, deadline - loop.time()))):
                    await stop()
            except TimeoutError:
                log.error("part did not stop in time", part=name)
            except Exception:
                log.exception("part failed to stop", part=name)

    async def _start(self) -> None:
        folder = prepare_folder(self._config, self._loopback)
        self._claim(folder)
        listener = listen(self._config)
        self._on_stop("listener", _closing(listener))
        claim = await claim_store(self._config, on_lost=self._on_lost)
        self._on_stop("claim on the store", claim.stop)
        database = await open_store(self._config)
        self._on_stop("store", database.close)
        parts = build_parts(config=self._config, loopback=self._loopback, folder=folder, database=database)
        await _check_engine(parts)
        await self._first_steps(parts)
        await self._start_parts(parts)
        await self._serve(listener, parts)

    def _claim(self, folder: DataFolder) -> None:
        try:
            folder.lock()
        except DataFolderError as error:
            raise CannotStartError(str(error)) from error
        self._on_stop("data folder", _calling(folder.unlock))
        folder.empty_spool()

    async def _first_steps(self, parts: Parts) -> None:
        database, accounts = parts.ground.database, parts.platform.accounts
        await database.write(parts.platform.orgs.ensure_default)
        await database.write(parts.fleet.progress.settle_stale)
        await parts.census.take()
        token = await accounts.make_setup_link(org_id=DEFAULT_ORG_ID)
        self.setup_url = None if token is None else f"{self._config.public_url}/setup?token={token}"
        parts.ground.folder.keep_setup_link(self.setup_url)

    async def _start_parts(self, parts: Parts) -> None:
        await parts.ground.http.start()
        self._on_stop("http client", parts.ground.http.stop)
        await self._start_service(parts.platform.hub)
        await self._start_service(parts.platform.uses)
        await self._start_service(parts.platform.lag)
        await self._start_service(parts.news.deliverer)
        await parts.fleet.engine.start()
        self._on_stop("engine", parts.fleet.engine.stop)
        # The dispatcher first settles what was in flight, for which no session may run yet.
        await self._start_service(parts.messaging.outbox.dispatcher)
        await self._start_service(parts.messaging.outbox.watch)
        await self._start_service(parts.messaging.downloader)
        await self._start_service(parts.messaging.indexer)
        await self._start_service(parts.grouping.sync)
        await self._start_service(parts.messaging.auto_reader)
        self._on_stop("call decliner", parts.calling.decliner.stop)
        await self._start_service(parts.calling.ender)
        await self._start_service(parts.scheduling.scheduler)
        await self._start_service(parts.fleet.reconciler)
        await parts.fleet.adopter.run()
        await self._start_service(parts.fleet.warden)
        self._on_stop("pairing desk", parts.fleet.desk.stop)
        await self._start_service(parts.timetable)

    async def _start_service(self, service: Service) -> None:
        await service.start()
        self._services.append(service)
        self._on_stop(service.name, service.stop)

    async def _serve(self, listener: socket.socket, parts: Parts) -> None:
        readiness = Readiness(
            checks={
                "store": store_check(parts.ground.database, parts.ground.clock),
                "writer": writer_check(parts.ground.database),
                "disk": disk_check(parts.ground.folder.path),
                "services": services_check(*self._services),
            },
            clock=parts.ground.clock,
        )
        self._readiness = readiness
        runner = web.AppRunner(
            build_face(parts, readiness),
            handle_signals=False,
            access_log=None,
            shutdown_timeout=DRAIN_SECONDS,
        )
        await runner.setup()
        self._on_stop("http server", runner.cleanup)
        await web.SockSite(runner, listener).start()
        await self._start_service(Watchdog(notifier=self._notifier, readiness=readiness, parts=("writer", "services")))
        readiness.starting = False
        self._notifier.ready(f"wagate {__version__} serves {self._config.public_url}")

    def _on_stop(self, name: str, stop: Callable[[], Awaitable[object]]) -> None:
        self._undo.append((name, stop))


async def _check_engine(parts: Parts) -> None:
    problems = await parts.fleet.engine.self_check()
    if problems:
        raise CannotStartError(f"the WhatsApp engine cannot be used: {'; '.join(problems)}")


def _calling(function: Callable[[], object]) -> Callable[[], Awaitable[object]]:
    async def call() -> object:
        return function()

    return call


def _closing(listener: socket.socket) -> Callable[[], Awaitable[object]]:
    return _calling(listener.close)
