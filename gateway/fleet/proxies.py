"""Proxies of sessions: which ones are accepted, where they may lie, and how their passwords are kept."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

import structlog
from yarl import URL

from gateway.fleet.models import Session
from gateway.kit.errors import FieldError, InvalidError
from gateway.kit.guard import AddressGuard, AddressRefusedError, resolved_address
from gateway.kit.ids import render_id
from gateway.kit.vault import Vault, VaultError
from sessions.protocol import Proxy
from sessions.proxies import ProxyLostError, ProxyRefusedError

log = structlog.get_logger(__name__)

SCHEMES = ("http", "https", "socks5")
_FIELD = "settings.proxy"
_LONGEST_URL = 500
_LOOKUP_SECONDS = 10.0
_HIDDEN = "***"


class ProxyInvalidError(InvalidError):
    """What was given is no proxy that a session can use."""

    default_code = "proxy_invalid"
    title = "This is not a proxy that can be used"

    def __init__(self, problem: str) -> None:
        super().__init__(problem, fields=(FieldError(_FIELD, problem),))


class ProxyGuard:
    """Judges by the address itself, as for everything else that users name; any port will do.

    A worker dials the very address that was judged. Only for ``https`` it is given the name, which the certificate of
    the proxy must bear: a name that leads elsewhere a moment later leads to nobody who can answer.
    """

    def __init__(self, *, guard: AddressGuard) -> None:
        self._guard = guard

    async def vet(self, text: str) -> None:
        """Tell the user early; a name that cannot be looked up passes, since it may exist tomorrow."""
        url = parse_proxy(text)
        try:
            await self._permitted(url)
        except ProxyLostError:
            return
        except AddressRefusedError as error:
            raise ProxyInvalidError(error.detail) from error

    async def ready(self, proxy: Proxy) -> Proxy:
        """Satisfies :class:`sessions.proxies.Proxies`."""
        try:
            url = parse_proxy(proxy.url)
            host = await self._permitted(url)
        except InvalidError as error:
            raise ProxyRefusedError(error.detail) from error
        return proxy if url.scheme == "https" else Proxy(url=str(url.with_host(host)))

    async def _permitted(self, url: URL) -> str:
        """An address behind the name, all of which are permitted."""
        host, port = url.raw_host or "", url.port or 0
        try:
            found = [ip_address(host)]
        except ValueError:
            found = [resolved_address(text) for text in await _look_up(host, port)]
        for address in found:
            self._guard.check_address(address, port)
        return str(found[0])


class ProxySeals:
    """Keeps a session's proxy: sealed with its password, and beside the settings as it may be shown."""

    def __init__(self, *, vault: Vault) -> None:
        self._vault = vault

    def keep(self, session: Session, text: str | None) -> None:
        """Use this proxy from the next worker on; None uses none. What is shown may be given back and changes nothing."""
        shown = session.settings.get("proxy")
        if text is not None and text == shown:
            return
        others = {name: value for name, value in session.settings.items() if name != "proxy"}
        session.proxy = None if text is None else self._vault.seal(text.encode(), context=_context(session))
        session.settings = others if text is None else {**others, "proxy": shown_proxy(text)}

    def open(self, session: Session) -> Proxy | None:
        """The proxy with its password. One that cannot be opened is none that can be dialled: never go without it."""
        if session.proxy is None:
            return None
        try:
            return Proxy(url=self._vault.open(session.proxy, context=_context(session)).decode())
        except VaultError:
            log.error("the proxy of a session cannot be read", session_id=render_id("ses", session.id))
            return Proxy(url="")


def parse_proxy(text: str) -> URL:
    """The parsed URL of a proxy; raises ProxyInvalidError."""
    if len(text) > _LONGEST_URL or any(not character.isprintable() or character.isspace() for character in text):
        raise ProxyInvalidError("It is too long, or holds a blank or a control character.")
    try:
        url = URL(text)
    except ValueError:
        raise ProxyInvalidError("This is not a URL.") from None
    if url.scheme not in SCHEMES:
        raise ProxyInvalidError("It must begin with http://, https:// or socks5://.")
    if not url.raw_host or "%" in url.raw_host or url.explicit_port is None:
        raise ProxyInvalidError("It needs a host and a port, such as http://proxy.example.com:8080.")
    if url.raw_path not in ("", "/") or url.query_string or url.fragment:
        raise ProxyInvalidError("Nothing may follow the port.")
    return url


def shown_proxy(text: str) -> str:
    """The proxy without its password."""
    url = URL(text)
    if url.raw_password is None:
        return text
    return f"{url.scheme}://{url.raw_user or ''}:{_HIDDEN}@{_host(url)}:{url.port}"


def _host(url: URL) -> str:
    host = url.raw_host or ""
    return f"[{host}]" if ":" in host else host


async def _look_up(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_LOOKUP_SECONDS):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError) as error:
        raise ProxyLostError("the name of the proxy cannot be looked up") from error
    if not found:
        raise ProxyLostError("the name of the proxy leads nowhere")
    return [str(entry[4][0]) for entry in found]


def _context(session: Session) -> str:
    return f"session proxy {session.org_id} {session.id}"
