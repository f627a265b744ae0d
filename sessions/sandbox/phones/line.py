"""A phone's line to the service: stanzas out, and the answers that belong to them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from sessions.address import Jid
from sessions.sandbox.state.errors import SandboxError
from sessions.sandbox.wire.node import SERVER, Attrs, Node

ANSWER_SECONDS = 10.0

Dispatch: TypeAlias = Callable[[Node], Awaitable[None]]


class MessageRefusedError(SandboxError):
    """The service refused the message."""

    code = "message_refused"


class NoAnswerError(SandboxError):
    """The service did not answer in time."""

    code = "no_answer"


class QueryRefusedError(SandboxError):
    """The service refused what the phone asked for."""

    code = "query_refused"


class PhoneLine:
    """Sends, and waits for acks and iq results; everything else that comes in is for somebody else."""

    def __init__(self, *, dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        self._numbers = itertools.count(1)
        self._waiting: dict[tuple[str, str], asyncio.Future[Node]] = {}

    async def send(self, node: Node) -> None:
        """Send a stanza that nobody answers."""
        await self._dispatch(node)

    async def send_message(self, node: Node) -> None:
        """Send a message and wait until the service has taken it."""
        answer = await self._exchange(("ack", node.text("id")), node)
        if answer.text("error"):
            raise MessageRefusedError(f"the service refused the message with code {answer.text('error')}")

    async def ask(self, space: str, child: Node) -> Node:
        """Send an iq that sets something, and return its answer."""
        number = f"phone-{next(self._numbers)}"
        return await self._exchange(
            ("iq", number), Node("iq", {"id": number, "type": "set", "xmlns": space, "to": SERVER}, [child])
        )

    async def query(self, space: str, child: Node | None, *, to: Jid, target: Jid | None = None) -> Node:
        """Send an iq that sets something; its answer, or QueryRefusedError."""
        number = f"phone-{next(self._numbers)}"
        attrs: Attrs = {"id": number, "type": "set", "xmlns": space, "to": to, "target": target}
        answer = await self._exchange(("iq", number), Node("iq", attrs, [child] if child else None))
        if answer.text("type") == "error":
            refusal = answer.require("error")
            raise QueryRefusedError(f"the service refused with {refusal.text('code')} {refusal.text('text')}")
        return answer

    def take(self, node: Node) -> bool:
        """Whether a stanza was the answer to something sent from here."""
        is_ack = node.tag == "ack" and node.text("class") == "message"
        if not is_ack and node.tag not in ("iq", "ack"):
            return False
        waiting = self._waiting.get((node.tag, node.text("id")))
        if waiting is not None and not waiting.done() and (is_ack or node.tag == "iq"):
            waiting.set_result(node)
        return True

    async def _exchange(self, key: tuple[str, str], node: Node) -> Node:
        answer: asyncio.Future[Node] = asyncio.get_running_loop().create_future()
        self._waiting[key] = answer
        try:
            await self._dispatch(node)
            async with asyncio.timeout(ANSWER_SECONDS):
                return await answer
        except TimeoutError as error:
            raise NoAnswerError from error
        finally:
            del self._waiting[key]
