"""One child process that is started again when it dies, as systemd would do."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from gateway.exits import CannotStartError

log = structlog.get_logger(__name__)

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def die_with_parent() -> None:
    """Run in the child before exec: a parent that is killed takes its children along instead of orphaning them."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """Starts a command, waits until it is ready, and starts it again whenever it ends unasked.

    ``ready`` is awaited with the fresh process after each start; the child counts as up when it returns, and
    ``on_up`` hears of it.
    """

    def __init__(
        self,
        *,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        ready: Callable[[asyncio.subprocess.Process], Awaitable[None]],
        on_up: Callable[[], None],
        restart_seconds: float = 0.2,
        stop_seconds: float = 25.0,
        log_path: str | None = None,
        pipe_output: bool = False,
    ) -> None:
        self._name = name
        self._command = list(command)
        self._environment = dict(environment)
        self._ready = ready
        self._on_up = on_up
        self._restart_seconds = restart_seconds
        self._stop_seconds = stop_seconds
        self._log_path = log_path
        self._pipe_output = pipe_output
        self._process: asyncio.subprocess.Process | None = None
        self._minder: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int:
        """The process that runs now, or ran last."""
        return self._process.pid if self._process else 0

    @property
    def returncode(self) -> int | None:
        """How the last process ended; None while one runs."""
        return self._process.returncode if self._process else None

    async def start(self) -> None:
        """Start it, wait until it is ready, and mind it from then on."""
        await self._launch()
        self._minder = asyncio.create_task(self._mind(), name=f"mind {self._name}")

    async def stop(self) -> None:
        """Ask it to end, then insist."""
        self._stopping.set()
        if self._minder is not None:
            await self._minder
            self._minder = None

    async def _launch(self) -> None:
        output = self._open_log()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if self._pipe_output else output,
                stderr=output,
                preexec_fn=die_with_parent,
                start_new_session=True,  # Ctrl-C is for the parent, which stops its children in order
            )
        finally:
            if output is not None:
                os.close(output)
        await self._ready_or_dead(self._process)
        self._on_up()

    def _open_log(self) -> int | None:
        if self._log_path is None:
            return None
        return os.open(self._log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def _ready_or_dead(self, process: asyncio.subprocess.Process) -> None:
        ready = asyncio.ensure_future(self._ready(process))
        dead = asyncio.ensure_future(process.wait())
        done, pending = await asyncio.wait({ready, dead}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        if ready in done:
            return ready.result()
        raise ChildDiedError(self._name, process.returncode or 0, self._log_path)

    async def _mind(self) -> None:
        stopping = asyncio.ensure_future(self._stopping.wait())
        while not self._stopping.is_set():
            assert self._process is not None
            dead = asyncio.ensure_future(self._process.wait())
            await asyncio.wait({dead, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if self._stopping.is_set():
                dead.cancel()
                break
            log.warning("child process ended", child=self._name, returncode=self._process.returncode)
            await self._restart()
        stopping.cancel()
        await self._terminate()

    async def _restart(self) -> None:
        delay = self._restart_seconds
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(delay):
                    await self._stopping.wait()
            except TimeoutError:
                pass
            else:
                return
            try:
                await self._launch()
            except ChildDiedError as error:
                log.warning("child process did not start", child=self._name, returncode=error.returncode)
                delay = min(delay * 2, 5.0)
            else:
                return

    async def _terminate(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(self._stop_seconds):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


class ChildDiedError(CannotStartError):
    """A child process ended before it was ready."""

    def __init__(self, name: str, returncode: int, log_path: str | None) -> None:
        where = f"; its output is in {log_path}" if log_path else ""
        super().__init__(f"{name} ended with code {returncode} before it was ready{where}")
        self.returncode = returncode
