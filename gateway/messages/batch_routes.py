"""Many messages in one call, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.api.route import Call, route
from gateway.db.tx import Database, Tx
from gateway.messages.batching import Batch, Prepared
from gateway.messages.composer import Composer
from gateway.messages.requests import BatchIn
from gateway.messages.routes import SEND_LIMIT_BYTES
from gateway.messages.schemas import BatchOut
from gateway.messages.service import Messages


class BatchRoutes:
    """``/api/v1/messages/batch``."""

    def __init__(self, *, database: Database, messages: Messages, composer: Composer, chunk: int = 50) -> None:
        self._database = database
        self._messages = messages
        self._composer = composer
        self._chunk = chunk  #: messages that share a transaction: others may write between two of them

    @route(
        "POST",
        "/api/v1/messages/batch",
        operation="messages.batch",
        summary="Send up to 1,000 messages",
        tag="messages",
        scope="messages.send",
        description="Every message is accepted or refused by itself; `items` says which, in your order. With an "
        "Idempotency-Key a call that broke off can be repeated: what was accepted is not accepted again.",
        takes=BatchIn,
        gives=BatchOut,
        status=202,
        idempotent_key=True,
        body_limit_bytes=SEND_LIMIT_BYTES,
    )
    async def send(self, call: Call) -> dict[str, object]:
        given: Sequence[Any] = call.body.messages
        batch = Batch(messages=self._messages, composer=self._composer, principal=call.caller)
        items: list[dict[str, object]] = []
        for first in range(0, len(given), self._chunk):
            stretch = given[first : first + self._chunk]
            is_last = first + self._chunk >= len(given)
            items += await self._accept(call, batch, stretch, before=items, is_last=is_last)
        return _answer(items)

    async def _accept(
        self, call: Call, batch: Batch, stretch: Sequence[Any], *, before: list[dict[str, object]], is_last: bool
    ) -> list[dict[str, object]]:
        """One transaction, which also keeps what came of it: a crash leaves both or neither."""
        name = f"from {len(before)}"
        done: list[dict[str, object]] | None = await call.recall_part(name)
        if done is not None:
            return done
        prepared: list[Prepared] = await batch.prepare(stretch, first_index=len(before))

        def work(tx: Tx) -> list[dict[str, object]]:
            items = batch.queue(tx, prepared)
            if is_last:
                call.remember(tx, _answer(before + items))
            else:
                call.remember_part(tx, name, items)
            return items

        return await self._database.write(work)


def _answer(items: list[dict[str, object]]) -> dict[str, object]:
    refused = sum(item["problem"] is not None for item in items)
    return {"accepted": len(items) - refused, "refused": refused, "items": items}
