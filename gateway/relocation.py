"""What `wagate session export` and `wagate session import` do: one phone, out of a file or into one."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.admin import OPERATOR, visiting_log
from gateway.archives.archive import ArchiveReader
from gateway.archives.sealing import demand_secret
from gateway.backup.errors import BackupError
from gateway.backup.files import written_whole
from gateway.config.settings import Config
from gateway.datafolder import DataFolder
from gateway.fleet.models import Session
from gateway.fleet.moves import Moves
from gateway.fleet.service import Sessions
from gateway.kit.clock import SystemClock
from gateway.kit.ids import IdGenerator
from gateway.moving.mover import Leaving, Mover, Places
from gateway.moving.packed import PackedSession
from gateway.startup import visited_store
from sessions.protocol import Loopback


@dataclass(frozen=True, kw_only=True)
class Gone:
    """A phone that has left, and where it is."""

    name: str
    path: Path


async def move_out(config: Config, loopback: Loopback | None, *, session: str, target: Path, secret: bytes) -> Gone:
    """Stop the session, write its archive, read that back, and let the phone go. Nothing has happened if it fails."""
    demand_secret(secret)
    async with visiting_mover(config, loopback) as mover, mover.leaving(OPERATOR, session) as leaving:
        await asyncio.to_thread(_write_and_check, leaving, target, secret)
        return Gone(name=leaving.about.name, path=target)


async def move_in(
    config: Config, loopback: Loopback | None, *, source: Path, secret: bytes, name: str | None, force: bool
) -> Session:
    """Link the phone that an archive holds. A running gateway starts it within seconds."""
    async with visiting_mover(config, loopback) as mover:
        try:
            opened = source.open("rb")
        except OSError as error:
            raise BackupError(f"{source} cannot be read: {error.strerror}") from error
        try:
            with opened:
                return await mover.take_in(OPERATOR, opened, secret, name=name, force=force)
        except OSError as error:
            raise BackupError(f"{error.filename or source}: {error.strerror}. Nothing was changed") from error


@asynccontextmanager
async def visiting_mover(config: Config, loopback: Loopback | None) -> AsyncIterator[Mover]:
    """A mover for the length of one command, beside a running gateway or without one."""
    folder = DataFolder(config.store.data_folder.absolute())
    clock = SystemClock()
    ids = IdGenerator(clock=clock, chance=random.SystemRandom())
    sessions = Sessions(clock=clock, ids=ids, events=visiting_log(clock=clock, ids=ids))
    async with visited_store(config, loopback) as database:
        yield Mover(
            database=database,
            sessions=sessions,
            moves=Moves(sessions=sessions, clock=clock),
            clock=clock,
            ids=ids,
            places=Places(
                sessions=folder.sessions, moved=folder.moved, kind="production" if loopback is None else "sandbox"
            ),
        )


def _write_and_check(leaving: Leaving, target: Path, secret: bytes) -> None:
    with written_whole(target) as (opened, _):
        leaving.pack(opened, secret)
        opened.flush()
        os.fsync(opened.fileno())
        opened.seek(0)
        archive = ArchiveReader(opened, secret)
        archive.about(PackedSession)
        for _name, _content in archive.entries():
            pass
