"""A systemd of our own, in namespaces over a throw-away copy of this machine, that runs the shipped unit file."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
CHECKOUT = HERE.parent.parent
UNITS = CHECKOUT / "systemd"
LOG = "/var/log/wagate.log"
_TARGET = "[Unit]\nDescription=Nothing but what is tested\nDefaultDependencies=no\nAllowIsolate=yes\n"
_NAMESPACES = ("--mount", "--pid", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child")
_PROGRAMS = ("unshare", "nsenter", "chroot", "pivot_root")


class NoNestError(Exception):
    """This machine does not let a second systemd run."""


def why_not() -> str | None:
    """Why it cannot be tried here at all; None when it can."""
    if os.geteuid() != 0:
        return "needs root"
    if not Path("/lib/systemd/systemd").exists():
        return "systemd is not installed"
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    return f"{', '.join(missing)} not installed" if missing else None


class Nest:
    """Boot it, ask its systemctl, throw it away. ``folder`` must not exist yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._init = 0

    @property
    def console(self) -> str:
        """What systemd and the units have said."""
        return (self._folder / "console").read_text("utf-8", "replace")

    def lay_out(self, *, exec_start: str, config: str, settings: Sequence[str]) -> None:
        """Put the shipped unit in place, with the command of this checkout instead of the installed one."""
        files = self._folder / "files"
        units = files / "etc/systemd/system"
        for path in (self._folder / "over", units / "wagate.service.d", files / "etc/sysusers.d", files / "etc/wagate"):
            path.mkdir(parents=True)
        (files / "etc/tmpfiles.d").mkdir()
        shutil.copy(UNITS / "wagate.service", units)
        shutil.copy(UNITS / "wagate.sysusers", files / "etc/sysusers.d/wagate.conf")
        shutil.copy(UNITS / "wagate.tmpfiles", files / "etc/tmpfiles.d/wagate.conf")
        self.put("/etc/wagate/config.toml", config)
        (units / "nest.target").write_text(_TARGET, "utf-8")
        lines = ["[Service]", "ExecStart=", f"ExecStart={exec_start}", *_reaching_the_code(files), *settings]
        lines += [f"StandardOutput=append:{LOG}", f"StandardError=append:{LOG}"]
        (units / "wagate.service.d/checkout.conf").write_text("\n".join(lines) + "\n", "utf-8")

    def put(self, path: str, text: str) -> None:
        """A file that is there when it boots."""
        file = self._folder / "files" / path.lstrip("/")
        file.write_text(text, "utf-8")
        file.chmod(0o644)

    async def boot(self) -> None:
        """Start it; raises NoNestError where the machine does not allow it."""
        with (self._folder / "console").open("wb") as console:
            self._process = await asyncio.create_subprocess_exec(
                "unshare", *_NAMESPACES, "sh", str(HERE / "boot.sh"), str(self._folder), stdout=console, stderr=console
            )
        try:
            async with asyncio.timeout(20):
                while not await self._is_up():
                    if self._process.returncode is not None:
                        raise NoNestError(self.console[-300:])
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise NoNestError(self.console[-300:]) from None

    async def systemctl(self, *words: str) -> str:
        """What ``systemctl`` answers; its exit code is not looked at."""
        return await self._inside("systemctl", "--no-pager", *words)

    async def show(self, name: str) -> str:
        """One property of the unit."""
        return (await self.systemctl("show", "--value", f"--property={name}", "wagate.service")).strip()

    async def read(self, path: str) -> str:
        """A file's text as it is inside."""
        return (await self._inside("cat", path)).strip()

    async def write(self, path: str, text: str) -> None:
        """Give a file another text."""
        await self._inside("sh", "-c", 'printf %s "$1" > "$0"', path, text)

    async def processes(self) -> list[str]:
        """What the service's user runs."""
        return (await self._inside("ps", "-u", "wagate", "-o", "args=")).splitlines()

    async def shut_down(self) -> None:
        """Kill it with everything in it; its files lived in memory."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()

    async def _is_up(self) -> bool:
        if not (self._folder / "booting").exists():
            return False
        assert self._process is not None, "boot() first"
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text("utf-8").split()
        if not children:
            return False
        self._init = int(children[0])
        return "running" in await self.systemctl("is-system-running")

    async def _inside(self, *words: str) -> str:
        enter = ["nsenter", "--target", str(self._init), "--mount", "--pid", "--ipc", "--uts", "--cgroup", "--root"]
        process = await asyncio.create_subprocess_exec(
            *enter, "--wd=/", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        answer, _ = await process.communicate()
        return answer.decode()


def _reaching_the_code(files: Path) -> list[str]:
    """Show the interpreter and the checkout to the service, wherever they lie on this machine.

    boot.sh binds each of them to a place of its own first: what lies in /tmp is hidden from a unit with PrivateTmp.
    """
    lines = []
    places = sorted({str(Path(place).resolve()) for place in (sys.prefix, sys.base_prefix, CHECKOUT)} - {"/usr"})
    for number, place in enumerate(places):
        (files / f"opt/code/{number}").mkdir(parents=True)
        (files / f"opt/code/{number}.from").write_text(place, "utf-8")
        lines.append(f"BindReadOnlyPaths=/opt/code/{number}:{place}")
    if any(place.startswith(("/root", "/home")) for place in places):
        lines.append("ProtectHome=tmpfs")
    return lines
