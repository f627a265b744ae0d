"""Looks at the page behind a link, for what a message shows of it: its title, its description and a small picture."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import structlog

from gateway.kit.guard import AddressRefusedError
from gateway.kit.guarded_http import GuardedHttp, RequestFailedError
from gateway.media.picture_reader import PictureReader
from gateway.media.pictures import PictureRefusedError
from gateway.media.spool import Spool
from sessions.content import Preview

log = structlog.get_logger(__name__)

PAGE_BYTES = 512 * 1024
PICTURE_BYTES = 5 * 1024 * 1024
MOST_REDIRECTS = 3
_TITLE_LIMIT = 200
_DESCRIPTION_LIMIT = 400
_LINK = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_CHARSET = re.compile(r"charset=([\w-]+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class _Page:
    url: str
    type: str
    body: bytes


class LinkReader:
    """Fetches behind the address guard: bounded in time and size, and each redirect is judged like the first address."""

    def __init__(
        self, *, http: GuardedHttp, spool: Spool, pictures: PictureReader, timeout_seconds: float = 10.0
    ) -> None:
        self._http = http
        self._spool = spool
        self._pictures = pictures
        self._timeout_seconds = timeout_seconds

    async def read(self, text: str) -> Preview | None:
        """What is shown of the first link in a text; None where there is none, or nothing can be had."""
        found = _LINK.search(text)
        if found is None:
            return None
        url = found.group().rstrip(".,;:!?)]}'")
        try:
            page = await self._fetch(url, PAGE_BYTES)
        except (AddressRefusedError, RequestFailedError) as error:
            log.info("no preview of a link", code=getattr(error, "code", "address_refused"))
            return None
        if page is None or not page.type.startswith(("text/html", "application/xhtml")):
            return None
        head = _read_head(page)
        title = head.said.get("og:title") or head.title.strip()
        if not title:
            return None
        return Preview(
            url=url,
            title=_line(title, _TITLE_LIMIT),
            description=_line(
                head.said.get("og:description") or head.said.get("description") or "", _DESCRIPTION_LIMIT
            ),
            thumbnail=await self._picture(page.url, head.said.get("og:image")),
        )

    async def _picture(self, base: str, address: str | None) -> bytes | None:
        if not address:
            return None
        try:
            picture = await self._fetch(urljoin(base, address), PICTURE_BYTES)
        except (AddressRefusedError, RequestFailedError, ValueError):
            return None
        if picture is None:
            return None
        arrived = await self._spool.receive_bytes(picture.body)
        try:
            return (await self._pictures.look_at(arrived.path)).thumbnail
        except PictureRefusedError:
            return None
        finally:
            await asyncio.to_thread(arrived.path.unlink, missing_ok=True)

    async def _fetch(self, url: str, limit_bytes: int) -> _Page | None:
        for _ in range(MOST_REDIRECTS + 1):
            async with self._http.request("GET", url, timeout_seconds=self._timeout_seconds) as response:
                if response.status == 200:
                    body, _ = await response.read(limit_bytes)
                    kind = response.headers.get("Content-Type") or ""
                    return _Page(url=url, type=kind.lower(), body=body) if body else None
                location = response.headers.get("Location")
                if response.status not in (301, 302, 303, 307, 308) or location is None:
                    return None
                url = urljoin(url, location)
        return None


@dataclass
class _Head:
    title: str = ""
    said: dict[str, str] = field(default_factory=dict)


class _HeadParser(HTMLParser):
    """Reads the title and the meta elements; whatever is odd about a page is passed over."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.head = _Head()
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_title = tag == "title" and not self.head.title
        if tag != "meta":
            return
        found = dict(attrs)
        name = (found.get("property") or found.get("name") or "").lower()
        if name and found.get("content"):
            self.head.said.setdefault(name, str(found["content"]))

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.head.title += data


def _read_head(page: _Page) -> _Head:
    named = _CHARSET.search(page.type)
    try:
        text = page.body.decode(named.group(1) if named else "utf-8", "replace")
    except LookupError:
        text = page.body.decode("utf-8", "replace")
    parser = _HeadParser()
    parser.feed(text)
    return parser.head


def _line(text: str, limit: int) -> str:
    return " ".join(text.replace("\x00", "").split())[:limit]
