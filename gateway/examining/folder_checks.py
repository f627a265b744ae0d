"""Checks of the data folder: whose it is, what lies in it, and whether there is room."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final

from gateway.backup.files import last_backup
from gateway.examining.finding import Finding, Subject, advice, fine, wrong
from gateway.fleet.render import SESSION_PREFIX
from gateway.health import LEAST_FREE_BYTES
from gateway.kit.ids import render_id
from gateway.kit.vault import Vault, VaultError
from sessions.errors import StoreError
from sessions.keycopy import JOURNAL_NAME, kept_at_rest
from sessions.keystore import KEY_STORE_NAME, is_paired

_LEAST_FREE_INODES: Final = 10_000
_LARGE_JOURNAL_BYTES: Final = 64 * 1024 * 1024
_LEFTOVERS: Final = (".backup-*", ".moving-*")


async def privacy(subject: Subject) -> Finding:
    """Nobody else may read the keys."""
    folder = subject.folder.path
    if not folder.exists():
        return fine("data folder", f"{folder} does not exist yet; `wagate serve` makes it.")
    if not os.access(folder, os.W_OK):
        return wrong("data folder", f"{folder} cannot be written to.", "Run as its owner, or change its owner.")
    if folder.stat().st_mode & 0o077:
        return advice("data folder", f"{folder} holds keys and others may read it.", f"chmod 700 {folder}")
    return fine("data folder", f"{folder} is private.")


async def owners(subject: Subject) -> Finding:
    """Everything in the folder belongs to one account: a file of root's cannot be used by the gateway."""
    folder = subject.folder.path
    if not folder.exists():
        return fine("owners", "There is nothing yet.")
    owner = folder.stat().st_uid
    strange = [path for path in _few_levels(folder) if path.lstat().st_uid != owner]
    if strange:
        sentence = f"{strange[0]} and {len(strange) - 1} others do not belong to the folder's owner."
        return wrong("owners", sentence, f"chown -R --reference={folder} {folder}")
    return fine("owners", "Everything in the data folder belongs to its owner.")


async def disk(subject: Subject) -> Finding:
    """There is room."""
    folder = _existing(subject.folder.path)
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        return wrong("disk", f"Only {free >> 20} MiB are free at {folder}.", "Make room.")
    return fine("disk", f"{free >> 30} GiB are free at {folder}.")


async def inodes(subject: Subject) -> Finding:
    """There is room for more files, however small."""
    folder = _existing(subject.folder.path)
    found = os.statvfs(folder)
    if found.f_files and found.f_favail < _LEAST_FREE_INODES:
        return wrong("inodes", f"Only {found.f_favail} more files fit at {folder}.", "Delete small files.")
    return fine("inodes", "There is room for more files.")


async def vault(subject: Subject) -> Finding:
    """The key that opens webhooks' secrets is there."""
    path = subject.folder.vault_key
    if not path.exists():
        if (subject.folder.path / "wagate.db").exists() and subject.work and subject.work.sessions:
            sentence = f"{path} is missing: secrets and headers of webhooks cannot be opened."
            return wrong("vault", sentence, "Bring it back from a backup, or rotate every webhook's secret.")
        return fine("vault", "There is no key yet; `wagate serve` makes it.")
    try:
        Vault.at(path)
    except (VaultError, OSError) as error:
        return wrong("vault", f"The vault's key cannot be used: {error}", "Bring it back from a backup.")
    return fine("vault", "The vault's key is there.")


async def key_stores(subject: Subject) -> Finding:
    """Every phone's keys can be read."""
    broken = [folder.name for folder in _session_folders(subject) if not _is_readable(folder)]
    if broken:
        sentence = f"The keys of {_named(subject, broken)} cannot be read."
        return wrong("keys", sentence, "Restore them from a backup, or link those phones again.")
    return fine("keys", f"The keys of {len(_session_folders(subject))} sessions can be read.")


async def missing_keys(subject: Subject) -> Finding:
    """Every linked session has keys."""
    sessions = [] if subject.work is None else [one for one in subject.work.sessions if one.is_linked]
    names = [
        session.name
        for session in sessions
        if not (subject.folder.sessions / render_id(SESSION_PREFIX, session.id) / KEY_STORE_NAME).exists()
    ]
    if names:
        sentence = f"Linked sessions have no keys: {', '.join(names)}."
        return wrong("missing keys", sentence, "Is store.data_folder the right one? Else link those phones again.")
    return fine("missing keys", "Every linked session has its keys.")


async def stray_keys(subject: Subject) -> Finding:
    """No keys lie about that belong to nobody."""
    if subject.work is None:
        return fine("stray keys", "The store cannot say whose keys are whose.")
    known = {render_id(SESSION_PREFIX, session.id) for session in subject.work.sessions}
    stray = [folder.name for folder in _session_folders(subject) if folder.name not in known]
    if stray:
        sentence = f"Keys of {len(stray)} sessions that the store does not know, such as {stray[0]}."
        return advice("stray keys", sentence, f"Look into {subject.folder.sessions}; delete what nobody misses.")
    return fine("stray keys", "All keys belong to sessions.")


async def workers(subject: Subject) -> Finding:
    """No worker goes on when its gateway is gone."""
    if _is_running(subject):
        return fine("workers", "The gateway is running.")
    held = []
    for folder in _session_folders(subject):
        with kept_at_rest(folder) as at_rest:
            if not at_rest:
                held.append(folder)
    if held:
        pids = ", ".join(str(pid) for pid in sorted({_holder_of(subject, folder) for folder in held}))
        sentence = f"No gateway runs, and yet a worker holds {_named(subject, [one.name for one in held])}."
        return wrong("workers", sentence, f"Wait a few seconds; if that does not help, end process {pids}.")
    return fine("workers", "No gateway and no worker is running.")


async def journals(subject: Subject) -> Finding:
    """What arrives is taken over into the store."""
    sizes = {folder.name: _size(folder / JOURNAL_NAME) for folder in _session_folders(subject)}
    large = [name for name, size in sizes.items() if size > _LARGE_JOURNAL_BYTES]
    if large:
        sentence = f"Much has arrived that the store has not taken yet: {_named(subject, large)}."
        return advice("journals", sentence, "Start the gateway; if it runs, look for errors of the store in its log.")
    return fine("journals", f"{sum(sizes.values()) >> 10} KiB wait in journals.")


async def leftovers(subject: Subject) -> Finding:
    """No working copies of keys were left by a command that was killed."""
    folder = subject.folder.path
    found = [path for pattern in _LEFTOVERS for path in folder.glob(pattern)]
    found += folder.parent.glob(f"{folder.name}.restoring")
    if found:
        sentence = f"A command was cut short and left {', '.join(path.name for path in found)}, which may hold keys."
        return advice("leftovers", sentence, f"rm -r {found[0]}, unless a backup, restore or move is running now")
    return fine("leftovers", "Nothing was left half-way.")


async def backups(subject: Subject) -> Finding:
    """There is a recent backup."""
    remedy = "wagate backup, hourly by systemd/wagate-backup.timer"
    if not (subject.folder.path / "wagate.json").exists():
        return fine("backups", "There is nothing to back up yet.")
    newest = last_backup(subject.folder)
    if newest is None:
        return advice("backups", "No backup was ever made with `wagate backup`.", remedy)
    age = subject.clock.now() - newest.at
    if age > timedelta(hours=subject.config.backup.warn_after_hours):
        return advice("backups", f"The newest backup is {age.days * 24 + age.seconds // 3600} hours old.", remedy)
    return fine("backups", f"The newest backup is of {newest.at:%Y-%m-%d %H:%M} UTC.")


def _session_folders(subject: Subject) -> list[Path]:
    return sorted(path for path in subject.folder.sessions.glob("*") if path.is_dir())


def _named(subject: Subject, folders: list[str]) -> str:
    """Sessions by the names that people gave them."""
    sessions = [] if subject.work is None else subject.work.sessions
    names = {render_id(SESSION_PREFIX, session.id): session.name for session in sessions}
    return ", ".join(names.get(folder, folder) for folder in folders)


def _is_readable(folder: Path) -> bool:
    path = folder / KEY_STORE_NAME
    if not path.exists():
        return True
    try:
        is_paired(folder)
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as keys:
            keys.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except (StoreError, sqlite3.Error):
        return False
    return True


def _is_running(subject: Subject) -> bool:
    if not (subject.folder.path / "lock").exists():
        return False
    with kept_at_rest(subject.folder.path) as at_rest:
        return not at_rest


def _holder_of(subject: Subject, folder: Path) -> int:
    """The process that holds the folder's lock, as the kernel lists it; 0 where it does not say."""
    inode = (folder / "lock").stat().st_ino
    for line in subject.machine.locks.read_text().splitlines():
        fields = line.split()
        if fields[1] == "FLOCK" and fields[5].rpartition(":")[2] == str(inode):
            return int(fields[4])
    return 0


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _few_levels(folder: Path) -> list[Path]:
    """What the gateway and its commands write; media are too many to look at each."""
    return [*folder.glob("*"), *folder.glob("sessions/*"), *folder.glob("sessions/*/*")]


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
