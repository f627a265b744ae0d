"""A phone's line to the service, without a service."""

from __future__ import annotations

import asyncio

from sessions.sandbox.phones.line import PhoneLine
from sessions.sandbox.wire.node import Node


async def test_who_is_cancelled_as_the_answer_comes_is_cancelled() -> None:
    """A phone that is told to stop at that moment would otherwise run on."""
    asked: asyncio.Future[Node] = asyncio.get_running_loop().create_future()

    async def dispatch(node: Node) -> None:
        asked.set_result(node)

    line = PhoneLine(dispatch=dispatch)
    asking = asyncio.create_task(line.ask("w:test", Node("test")))
    question = await asked
    line.take(Node("iq", {"id": question.text("id"), "type": "result"}))
    asking.cancel()

    (outcome,) = await asyncio.gather(asking, return_exceptions=True)

    assert isinstance(outcome, asyncio.CancelledError)
