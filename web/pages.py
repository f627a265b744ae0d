"""Renders templates into pages with the headers that every page has."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway.kit.times import render_time
from gateway.principal import Principal
from web.statics import Statics

_FOLDER = Path(__file__).parent / "templates"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class PageTable(Protocol):
    """A module's pages."""

    def routes(self) -> Any:
        """Their aiohttp route definitions."""


class Renderer:
    """Fills templates. Everything is escaped unless it is markup of our own."""

    def __init__(self, *, statics: Statics, version: str) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(static=statics.url, version=version)
        self._environment.filters.update(moment=_moment, exact=_exact)

    def page(
        self,
        template: str,
        *,
        principal: Principal | None = None,
        status: int = 200,
        **values: object,
    ) -> web.Response:
        """A whole page; ``principal`` is who is signed in."""
        text = self._environment.get_template(template).render(principal=principal, **values)
        return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)


def _moment(value: datetime) -> Markup:
    """A time that scripts turn into "5 minutes ago" where they are on."""
    return Markup('<time datetime="{}">{}</time>').format(render_time(value), _readable(value))


def _exact(value: datetime) -> Markup:
    """A time that scripts only put into the reader's own zone."""
    return Markup('<time datetime="{}" data-exact>{}</time>').format(render_time(value), _readable(value))


def _readable(value: datetime) -> str:
    return value.strftime("%-d %B %Y, %H:%M UTC")
