"""Namespaces about the connection itself: keep-alive, active and passive, server properties, push settings, logout."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sessions.sandbox.state.directory import Device
from sessions.sandbox.traffic.delivery import Delivery
from sessions.sandbox.traffic.queries.registry import NOT_FOUND, Query, Routes
from sessions.sandbox.wire.node import Attrs, Node

#: Properties that change what clients do. Most keep their built-in values, as with a real account in no experiment.
_PROPERTIES = {"web_abprop_business_profile_refresh_linked_accounts_killswitch": "0"}


class ConnectionQueries:
    """What every client does at login and every half minute."""

    def __init__(self, *, delivery: Delivery, unlink: Callable[[Device], Awaitable[None]]) -> None:
        self._delivery = delivery
        self._unlink = unlink

    def routes(self) -> Routes:
        """What is answered here."""
        return {
            ("get", "w:p", ""): self._nothing,
            ("get", "w:p", "ping"): self._nothing,
            ("get", "urn:xmpp:ping", "*"): self._nothing,
            ("set", "passive", "active"): self._active,
            ("set", "passive", "passive"): self._passive,
            ("get", "w", "props"): self._properties,
            ("get", "abt", "props"): self._properties,
            ("set", "urn:xmpp:whatsapp:dirty", "clean"): self._nothing,
            ("set", "urn:xmpp:whatsapp:push", "config"): self._nothing,
            ("get", "urn:xmpp:whatsapp:push", "settings"): self._nothing,
            ("set", "w:stats", "*"): self._nothing,
            ("set", "md", "remove-companion-device"): self._remove_companion,
        }

    async def _nothing(self, query: Query) -> list[Node]:
        return []

    async def _active(self, query: Query) -> list[Node]:
        query.afterwards(lambda: self._delivery.activate(query.endpoint))
        return []

    async def _passive(self, query: Query) -> list[Node]:
        self._delivery.pause(query.endpoint)
        return []

    async def _properties(self, query: Query) -> list[Node]:
        properties = [Node("prop", {"name": name, "value": value}) for name, value in _PROPERTIES.items()]
        attrs: Attrs = {"protocol": query.child.text("protocol") or "1", "hash": "0", "refresh": "86400"}
        return [Node("props", attrs, properties)]

    async def _remove_companion(self, query: Query) -> list[Node]:
        jid = query.child.require_jid("jid")
        device = query.device.account.devices.get(jid.device)
        if device is None or device.is_phone:
            raise NOT_FOUND
        query.afterwards(lambda: self._unlink(device))
        return []
