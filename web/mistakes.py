"""Error pages in plain words."""

from __future__ import annotations

import structlog
from aiohttp import web
from jinja2 import TemplateError

from gateway.api.problems import Problem
from web.pages import Renderer

log = structlog.get_logger(__name__)

_ADVICE = {
    401: "Sign in, then try again.",
    403: "Somebody who may do this has to do it, or give you the right to.",
    404: "The address may be mistyped, or what was here has been removed.",
    405: "Go back and try it from the page it belongs to.",
    409: "Go back, look at how things stand now, and try again.",
    410: "Ask whoever sent you here for a new link.",
    429: "Wait a moment, then try again.",
    503: "Wait a moment, then try again.",
}
_TITLES = {
    404: "There is nothing here",
    405: "That is not possible here",
    500: "Something went wrong on our side",
}
_OTHERWISE = "Go back and try again. If it happens again, tell whoever runs this gateway the request id below."


class ErrorPages:
    """Shows a problem to a person."""

    def __init__(self, *, renderer: Renderer) -> None:
        self._renderer = renderer

    def __call__(self, request: web.Request, problem: Problem, request_id: str) -> web.StreamResponse | None:
        """The page for this problem; None where even that page is broken, so that the problem is told plainly."""
        try:
            return self._renderer.page(
                "error.html",
                status=problem.status,
                title=_TITLES.get(problem.status, problem.title),
                detail=problem.detail,
                advice=_ADVICE.get(problem.status, _OTHERWISE),
                request_id=request_id,
            )
        except TemplateError:
            log.exception("error page failed")
            return None
