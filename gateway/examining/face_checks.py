"""Checks of how the gateway is reached: by browsers, through proxies."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from gateway.examining.finding import Finding, Subject, advice, fine

_ANY_HOST: Final = ("0.0.0.0", "::")
_WIDEST_PREFIX: Final = {4: 8, 6: 16}
_PROXY_PAGE: Final = "docs/howto/behind-a-proxy.md"


async def public_url(subject: Subject) -> Finding:
    """Pairing links lead to where customers can reach the gateway."""
    http = subject.config.http
    if http.host in _ANY_HOST and not http.public_url:
        sentence = "The gateway listens for everybody, but pairing links lead to 127.0.0.1."
        return advice("public url", sentence, "Set http.public_url to what customers' browsers can reach.")
    return fine("public url", f"Customers reach the gateway at {subject.config.public_url}.")


async def cookies(subject: Subject) -> Finding:
    """People can sign in: browsers keep our cookies for https and for this machine alone."""
    url = urlsplit(subject.config.public_url)
    if url.scheme == "https" or _is_here(url.hostname or ""):
        return fine("cookies", "Browsers will keep sign-ins.")
    if subject.config.http.insecure_cookies:
        sentence = "People sign in over plain http: whoever is on the way can take over what they may do."
        return advice("cookies", sentence, f"Put a proxy with https in front: {_PROXY_PAGE}")
    sentence = f"{subject.config.public_url} is plain http: browsers will not keep sign-ins."
    return advice("cookies", sentence, f"Put a proxy with https in front: {_PROXY_PAGE}; or set http.insecure_cookies.")


async def proxies(subject: Subject) -> Finding:
    """Who calls is known: not the proxy, and not whoever pretends."""
    trusted = subject.config.http.trusted_proxies
    wide = [str(network) for network in trusted if network.prefixlen < _WIDEST_PREFIX[network.version]]
    if wide:
        sentence = f"{', '.join(wide)} is trusted to say who calls: anybody may pretend to be somebody else."
        return advice("proxies", sentence, "Name only the addresses of your proxies in http.trusted_proxies.")
    if subject.config.public_url.startswith("https:") and not trusted:
        sentence = "https is made by a proxy that is not trusted: all callers look like one."
        return advice("proxies", sentence, f"Set http.trusted_proxies: {_PROXY_PAGE}")
    return fine("proxies", f"{len(trusted)} networks of proxies are trusted.")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
