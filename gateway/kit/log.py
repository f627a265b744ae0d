"""Logging for the whole process: one line per fact on standard error, without secrets, bodies or numbers."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import Processor

HIDDEN = "[hidden]"

#: Keys whose values are never written, whatever they hold.
_SECRET_NAMES = re.compile(
    r"(^|_)(body|text|caption|qr|pair_code|phone|number|jid|lid|pn|push_name|token|secret|password|cookie|authorization"
    r"|api_key|credential|email)s?$"
)

#: What must not be written even inside other text, such as an exception's.
_SECRET_TEXT = re.compile(
    r"wag_[0-9A-Za-z]{8,}"  # API keys
    r"|whsec_[0-9A-Za-z+/=]{8,}"  # webhook secrets
    r"|[0-9]+(:[0-9]+)?@(s\.whatsapp\.net|lid)"  # people on WhatsApp
    r"|(?<![0-9A-Za-z_.:-])\+?[0-9]{9,15}(?![0-9A-Za-z_:-])"  # phone numbers
    r"|(?<=/pair/)[0-9A-Za-z_-]{16,}"  # pairing links
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user and password in a URL
    r"|2@[0-9A-Za-z+/=,]{40,}"  # QR codes
)

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logging(
    *, level: str = "info", style: Literal["auto", "json", "console"] = "auto", stream: TextIO | None = None
) -> None:
    """Send structlog and the standard library's logging to one stream, in one form."""
    target = stream if stream is not None else sys.stderr
    renderer = _renderer(style, target)
    structlog.configure(
        processors=[*_before(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_before(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    _quieten_libraries()


def redact(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take out what must never be written down; the last step before a line is rendered."""
    for name, value in entry.items():
        if _SECRET_NAMES.search(name):
            entry[name] = HIDDEN
        elif isinstance(value, str):
            entry[name] = hide_secrets(value)
        elif not isinstance(value, int | float | bool | None):
            entry[name] = hide_secrets(str(value))
    return entry


def hide_secrets(text: str) -> str:
    """The text with keys, numbers, addresses and links replaced."""
    return _SECRET_TEXT.sub(HIDDEN, text)


def _before() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
    ]


def _renderer(style: str, stream: TextIO) -> list[Processor]:
    if style == "console" or (style == "auto" and stream.isatty()):
        return [structlog.dev.ConsoleRenderer(colors=stream.isatty(), timestamp_key="at")]
    return [structlog.processors.JSONRenderer()]


def _soften_unreadable_requests(record: logging.LogRecord) -> bool:
    """What strangers send is no fault of ours and needs no traceback, which would even quote what they sent."""
    error = record.exc_info[1] if record.exc_info else None
    if type(error).__module__ == "aiohttp.http_exceptions":
        record.levelno, record.levelname = logging.INFO, "INFO"
        record.msg, record.args, record.exc_info = "request not readable as HTTP", (), None
    return True


def _quieten_libraries() -> None:
    """The gateway writes its own line per request and per migration; theirs name addresses and statements."""
    for name in ("aiohttp.access", "sqlalchemy.engine", "aiosqlite", "alembic", "apscheduler", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").addFilter(_soften_unreadable_requests)
