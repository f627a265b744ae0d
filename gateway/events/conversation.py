"""What is said on one WebSocket once its caller is known: the caller subscribes, we tell events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.api.problems import invalid_from
from gateway.api.sockets import CloseCode, CloseError, Socket
from gateway.events.asking import Asking, read_position
from gateway.events.hub import EventHub, Heard, Passed, Reset
from gateway.events.interest import Interest
from gateway.kit.errors import GatewayError
from gateway.kit.ids import render_id
from gateway.principal import Principal

LOOK_EVERY_SECONDS: Final = 1.0
#: Between two looks; who says more than that is not following events.
MOST_MESSAGES_AT_ONCE: Final = 50
_CLOSE_CODES: Final = {
    401: CloseCode.UNAUTHORIZED,
    403: CloseCode.FORBIDDEN,
    404: CloseCode.NOT_FOUND,
    422: CloseCode.INVALID,
    429: CloseCode.TOO_MANY,
}

StillAllowed = Callable[[], Awaitable[bool]]


class Subscribe(BaseModel):
    """Which events the caller wants from now on; replaces what it wanted before."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["subscribe"] = "subscribe"
    after: str | None = Field(None, max_length=100)
    types: list[str] | None = Field(None, max_length=100)
    sessions: list[str] | None = Field(None, max_length=100)


class Conversation:
    """Reads what the caller says and tells it events, until one of both ends it."""

    def __init__(
        self,
        *,
        socket: Socket,
        caller: Principal,
        hub: EventHub,
        asking: Asking,
        still_allowed: StillAllowed,
        look_every_seconds: float = LOOK_EVERY_SECONDS,
    ) -> None:
        self._socket = socket
        self._caller = caller
        self._hub = hub
        self._asking = asking
        self._still_allowed = still_allowed
        self._look_every_seconds = look_every_seconds
        self._telling: asyncio.Task[None] | None = None

    async def run(self, asked: Subscribe | None) -> None:
        """Say that it begins; ``asked`` is what the address asked for already."""
        await self._socket.send(_encode({"type": "ready"}))
        try:
            if asked is not None:
                await self._subscribe(asked)
            await self._converse()
        finally:
            await self._stop_telling()

    async def _converse(self) -> None:
        loop = asyncio.get_running_loop()
        looked, said = loop.time(), 0
        receiving = asyncio.create_task(self._socket.receive())
        try:
            while True:
                await self._wait_for(receiving, looked + self._look_every_seconds - loop.time())
                if receiving.done():
                    await self._answer(receiving.result())
                    receiving, said = asyncio.create_task(self._socket.receive()), said + 1
                if said > MOST_MESSAGES_AT_ONCE:
                    raise CloseError(CloseCode.TOO_MANY, "Too many messages.")
                if loop.time() >= looked + self._look_every_seconds:
                    await self._look()
                    looked, said = loop.time(), 0
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    async def _wait_for(self, receiving: asyncio.Task[dict[str, Any]], seconds: float) -> None:
        waiting: set[asyncio.Task[Any]] = {receiving}
        if self._telling is not None:
            waiting.add(self._telling)
        await asyncio.wait(waiting, timeout=max(seconds, 0.0), return_when=asyncio.FIRST_COMPLETED)
        if self._telling is not None and self._telling.done():
            self._telling.result()

    async def _look(self) -> None:
        if not await self._still_allowed():
            raise CloseError(CloseCode.UNAUTHORIZED, "The key or sign-in is no longer valid.")

    async def _answer(self, said: dict[str, Any]) -> None:
        kind = said.get("type")
        if kind == "subscribe":
            await self._subscribe(read_subscribe(said))
        elif kind == "ping":
            await self._socket.send(_encode({"type": "pong"}))
        else:
            raise CloseError(CloseCode.BAD_MESSAGE, "Understood here are subscribe and ping.")

    async def _subscribe(self, asked: Subscribe) -> None:
        with closing_codes():
            interest = await self._asking.interest(self._caller, types=asked.types, sessions=asked.sessions)
            after = None if asked.after is None else read_position(asked.after)
        await self._stop_telling()
        position = await self._hub.now() if after is None else after
        # What follows this answer belongs to the new subscription, and nothing of it is missing.
        await self._socket.send(_encode({"type": "subscribed", "after": render_id("evt", position)}))
        self._telling = asyncio.create_task(self._tell(interest, position), name="event socket: tell")

    async def _tell(self, interest: Interest, after: int) -> None:
        async with aclosing(self._hub.listen(interest, after=after)) as heard:
            async for handful in heard:
                await self._socket.send(*map(_text, handful))
        raise CloseError(CloseCode.TOO_SLOW, "Events were not read in time.")

    async def _stop_telling(self) -> None:
        telling, self._telling = self._telling, None
        if telling is not None:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)


def read_subscribe(said: Mapping[str, Any]) -> Subscribe:
    """What a caller asks for; raises CloseError."""
    with closing_codes():
        try:
            return Subscribe.model_validate(said)
        except ValidationError as error:
            raise invalid_from(error) from error


@contextmanager
def closing_codes() -> Iterator[None]:
    """On a socket there are no problem documents: what the caller did wrong closes it with a code."""
    try:
        yield
    except GatewayError as error:
        if error.status not in _CLOSE_CODES:
            raise
        fields = "; ".join(f"{field.path}: {field.problem}" for field in error.fields)
        raise CloseError(_CLOSE_CODES[error.status], fields or error.detail) from error


def _text(heard: Heard) -> bytes:
    if isinstance(heard, Reset):
        return _encode({"type": "reset", "id": render_id("evt", heard.position)})
    if isinstance(heard, Passed):
        return _encode({"type": "position", "id": render_id("evt", heard.position)})
    return heard.json


def _encode(words: Mapping[str, Any]) -> bytes:
    return json.dumps(words).encode()
