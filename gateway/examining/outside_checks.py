"""Checks that leave the machine, and are made only when somebody asks for them."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from gateway.examining.finding import Finding, Subject, fine, wrong

_PATIENCE_SECONDS: Final = 10.0


async def names(subject: Subject) -> Finding:
    """WhatsApp's address is known here."""
    host, port = subject.machine.whatsapp
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError):
        return wrong("names", f"The address of {host} cannot be found.", "Look at DNS: /etc/resolv.conf, the firewall.")
    return fine("names", f"{host} has {len(found)} addresses here.")


async def whatsapp(subject: Subject) -> Finding:
    """WhatsApp can be reached."""
    host, port = subject.machine.whatsapp
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        remedy = "Look at the firewall, the network namespace and IPv6; phones need this address."
        return wrong("whatsapp", f"{host} cannot be reached on port {port}.", remedy)
    writer.close()
    await writer.wait_closed()
    return fine("whatsapp", f"{host} can be reached.")
