"""An HTTP client for addresses that users name; every connection passes the address guard."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.kit.guard import AddressGuard, AddressRefusedError, resolved_address
from gateway.kit.lookup import NameLookup

CONNECT_SECONDS: Final = 10.0
#: Less than the five seconds after which many servers hang up: a request must not meet a closing connection.
KEEPALIVE_SECONDS: Final = 4.0


class RequestFailedError(Exception):
    """The request brought no whole answer. ``code`` is stable; the address is never part of the text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class GuardedResponse:
    """The answer: its head, and its body only as far as the caller asks."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body as it arrives; raises RequestFailedError when it breaks off."""
        try:
            async for piece in self._response.content.iter_any():
                yield piece
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _translated(error) from None

    async def read(self, limit_bytes: int) -> tuple[bytes, bool]:
        """At most ``limit_bytes`` of the body, and whether that was all of it. What goes beyond is never read."""
        body = bytearray()
        async with aclosing(self.pieces()) as pieces:
            async for piece in pieces:
                body += piece
                if len(body) > limit_bytes:
                    return bytes(body[:limit_bytes]), False
        return bytes(body), True


class _SocketRefusedError(PermissionError):
    """Raised inside the connector, which lets only operating-system errors through."""


class SystemResolver(AbstractResolver):
    """What the machine makes of a name."""

    def __init__(self) -> None:
        self._names = NameLookup()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host=str(target[0]), port=port, family=kind, proto=protocol, flags=socket.AI_NUMERICHOST
            )
            for kind, _, protocol, _, target in await self._names.find(host, port, family)
        ]

    async def close(self) -> None:
        """Nothing is open."""


class GuardedResolver(AbstractResolver):
    """Looks names up and keeps only the answers that the guard permits."""

    def __init__(self, guard: AddressGuard, inner: AbstractResolver | None = None) -> None:
        self._guard = guard
        self._inner = inner or SystemResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        permitted = [entry for entry in found if self._guard.permits(resolved_address(entry["host"]), port)]
        if found and not permitted:
            raise AddressRefusedError("The name does not lead to a permitted address.")
        return permitted

    async def close(self) -> None:
        await self._inner.close()


def guarded_connector(
    guard: AddressGuard, *, resolver: AbstractResolver | None = None, **options: Any
) -> aiohttp.TCPConnector:
    """A connector that asks the guard twice: for what a name resolves to, and for the address of each new socket.

    The second question is the one that counts: nothing can change between it and the connection.
    """

    def open_socket(address_info: Any) -> socket.socket:
        family, kind, protocol, _, target = address_info
        if not guard.permits(resolved_address(target[0]), target[1]):
            raise _SocketRefusedError("address refused")
        return socket.socket(family=family, type=kind, proto=protocol)

    return aiohttp.TCPConnector(resolver=GuardedResolver(guard, resolver), socket_factory=open_socket, **options)


class GuardedHttp:
    """An HTTP client for addresses that users name: guarded, no redirects, no proxies, no cookies, bounded in time."""

    def __init__(self, *, guard: AddressGuard, user_agent: str, resolver: AbstractResolver | None = None) -> None:
        self._guard = guard
        self._user_agent = user_agent
        self._resolver = resolver
        self._client: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Make the client; starting twice is fine."""
        if self._client is None:
            # Whoever calls sets the limits; hanging receivers of one must not use up an allowance of all.
            connector = guarded_connector(
                self._guard, resolver=self._resolver, limit=0, keepalive_timeout=KEEPALIVE_SECONDS
            )
            self._client = aiohttp.ClientSession(
                connector=connector,
                trust_env=False,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
            )

    async def stop(self) -> None:
        """Close every connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    @asynccontextmanager
    async def request(
        self,
        method: str,
        url: str,
        *,
        timeout_seconds: float,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> AsyncIterator[GuardedResponse]:
        """One request; the whole of it, reading the answer included, ends after ``timeout_seconds``.

        Raises AddressRefusedError or RequestFailedError. A redirect is given as the answer it is.
        """
        if self._client is None:
            raise RuntimeError("start() first")
        checked = self._guard.check_url(url)
        timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=min(CONNECT_SECONDS, timeout_seconds))
        try:
            async with self._client.request(
                method, checked, headers=headers, data=body, timeout=timeout, allow_redirects=False
            ) as response:
                yield GuardedResponse(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _translated(error) from None


def _translated(error: Exception) -> Exception:
    """What went wrong, in our words; the library's own texts name the address."""
    match error:
        case aiohttp.ClientConnectorError(os_error=_SocketRefusedError()):
            return AddressRefusedError("The name does not lead to a permitted address.")
        case TimeoutError():
            return RequestFailedError("timeout")
        case aiohttp.ClientConnectorDNSError():
            return RequestFailedError("name_not_found")
        case aiohttp.ClientSSLError():
            return RequestFailedError("tls_failed")
        case aiohttp.ClientConnectorError():
            return RequestFailedError("connection_failed")
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | aiohttp.ClientOSError():
            return RequestFailedError("connection_lost")
    return RequestFailedError("answer_unreadable")
