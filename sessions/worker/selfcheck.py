"""Proves, before a session starts, that the WhatsApp library is the one this code was written for."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from sessions.protobuf import package_folder
from sessions.worker.ffi.library import EXPORTS, Library

ENGINE_VERSION = "0.5.2"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


class EngineUnusableError(Exception):
    """The library is missing, altered or another version."""


def library_path(machine: str) -> Path:
    """Where the library for this kind of machine lies inside the installed distribution."""
    path = package_folder() / f"neonize-linux-{_MACHINES.get(machine, machine)}.so"
    if not path.is_file():
        raise EngineUnusableError(f"the engine has no library for {machine}")
    return path.resolve()


def check_file(path: Path) -> None:
    """Compare the file with the hash that its distribution records for it."""
    recorded = _recorded_sha256(path.name)
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").digest()
    if actual != recorded:
        raise EngineUnusableError("the engine's library differs from the one that was installed")


def check_loaded(library: Library) -> None:
    """Ask the loaded library what it is and whether it has what we need."""
    missing = [name for name in EXPORTS if not library.exports(name)]
    if missing:
        raise EngineUnusableError(f"the engine's library lacks {', '.join(missing)}")
    version = library.version()
    if version != ENGINE_VERSION:
        raise EngineUnusableError(f"the engine's library is version {version}, not {ENGINE_VERSION}")
    if b"test-id" not in library.test_struct():
        raise EngineUnusableError("the engine's library does not give structures back as expected")


def _recorded_sha256(name: str) -> bytes:
    # importlib.metadata would do this too, but brings the e-mail package into a process that must stay small.
    folder = package_folder()
    entry = f"{folder.name}/{name},sha256="
    for record in folder.parent.glob(f"{folder.name}-*.dist-info/RECORD"):
        for line in record.read_text().splitlines():
            if line.startswith(entry):
                digest = line.removeprefix(entry).partition(",")[0]
                return base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4))
    raise EngineUnusableError("the engine's distribution records no hash of its library")
