"""Runs every check, in an order in which what explains the rest comes first. None of them changes anything."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from gateway.assembly.fleet import build_engine
from gateway.config.settings import Config
from gateway.datafolder import DataFolder
from gateway.db.database import open_database
from gateway.db.migrate import current, head
from gateway.examining import engine_checks, face_checks, folder_checks, host_checks, outside_checks, store_checks
from gateway.examining.finding import Check, Finding, Subject, Verdict
from gateway.examining.work_checks import OF_WORK
from gateway.examining.work_store import Work, look
from gateway.kit.clock import SystemClock
from sessions.engine import StatusChange
from sessions.events import Report

OF_MACHINE: Final[tuple[Check, ...]] = (
    engine_checks.engine,
    store_checks.reach,
    store_checks.version,
    store_checks.latency,
    store_checks.file_system,
    folder_checks.privacy,
    folder_checks.owners,
    folder_checks.disk,
    folder_checks.inodes,
    folder_checks.vault,
    folder_checks.key_stores,
    folder_checks.missing_keys,
    folder_checks.stray_keys,
    folder_checks.workers,
    folder_checks.journals,
    folder_checks.leftovers,
    folder_checks.backups,
    host_checks.account,
    host_checks.port,
    host_checks.ffmpeg,
    host_checks.clock,
    host_checks.descriptors,
    host_checks.memory,
    host_checks.systemd,
    face_checks.public_url,
    face_checks.cookies,
    face_checks.proxies,
)
OUTSIDE: Final[tuple[Check, ...]] = (outside_checks.names, outside_checks.whatsapp)


class _Nobody:
    """Listens to an engine that is only asked about itself."""

    async def on_reports(self, reports: Sequence[Report]) -> None:
        raise AssertionError("no session runs")

    async def on_status(self, change: StatusChange) -> None:
        raise AssertionError("no session runs")


async def examine(config: Config, *, online: bool = False) -> list[Finding]:
    """What the doctor says of this machine. Only ``online`` leaves it."""
    subject = Subject(
        config=config,
        folder=DataFolder(config.store.data_folder.absolute()),
        engine=build_engine(config, None, _Nobody()),
        clock=SystemClock(),
        environment=os.environ,
        work=await _work_of(config),
    )
    checks = [*OF_MACHINE, *(OF_WORK if subject.work is not None else ()), *(OUTSIDE if online else ())]
    return [await _made(check, subject) for check in checks]


async def _made(check: Check, subject: Subject) -> Finding:
    """A check that cannot be made is a finding, and no reason to make no others."""
    try:
        return await check(subject)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        name = check.__name__.replace("_", " ")
        what = f"This could not be looked at: {type(error).__name__}: {error}"
        return Finding(name=name, verdict=Verdict.ADVICE, sentence=what, remedy="Run it as the gateway's user.")


async def _work_of(config: Config) -> Work | None:
    """What the store says, where it can be read and is of this version; the check of the store says why it is not."""
    is_own_file = not config.store.url and not config.store.url_file
    if is_own_file and not (config.store.data_folder / "wagate.db").exists():
        return None
    try:
        if await current(config.database_url) != head():
            return None
        database = await open_database(config.database_url, guest=True)
    except Exception:  # noqa: BLE001 - it is found again, and told, by the check of the store
        return None
    try:
        return await database.read(look)
    finally:
        await database.close()
