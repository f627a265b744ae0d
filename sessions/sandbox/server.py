"""This WhatsApp on loopback: a CONNECT proxy that answers for WhatsApp's hosts itself and forwards nothing."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Iterable

from aiohttp import web

from sessions.sandbox.connection import Connection
from sessions.sandbox.service import Service
from sessions.sandbox.state.directory import Account
from sessions.sandbox.wire.noise import NoiseServer
from sessions.sandbox.wire.tls import HOST_SUFFIXES
from sessions.sandbox.wire.wabinary import Codec

LOOPBACK = "127.0.0.1"

_LONGEST_REQUEST = 8192  # bytes of a CONNECT request
_TLS_SECONDS = 15.0
_LARGEST_BODY = 600 * 1024 * 1024
_LARGEST_FRAME = 32 * 1024 * 1024
_OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

_logger = logging.getLogger(__name__)


class Server:
    """Listens on loopback. Clients use it as their HTTPS proxy and must trust its authority and its root key."""

    def __init__(
        self,
        *,
        service: Service,
        noise: NoiseServer,
        tls: ssl.SSLContext,
        codec: Codec,
        routes: Iterable[web.RouteDef] = (),
    ) -> None:
        self._service = service
        self._noise = noise
        self._tls = tls
        self._codec = codec
        self._app = web.Application(client_max_size=_LARGEST_BODY)
        self._app.router.add_get("/ws/chat", self._chat)
        self._app.router.add_routes(list(routes))
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=1.0)
        self._listener: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._tunnels: set[asyncio.Transport] = set()
        self._upgrades: set[asyncio.Task[None]] = set()
        self.refused_hosts = 0  #: requests for other hosts than WhatsApp's

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._listener is None:
            raise RuntimeError("the server does not listen")
        return int(self._listener.sockets[0].getsockname()[1])

    @property
    def proxy_url(self) -> str:
        """The proxy that clients are to use."""
        return f"http://{LOOPBACK}:{self.port}"

    async def start(self, port: int = 0) -> None:
        """Listen; port 0 stands for any that is free."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: _Tunnel(self), LOOPBACK, port)

    async def stop(self) -> None:
        """Cut every connection and let go of the port."""
        if self._listener is not None:
            self._listener.close()
        for task in list(self._upgrades):
            task.cancel()
        await asyncio.gather(*self._upgrades, return_exceptions=True)
        # An open websocket would keep the runner waiting for a minute.
        for transport in list(self._tunnels):
            transport.abort()
        await self._runner.cleanup()

    async def drop(self, connections: Iterable[Connection] | None = None) -> None:
        """Cut these connections, or all, without a word."""
        for connection in list(self._connections if connections is None else connections):
            await connection.end()

    def send_frames(self, account: Account, frames: Iterable[bytes]) -> int:
        """Send these to the account's linked devices as they are; return to how many of those that are online."""
        connections = [one for one in self._connections if one.is_logged_in and one.device.account is account]
        for frame in frames:
            for connection in connections:
                connection.push_frame(frame)
        return len(connections)

    def refuses_connections(self) -> bool:
        """Whether the service wants no new connections now."""
        return self._service.faults.refuses_connections()

    def ignores_connections(self) -> bool:
        """Whether the service accepts new connections and never answers them."""
        return self._service.faults.ignores_connections()

    def open_tunnel(self, transport: asyncio.Transport) -> None:
        """A client asked for one of our hosts: speak TLS with it, then HTTP."""
        task = asyncio.create_task(self._upgrade(transport))
        self._upgrades.add(task)
        task.add_done_callback(self._upgrades.discard)

    async def _upgrade(self, transport: asyncio.Transport) -> None:
        assert self._runner.server is not None
        http = self._runner.server()
        loop = asyncio.get_running_loop()
        try:
            secure = await loop.start_tls(
                transport, http, self._tls, server_side=True, ssl_handshake_timeout=_TLS_SECONDS
            )
        except (OSError, TimeoutError) as error:
            _logger.warning("a client broke off the TLS handshake: %s", type(error).__name__)
            transport.abort()
            return
        assert secure is not None
        http.connection_made(secure)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False, max_msg_size=_LARGEST_FRAME)
        await socket.prepare(request)
        if not isinstance(request.transport, asyncio.Transport):
            return socket
        connection = Connection(socket=socket, transport=request.transport, codec=self._codec, service=self._service)
        self._connections.add(connection)
        try:
            await connection.run(self._noise)
        finally:
            self._connections.discard(connection)
        return socket


class _Tunnel(asyncio.Protocol):
    """Reads one CONNECT request. Whatever WhatsApp host it names, the tunnel ends here."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._request = b""
        self._done = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server._tunnels.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._server._tunnels.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if self._done:
            return
        self._request += data
        if b"\r\n\r\n" not in self._request:
            if len(self._request) > _LONGEST_REQUEST:
                self._transport.abort()
            return
        self._done = True
        if not self._is_for_us():
            self._server.refused_hosts += 1
            _logger.warning("refused a request that is not for WhatsApp")
            self._refuse(_FORBIDDEN)
        elif self._server.refuses_connections():
            self._refuse(_UNAVAILABLE)
        elif self._server.ignores_connections():
            return
        else:
            self._transport.write(_OPENED)
            self._server.open_tunnel(self._transport)

    def _refuse(self, answer: bytes) -> None:
        assert self._transport is not None
        self._transport.write(answer)
        self._transport.close()

    def _is_for_us(self) -> bool:
        method, _, rest = self._request.partition(b" ")
        host = rest.partition(b" ")[0].decode("latin-1").rpartition(":")[0]
        return method == b"CONNECT" and host.endswith(HOST_SUFFIXES)
