"""One worker process as the daemon sees it: started by exec, watched, stopped, and its last words kept."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from sessions.channel import Channel
from sessions.crash import VARIABLE
from sessions.protocol import Begin, Loopback, Probing, SessionSpec, Stop, ToDaemon

_log = logging.getLogger(__name__)

_SOURCE_ROOT = Path(__file__).resolve().parent.parent
#: The worker gets this process's import path as it is: it then needs no site initialisation, and finds the package
#: in an editable install, in a wheel and in a source tree alike.
_BOOT = "import sys; sys.path[:] = sys.argv.pop(1).split(':'); from sessions.worker.__main__ import main; main(sys.argv[1:])"
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
_LAST_WORDS_LINES = 50
_LINE_CHARACTERS = 200
_SENSITIVE = re.compile(r"\d[\d\-.:@]{5,}|[A-Za-z0-9+/=_-]{32,}")


def worker_environment(loopback: Loopback | None) -> dict[str, str]:
    """All that a worker's environment holds. Go reads it at exec only, and obeys proxy variables: hence the list."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {
        "NEONIZE_BOT_TAG": "off",
        "GOTRACEBACK": "single",
        "GOMAXPROCS": "2",
        "MALLOC_ARENA_MAX": "2",
    }
    if loopback is not None:
        environment["SSL_CERT_FILE"] = loopback.ca_file
        if VARIABLE in os.environ:
            environment[VARIABLE] = os.environ[VARIABLE]
        environment["SSL_CERT_DIR"] = str(Path(loopback.ca_file).parent / "no-other-certificates")
    return environment


class WorkerProcess:
    """A running worker. ``wait`` returns when it is gone and all that it said has been handed on."""

    def __init__(self, process: subprocess.Popen[bytes], channel: Channel) -> None:
        self.channel = channel
        self._process = process
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS_LINES)
        self._unfinished_line = b""
        self._gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.was_killed_here = False  #: it was us who ended it, not somebody outside
        channel.on_broken = self.kill
        self._watch()

    @classmethod
    async def start(
        cls,
        specs: Sequence[SessionSpec],
        *,
        pairing: bool,
        loopback: Loopback | None,
        probing: Probing | None = None,
        on_frame: Callable[[ToDaemon], None],
    ) -> WorkerProcess:
        """Start a worker for these sessions, for its whole life."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            # Nothing may be awaited once the process exists and is not yet held by anybody.
            channel = await Channel.open(ours, on_frame=on_frame)
            worker = cls(_spawn(theirs, worker_environment(loopback)), channel)
        channel.send(Begin(sessions=tuple(specs), pairing=pairing, loopback=loopback, probing=probing or Probing()))
        return worker

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_gone(self) -> bool:
        return self._gone.done()

    @property
    def last_words(self) -> str:
        """The end of what it wrote to standard error, without numbers or keys."""
        return "\n".join(self._last_words)

    async def wait(self) -> int:
        """Wait for the end; return the exit status, negative for a signal."""
        status = await asyncio.shield(self._gone)
        await self.channel.wait_closed()
        return status

    async def stop(self, *, grace_seconds: float, kill_after_seconds: float) -> int:
        """Ask it to finish and go; kill it if it does not."""
        self.channel.send(Stop(grace_seconds=grace_seconds))
        try:
            async with asyncio.timeout(kill_after_seconds):
                return await self.wait()
        except TimeoutError:
            _log.warning("worker did not stop and is killed")
            self.kill()
            return await self.wait()

    def kill(self) -> None:
        """End it at once."""
        if not self.is_gone:
            self.was_killed_here = True
            self._process.send_signal(signal.SIGKILL)

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        descriptor = os.pidfd_open(self._process.pid)
        loop.add_reader(descriptor, self._reap, descriptor)
        assert self._process.stderr is not None
        os.set_blocking(self._process.stderr.fileno(), False)
        loop.add_reader(self._process.stderr.fileno(), self._read_stderr)

    def _reap(self, descriptor: int) -> None:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
        status = self._process.wait()
        self._read_stderr()
        self._close_stderr()
        self._gone.set_result(status)

    def _read_stderr(self) -> None:
        stderr = self._process.stderr
        while stderr is not None and not stderr.closed:
            try:
                data = os.read(stderr.fileno(), 64 * 1024)
            except BlockingIOError:
                return
            if not data:
                self._close_stderr()
                return
            *lines, self._unfinished_line = (self._unfinished_line + data).split(b"\n")
            self._unfinished_line = self._unfinished_line[-4096:]
            self._last_words.extend(_redacted(line) for line in lines)

    def _close_stderr(self) -> None:
        stderr = self._process.stderr
        if stderr is not None and not stderr.closed:
            asyncio.get_running_loop().remove_reader(stderr.fileno())
            stderr.close()


def _spawn(theirs: socket.socket, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    path = ":".join(entry for entry in (*sys.path, str(_SOURCE_ROOT)) if entry)
    options = ["--fd", str(theirs.fileno()), "--parent", str(os.getpid())]
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _BOOT, path, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        bufsize=0,
        pass_fds=(theirs.fileno(),),
        env=environment,
        cwd="/",
    )


def _redacted(line: bytes) -> str:
    return _SENSITIVE.sub("#", line.decode("utf-8", "replace"))[:_LINE_CHARACTERS]
