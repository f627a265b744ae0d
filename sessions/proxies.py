"""Whether a session's own proxy may be dialled now, asked before every start of a worker."""

from __future__ import annotations

from typing import Protocol

import msgspec

from sessions.protocol import Proxy, SessionSpec


class ProxyRefusedError(Exception):
    """The proxy is none that this host may be sent to, or its secret cannot be read; a person must change it."""


class ProxyLostError(Exception):
    """The name of the proxy cannot be looked up just now."""


class Proxies(Protocol):
    """Judges proxies; the daemon implements it."""

    async def ready(self, proxy: Proxy) -> Proxy:
        """The proxy as a worker may dial it; raises ProxyRefusedError or ProxyLostError."""


class AsGiven:
    """Dials every proxy as it is: where nobody but the operator names any."""

    async def ready(self, proxy: Proxy) -> Proxy:
        return proxy


async def ready_spec(spec: SessionSpec, proxies: Proxies) -> SessionSpec:
    """The spec as a worker may run it now."""
    if spec.proxy is None:
        return spec
    return msgspec.structs.replace(spec, proxy=await proxies.ready(spec.proxy))
