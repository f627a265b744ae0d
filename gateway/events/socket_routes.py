"""``GET /api/v1/ws``: the event log over a WebSocket; and tickets, by which browsers open it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.credentials import Doorkeeper
from gateway.api.fields import UtcTime
from gateway.api.route import Call, route
from gateway.api.sockets import CloseCode, CloseError, Socket, Sockets
from gateway.events.asking import Asking, demand_types, read_position, split_globs
from gateway.events.conversation import LOOK_EVERY_SECONDS, Conversation, Subscribe, closing_codes
from gateway.events.hub import EventHub
from gateway.events.quota import StreamQuota
from gateway.events.tickets import Identify, Tickets
from gateway.kit.errors import GatewayError, UnavailableError
from gateway.principal import Principal

#: Who may follow the stream may do so here too.
SCOPE: Final = "events.stream"
AUTH_SECONDS: Final = 10.0
#: Sockets whose caller is not known yet.
MOST_UNKNOWN: Final = 100


class SocketQuery(BaseModel):
    """With any of `after`, `types` and `session` events begin to flow at once."""

    model_config = ConfigDict(extra="forbid")

    after: str | None = Field(None, max_length=100, description="The id of the last event you have seen.")
    types: str | None = Field(None, max_length=500, description="Globs over event types, separated by commas.")
    session: str | None = Field(None, max_length=100, description="Only events of this session (id or name).")
    ticket: str | None = Field(None, max_length=100, description="A ticket of `POST /api/v1/events/tickets`.")

    def subscription(self) -> Subscribe | None:
        """What the address asks for; None waits for `subscribe`."""
        if self.after is None and self.types is None and self.session is None:
            return None
        return Subscribe(
            after=self.after,
            types=split_globs(self.types),
            sessions=None if self.session is None else [self.session],
        )


class TicketOut(BaseModel):
    """Opens one WebSocket."""

    ticket: str
    expires_at: UtcTime


class SocketRoutes:
    """The event log over WebSockets."""

    def __init__(
        self,
        *,
        doorkeeper: Doorkeeper,
        hub: EventHub,
        sockets: Sockets,
        asking: Asking,
        quota: StreamQuota,
        tickets: Tickets,
        look_every_seconds: float = LOOK_EVERY_SECONDS,
        auth_seconds: float = AUTH_SECONDS,
    ) -> None:
        self._doorkeeper = doorkeeper
        self._hub = hub
        self._sockets = sockets
        self._asking = asking
        self._quota = quota
        self._tickets = tickets
        self._look_every_seconds = look_every_seconds
        self._auth_seconds = auth_seconds
        self._unknown = 0

    @route(
        "POST",
        "/api/v1/events/tickets",
        operation="events.ticket",
        scope=SCOPE,
        summary="Get a ticket for a WebSocket",
        tag="events",
        description=(
            "For browsers, which cannot send headers with a WebSocket: the ticket goes into its address. It works once, "
            "within 30 seconds, and stands for whoever asked for it."
        ),
        gives=TicketOut,
    )
    async def ticket(self, call: Call) -> TicketOut:
        ticket, expires_at = self._tickets.issue(call.identify_again)
        return TicketOut(ticket=ticket, expires_at=expires_at)

    @route(
        "GET",
        "/api/v1/ws",
        operation="events.socket",
        scope=SCOPE,
        admits_itself=True,
        summary="Follow what happens over a WebSocket",
        tag="events",
        description=(
            "The same events as the stream, in the same envelope. Needs the scope `events.stream`. Say who you are with "
            'an API key in the headers, with a `ticket`, or in the first message, `{"type": "auth", "key": "wag_..."}`, '
            "within 10 seconds. See the guide *Follow events* for what is said, and for the codes of closing."
        ),
        query=SocketQuery,
        status=101,
        errors=("unauthorized", "cross_site_refused", "scope_missing", "too_many_streams", "too_many_unknown"),
    )
    async def open(self, call: Call) -> web.StreamResponse:
        query: SocketQuery = call.query
        asked = query.subscription()
        _demand_sense(asked)
        caller = None if query.ticket is not None else await self._doorkeeper.identify_socket(call.request)
        if caller is None:
            return await self._serve_unknown(call, query.ticket, asked)
        call.count_for(caller)
        caller.demand(SCOPE)
        with self._quota.counted(caller, kind="ws"):
            return await self._sockets.serve(
                call.request, lambda socket: self._converse(socket, caller, call.identify_again, asked)
            )

    async def _serve_unknown(self, call: Call, ticket: str | None, asked: Subscribe | None) -> web.StreamResponse:
        if self._unknown >= MOST_UNKNOWN:
            raise UnavailableError("Too many sockets wait for a key.", code="too_many_unknown", retry_after_seconds=5.0)

        async def introduce(socket: Socket) -> None:
            with closing_codes():
                identify, caller = await self._introduced(socket, ticket)
                call.count_for(caller)
                caller.demand(SCOPE)
                with self._quota.counted(caller, kind="ws"):
                    await self._converse(socket, caller, identify, asked)

        return await self._sockets.serve(call.request, introduce)

    async def _introduced(self, socket: Socket, ticket: str | None) -> tuple[Identify, Principal]:
        """How to find out who calls, and who it is."""
        if ticket is not None:
            identify = self._tickets.redeem(ticket)
        else:
            key = await self._key_said(socket)
            identify = partial(self._doorkeeper.identify_key, key)
        return identify, await identify()

    async def _key_said(self, socket: Socket) -> str:
        self._unknown += 1
        try:
            async with asyncio.timeout(self._auth_seconds):
                said = await socket.receive()
        except TimeoutError as error:
            raise CloseError(CloseCode.UNAUTHORIZED, "No key was given in time.") from error
        finally:
            self._unknown -= 1
        key = said.get("key")
        if said.get("type") != "auth" or not isinstance(key, str) or said.keys() != {"type", "key"}:
            raise CloseError(CloseCode.UNAUTHORIZED, 'The first message must be {"type": "auth", "key": "wag_..."}.')
        return key

    async def _converse(self, socket: Socket, caller: Principal, identify: Identify, asked: Subscribe | None) -> None:
        async def still_allowed() -> bool:
            try:
                return await identify() == caller
            except GatewayError:
                return False

        conversation = Conversation(
            socket=socket,
            caller=caller,
            hub=self._hub,
            asking=self._asking,
            still_allowed=still_allowed,
            look_every_seconds=self._look_every_seconds,
        )
        await conversation.run(asked)


def _demand_sense(asked: Subscribe | None) -> None:
    """What can be judged before the socket is open is answered with a problem document."""
    if asked is not None and asked.types is not None:
        demand_types(asked.types)
    if asked is not None and asked.after is not None:
        read_position(asked.after)
