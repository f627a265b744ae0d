"""A data folder with a store, phones and media, as a gateway leaves it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gateway.backup import command
from gateway.backup.contents import Tally
from gateway.backup.restoring import Restored
from gateway.config.settings import Config
from gateway.datafolder import DataFolder, FolderKind
from gateway.db.database import open_database
from gateway.db.migrate import upgrade
from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.fleet.models import Session
from gateway.fleet.render import session_id as rendered_id
from gateway.fleet.service import Sessions
from gateway.kit.clock import SystemClock
from gateway.kit.ids import IdGenerator
from gateway.kit.vault import Vault
from gateway.principal import Principal, PrincipalKind
from sessions.status import SessionStatus
from tests.conftest import add_org

T = TypeVar("T")

SECRET = b"correct horse battery"
SYSTEM = Principal(org_id=1, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",))
_HOLD = """
import fcntl, sys
held = open(sys.argv[1], "a+")
fcntl.flock(held, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


class Premises:
    """One gateway's data folder. The gateway itself does not run."""

    def __init__(self, folder: Path, clock: Any, ids: IdGenerator, url: str = "") -> None:
        self.config = Config(store={"data_folder": str(folder), "url": url})
        self.folder = DataFolder(folder)
        self.events = EventLog(clock=clock)
        self.sessions = Sessions(clock=clock, ids=ids, events=self.events)
        self._clock = clock

    async def make(self, template: Path | None = None) -> None:
        """An empty gateway with one organization; its store is a copy of an empty one, if there is one."""
        self.folder.prepare(FolderKind.PRODUCTION)
        Vault.at(self.folder.vault_key)
        if template is not None:
            shutil.copy(template, self.folder.path / "wagate.db")
        else:
            await upgrade(self.config.database_url)
        await self.write(lambda tx: add_org(tx, self._clock))

    async def write(self, work: Callable[[Tx], T]) -> T:
        database = await open_database(self.config.database_url)
        try:
            return await database.write(work)
        finally:
            await database.close()

    async def read(self, work: Callable[[Tx], T]) -> T:
        database = await open_database(self.config.database_url)
        try:
            return await database.read(work)
        finally:
            await database.close()

    async def link(self, name: str) -> Session:
        """A session with keys and a journal, connected when it was seen last."""

        def work(tx: Tx) -> Session:
            session = self.sessions.create(tx, SYSTEM, name=name)
            session.paired_at, session.phone = self._clock.now(), "+4915110000001"
            session.pn, session.lid = f"{session.id}@s.whatsapp.net", None
            self.sessions.set_status(tx, session, SessionStatus.CONNECTED)
            return session

        session = await self.write(work)
        folder = self.keys_of(session)
        folder.mkdir(mode=0o700)
        (folder / "lock").touch()
        (folder / "journal").write_bytes(b"wajrnl01")
        write_keys(folder / "keys.db", "CREATE TABLE whatsmeow_device (jid TEXT PRIMARY KEY)")
        write_keys(folder / "keys.db", f"INSERT INTO whatsmeow_device VALUES ('{session.id}')")
        return session

    async def session(self, name: str) -> Session:
        return await self.read(lambda tx: self.sessions.get(tx, SYSTEM, name))

    def keys_of(self, session: Session) -> Path:
        return self.folder.sessions / rendered_id(session)

    def keep_media(self, content: bytes) -> Path:
        digest = hashlib.sha256(content).hexdigest()
        path = self.folder.media / "org_0000000000001" / digest[:2] / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


@pytest.fixture
async def premises(tmp_path: Path, clock: Any, ids: IdGenerator, sqlite_template: Path) -> Premises:
    """A gateway on SQLite, with one linked phone and one file."""
    made = Premises(tmp_path / "data", clock, ids)
    await made.make(sqlite_template)
    await made.link("shop")
    made.keep_media(b"a picture" * 1000)
    return made


async def back_up(premises: Premises, target: Path, **more: Any) -> tuple[Path, Tally]:
    """As `wagate backup` does it."""
    options: dict[str, Any] = {"secret": SECRET, "with_media": True, "keep": None} | more
    path, tally = await command.back_up(premises.config, target=target, **options)
    assert path is not None
    return path, tally


async def bring_back(premises: Premises, file: Path, into: Path, *, force_sessions: bool = False) -> Restored:
    """As `wagate restore` does it."""
    return await command.restore(premises.config, file=file, into=into, secret=SECRET, force_sessions=force_sessions)


def premises_at(folder: Path, url: str = "") -> Premises:
    """What was restored."""
    clock = SystemClock()
    return Premises(folder, clock, IdGenerator(clock=clock, chance=random.Random(1)), url)


def write_keys(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as keys:
        keys.execute("PRAGMA journal_mode=WAL")
        keys.execute(statement)
        keys.commit()


@contextmanager
def held_by_another(path: Path) -> Iterator[None]:
    """Another process holds a lock, as a worker or a gateway does."""
    holder = subprocess.Popen([sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        yield
    finally:
        holder.communicate()


def tree_of(folder: Path) -> dict[str, str]:
    """Every file with its digest."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


async def gateway_command(
    *arguments: str, stdin: bytes = b"", under: tuple[str, ...] = (), **environment: str
) -> tuple[int, bytes, str]:
    """Run `wagate` as a process of its own, perhaps under another program; give code, output and complaint."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAGATE_")}
    process = await asyncio.create_subprocess_exec(
        *(*under, sys.executable, "-m", "gateway", *arguments),
        env=inherited | {"PYTHONPATH": str(Path(__file__).parents[2])} | environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaint = await process.communicate(stdin)
    assert process.returncode is not None
    return process.returncode, output, complaint.decode()
