"""Puts the pages onto the web application."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from web.pages import PageTable
from web.statics import Statics


class Site:
    """All pages and their static files."""

    def __init__(self, *, statics: Statics, tables: Sequence[PageTable]) -> None:
        self._statics = statics
        self._tables = tables

    def install(self, app: web.Application) -> None:
        """Add every page."""
        app.add_routes(self._statics.routes())
        for table in self._tables:
            app.add_routes(table.routes())
