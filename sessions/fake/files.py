"""The fake's media host."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from sessions.commands.files import DownloadFile, FileSaved
from sessions.content import RemoteFile
from sessions.errors import MediaUnavailableError
from sessions.fake.parts import FakeSession
from sessions.fake.world import Answers, FakeWorld


class PlaysFiles:
    """Puts files where sessions can fetch them."""

    _world: FakeWorld

    def keep_file(self, data: bytes, mimetype: str) -> RemoteFile:
        """Put a file on the fake media host, for content that arrives."""
        file = RemoteFile(
            direct_path=f"/fake/{next(self._world.ids)}",
            media_key=secrets.token_bytes(32),
            sha256=hashlib.sha256(data).digest(),
            encrypted_sha256=secrets.token_bytes(32),
            size=len(data),
            mimetype=mimetype,
        )
        self._world.files[file.direct_path] = data
        return file

    def lose_files(self) -> None:
        """The media host has thrown everything away."""
        self._world.files.clear()


def download(world: FakeWorld, session: FakeSession, command: DownloadFile) -> FileSaved:
    data = world.files.get(command.file.direct_path)
    if data is None:
        raise MediaUnavailableError
    with Path(command.path).open("xb") as target:
        target.write(data)
    return FileSaved(size=len(data))


ANSWERS: Answers = {DownloadFile: download}
