"""Commands about files on WhatsApp's media host."""

from __future__ import annotations

from typing import Literal

from sessions.commands.base import Command, Result
from sessions.content import RemoteFile


class DownloadFile(Command, frozen=True, tag="download"):
    """Fetch and decrypt a file from WhatsApp's media host into ``path`` (created 0600, must not exist)."""

    kind: Literal["image", "video", "audio", "document", "sticker"]
    file: RemoteFile
    path: str


class FileSaved(Result, frozen=True, tag="saved"):
    size: int


FileCommand = DownloadFile
FileResult = FileSaved
