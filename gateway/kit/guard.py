"""Which addresses that users name may be reached: judged by the address itself, never by its name."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from yarl import URL

from gateway.kit.errors import InvalidError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

DEFAULT_PORTS: Final = (80, 443)
MAX_URL_LENGTH: Final = 2048
#: Nobody who names an address waits longer for the early answer.
_LOOKUP_SECONDS: Final = 5.0

#: What is not the public internet. IANA's special-purpose registry, and one that is special in practice.
_REFUSED_V4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; also cloud metadata at Alibaba
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # looks public, but is the host agent on every Azure machine
        "169.254.0.0/16",  # link-local; cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; cloud metadata at Oracle
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # automatic multicast tunnelling
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

#: IPv6 is turned round: only global unicast is public. That leaves out loopback, v4-mapped, NAT64, unique local,
#: link-local, site-local and multicast at once.
_PUBLIC_V6: Final = IPv6Network("2000::/3")
_REFUSED_V6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which carries any IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)

_HOST_NAME: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")
_LOOKS_NUMERIC: Final = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)\.?")


class AddressRefusedError(InvalidError):
    """The address is not one that the gateway may be sent to."""

    default_code = "address_refused"
    title = "The gateway may not be sent to this address"


class AddressGuard:
    """Says which addresses the gateway may be sent to.

    Public addresses on ``ports`` are fine. The operator's ``allow_networks`` are fine too, on any port.
    """

    def __init__(self, *, allow_networks: Iterable[str | Network] = (), ports: Iterable[int] = DEFAULT_PORTS) -> None:
        self._allowed: tuple[Network, ...] = tuple(ip_network(str(network)) for network in allow_networks)
        self._ports = frozenset(ports)

    def check_url(self, text: str) -> URL:
        """The parsed URL; AddressRefusedError when its text alone already shows that it is not acceptable."""
        url = _parse(text)
        host = url.raw_host or ""
        literal = _literal_address(host)
        if literal is not None:
            self.check_address(literal, _port_of(url))
        elif _LOOKS_NUMERIC.fullmatch(host):
            raise AddressRefusedError("Numeric addresses must be written as four decimal numbers.")
        elif len(host) > 253 or not _HOST_NAME.fullmatch(host):
            raise AddressRefusedError("The host name is not valid.")
        elif not self._allowed:
            self._demand_port(_port_of(url))
        return url

    def check_address(self, address: Address, port: int) -> None:
        """Raise AddressRefusedError unless this very address and port may be connected to."""
        if any(address in network for network in self._allowed if network.version == address.version):
            return
        if not _is_public(address):
            raise AddressRefusedError("The address is not on the public internet.")
        self._demand_port(port)

    def permits(self, address: Address, port: int) -> bool:
        """Whether :meth:`check_address` would let it pass."""
        try:
            self.check_address(address, port)
        except AddressRefusedError:
            return False
        return True

    async def vet(self, text: str) -> URL:
        """Check the text of a URL and what its name stands for now, to tell the user early.

        A name that cannot be looked up (in time) passes: it may exist tomorrow, and every connection is checked again.
        """
        url = self.check_url(text)
        host, port = url.raw_host or "", _port_of(url)
        if _literal_address(host) is None:
            loop = asyncio.get_running_loop()
            try:
                async with asyncio.timeout(_LOOKUP_SECONDS):
                    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except (OSError, TimeoutError):
                return url
            self._demand_any((entry[4][0] for entry in found), port)
        return url

    def _demand_any(self, hosts: Iterable[Any], port: int) -> None:
        if not any(self.permits(resolved_address(str(host)), port) for host in hosts):
            raise AddressRefusedError("The name does not lead to a permitted address.")

    def _demand_port(self, port: int) -> None:
        if port not in self._ports:
            allowed = ", ".join(str(number) for number in sorted(self._ports))
            raise AddressRefusedError(f"Port {port} is not permitted; these are: {allowed}.")


def resolved_address(host: str) -> Address:
    """An address as a resolver gives it; a zone such as ``%eth0`` says where, not what it is."""
    return ip_address(host.partition("%")[0])


def _parse(text: str) -> URL:
    if len(text) > MAX_URL_LENGTH:
        raise AddressRefusedError(f"The URL is longer than {MAX_URL_LENGTH} characters.")
    if any(character.isspace() or not character.isprintable() for character in text):
        raise AddressRefusedError("The URL holds a blank or a control character.")
    try:
        url = URL(text)
    except ValueError:
        raise AddressRefusedError("This is not a URL.") from None
    if url.scheme not in ("http", "https"):
        raise AddressRefusedError("The URL must start with http:// or https://.")
    if "@" in url.raw_authority or "@" in _authority(text):
        raise AddressRefusedError("The URL must not hold a user name or password.")
    if not url.raw_host or "%" in url.raw_host:
        raise AddressRefusedError("The URL has no valid host.")
    return url


def _authority(text: str) -> str:
    """What stands between ``//`` and the path, untouched by any normalisation."""
    return re.split(r"[/?#\\]", text.partition("//")[2], maxsplit=1)[0]


def _port_of(url: URL) -> int:
    return url.port or 0


def _literal_address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    return address in _PUBLIC_V6 and not any(address in network for network in _REFUSED_V6)
