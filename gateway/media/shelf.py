"""Where the bytes lie: a folder per organization, each file under its own digest."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.kit.ids import render_id
from gateway.media.models import Media


class Shelf:
    """Content-addressed files. Putting the same bytes twice keeps them once."""

    def __init__(self, *, folder: Path) -> None:
        self._folder = folder

    def path_of(self, media: Media) -> Path:
        """Where the bytes of a file lie."""
        return self._place(media.org_id, media.sha256)

    def put(self, source: Path, *, org_id: int, sha256: str) -> Path:
        """Move a finished file here and make it durable. Takes time: call it in a thread."""
        target = self._place(org_id, sha256)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync(source)
        source.replace(target)
        _sync(target.parent)
        return target

    def _place(self, org_id: int, sha256: str) -> Path:
        return self._folder / render_id("org", org_id) / sha256[:2] / sha256


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
