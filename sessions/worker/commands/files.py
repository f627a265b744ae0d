"""Fetches files from WhatsApp's media host."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from sessions.commands.files import DownloadFile, FileSaved
from sessions.errors import InvalidRequestError, MediaUnavailableError
from sessions.worker.commands.area import Area, Desk
from sessions.worker.guard import files


def download(desk: Desk, command: DownloadFile) -> FileSaved:
    data = files.download(desk.handle, command.kind, command.file)
    if command.file.sha256 and hashlib.sha256(data).digest() != command.file.sha256:
        raise MediaUnavailableError("The file that came is not the one that was announced.")
    try:
        fd = os.open(Path(command.path), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InvalidRequestError("The file cannot be written where it should go.") from error
    with os.fdopen(fd, "wb") as target:
        target.write(data)
    return FileSaved(size=len(data))


AREA = Area(does={DownloadFile: download})
