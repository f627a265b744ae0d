"""Accepts a message from a caller: what is slow first, then the transaction that queues it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gateway.db.tx import Database, Tx
from gateway.messages.composer import Composer
from gateway.messages.parts import AlbumIn, FileIn
from gateway.messages.render import render_message
from gateway.messages.requests import MessageIn
from gateway.messages.service import Messages
from gateway.principal import Principal

T = TypeVar("T")
Shown = dict[str, object]


class Sender:
    """The one way from a request to the queue, whichever door the request came through."""

    def __init__(self, *, database: Database, messages: Messages, composer: Composer) -> None:
        self._database = database
        self._messages = messages
        self._composer = composer

    async def send(self, principal: Principal, request: MessageIn, *, answer: Callable[[Tx, Shown], T]) -> T:
        """Queue a message; ``answer`` makes of its JSON, in the same transaction, what the caller is told."""
        if isinstance(request.part, (FileIn, AlbumIn)):
            # What cannot be sent anyway is not worth a download.
            await self._database.read(lambda tx: self._messages.sending_session(tx, principal, request.session))
        content, media_id = await self._composer.compose(request, org_id=principal.org_id)
        items = await self._composer.items(request, org_id=principal.org_id)

        def queue(tx: Tx) -> T:
            entry = self._messages.queue(tx, principal, request, content=content, media_id=media_id, items=items)
            return answer(tx, render_message(entry.message, chat=entry.chat, contact=entry.contact))

        return await self._database.write(queue)
