"""Builds the gateway, without starting it, only to read something off it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from gateway import __version__
from gateway.api.openapi import build_document
from gateway.assembly.face import PROBLEM_SHAPES, build_tables
from gateway.assembly.parts import build_parts
from gateway.config.settings import Config
from gateway.datafolder import DataFolder, FolderKind
from gateway.db.sqlite import SqliteDatabase
from gateway.events.catalogue import CATALOGUE
from gateway.health import Readiness
from gateway.kit.clock import SystemClock


async def openapi_document() -> str:
    """The OpenAPI document of this version, from a gateway that is built and never started."""
    with tempfile.TemporaryDirectory() as path:
        folder = DataFolder(Path(path))
        folder.prepare(FolderKind.PRODUCTION)
        database = await SqliteDatabase.open(folder.path / "empty.db")
        try:
            parts = build_parts(config=Config.model_construct(), loopback=None, folder=folder, database=database)
            tables = build_tables(parts, Readiness(checks={}, clock=SystemClock()))
            document = build_document(
                tables=tables, events=CATALOGUE, version=__version__, problem_shapes=PROBLEM_SHAPES
            )
        finally:
            await database.close()
    return json.dumps(document, indent=2, ensure_ascii=False)
