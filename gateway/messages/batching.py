"""Accepts many messages at once, each on its own merits, in transactions of bearable length."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from gateway.api.problems import invalid_from, problem_of
from gateway.db.tx import Tx
from gateway.kit.errors import FieldError, GatewayError, InvalidError
from gateway.messages.composer import Composer
from gateway.messages.parts import FileIn
from gateway.messages.render import render_message
from gateway.messages.requests import MessageIn
from gateway.messages.service import Messages
from gateway.principal import Principal
from sessions.content import Content

#: Files that are fetched for one batch at the same time.
_NO_ALBUMS = (FieldError(path="type", problem="An album is sent by itself, not in a batch."),)
_FETCHES = 4


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """One item with all that is slow about it done; ``error`` where that has failed already."""

    index: int
    given: Any
    request: MessageIn | None = None
    content: Content | None = None
    media_id: int | None = None
    error: GatewayError | None = None


class Batch:
    """The items of one call. Items that name the same file share one fetch."""

    def __init__(self, *, messages: Messages, composer: Composer, principal: Principal) -> None:
        self._messages = messages
        self._composer = composer
        self._principal = principal
        self._fetches = asyncio.Semaphore(_FETCHES)
        self._composed: dict[str, asyncio.Future[tuple[Content | None, int | None]]] = {}

    async def prepare(self, given: Sequence[Any], *, first_index: int) -> list[Prepared]:
        """Check and compose a stretch of items, without any transaction."""
        return list(
            await asyncio.gather(*(self._prepare(one, index) for index, one in enumerate(given, start=first_index)))
        )

    def queue(self, tx: Tx, items: Sequence[Prepared]) -> list[dict[str, object]]:
        """Accept what can be; gives the answer for each item. What is refused has written nothing."""
        return [self._queue(tx, item) for item in items]

    async def _prepare(self, given: Any, index: int) -> Prepared:
        try:
            request = MessageIn.model_validate(given)
            if request.type == "album":
                raise InvalidError("An album is many messages by itself.", fields=_NO_ALBUMS)
            content, media_id = await self._compose(request)
        except ValidationError as error:
            return Prepared(index=index, given=given, error=invalid_from(error))
        except GatewayError as error:
            return Prepared(index=index, given=given, error=error)
        return Prepared(index=index, given=given, request=request, content=content, media_id=media_id)

    async def _compose(self, request: MessageIn) -> tuple[Content | None, int | None]:
        if not isinstance(request.part, FileIn):
            return await self._composer.compose(request, org_id=self._principal.org_id)
        key = f"{request.type} {request.part.model_dump_json()}"
        if key not in self._composed:
            self._composed[key] = asyncio.ensure_future(self._fetch(request))
        return await self._composed[key]

    async def _fetch(self, request: MessageIn) -> tuple[Content | None, int | None]:
        async with self._fetches:
            return await self._composer.compose(request, org_id=self._principal.org_id)

    def _queue(self, tx: Tx, item: Prepared) -> dict[str, object]:
        if item.request is None:
            assert item.error is not None, "an item that cannot be read says why"
            return _refused(item, item.error)
        try:
            entry = self._messages.queue(
                tx, self._principal, item.request, content=item.content, media_id=item.media_id
            )
        except GatewayError as error:
            return _refused(item, error)
        message = render_message(entry.message, chat=entry.chat, contact=entry.contact)
        return {"index": item.index, "client_ref": item.request.client_ref, "message": message, "problem": None}


def _refused(item: Prepared, error: GatewayError) -> dict[str, object]:
    problem = problem_of(error)
    assert problem is not None, "errors of ours are problems"
    told = problem.document("")
    return {
        "index": item.index,
        "client_ref": _reference(item.given),
        "message": None,
        "problem": {name: told[name] for name in ("status", "code", "title", "detail", "fields")},
    }


def _reference(given: Any) -> str | None:
    reference = given.get("client_ref") if isinstance(given, dict) else None
    return reference if isinstance(reference, str) else None
