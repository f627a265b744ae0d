"""The stanza: a node of WhatsApp's binary XML, and the addresses that only the wire knows."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from sessions.address import GROUP_SERVER, PN_SERVER, Jid

#: The service itself, as sender or recipient of a stanza.
SERVER = Jid("", PN_SERVER)
#: All groups together.
GROUPS = Jid("", GROUP_SERVER)

Value: TypeAlias = "str | int | Jid | None"
Attrs: TypeAlias = "dict[str, Value]"
Content: TypeAlias = "list[Node] | bytes | str | None"


class MalformedStanzaError(ValueError):
    """A stanza lacks something that it must have."""


class Node(msgspec.Struct):
    """One element. Attributes whose value is None or empty do not travel.

    Content that arrives from the wire is None, bytes, text or a list of nodes; what is sent should be bytes rather
    than text, since clients ignore text content.
    """

    tag: str
    attrs: Attrs = {}
    content: Content = None

    @property
    def children(self) -> list[Node]:
        """The elements inside, or an empty list."""
        return self.content if isinstance(self.content, list) else []

    def child(self, *path: str) -> Node | None:
        """The first element at the end of this path of tags."""
        found: Node | None = self
        for tag in path:
            found = next((node for node in found.children if node.tag == tag), None) if found else None
        return found

    def require(self, *path: str) -> Node:
        """The first element at the end of this path; raise MalformedStanzaError where there is none."""
        found = self.child(*path)
        if found is None:
            raise MalformedStanzaError(f"<{self.tag}> lacks <{'/'.join(path)}>")
        return found

    def all(self, tag: str) -> list[Node]:
        """Every direct child with this tag."""
        return [node for node in self.children if node.tag == tag]

    def text(self, name: str) -> str:
        """An attribute as text; empty where it is absent."""
        value = self.attrs.get(name)
        return "" if value is None else str(value)

    def jid(self, name: str) -> Jid | None:
        """An attribute as an address; None where it is absent or is not one."""
        value = self.attrs.get(name)
        return value if isinstance(value, Jid) else None

    def require_jid(self, name: str) -> Jid:
        """An attribute as an address; raise MalformedStanzaError where there is none."""
        found = self.jid(name)
        if found is None:
            raise MalformedStanzaError(f"<{self.tag}> lacks the address {name!r}")
        return found

    @property
    def data(self) -> bytes:
        """The content as bytes; empty where the node has elements or nothing."""
        if isinstance(self.content, str):
            return self.content.encode()
        return self.content if isinstance(self.content, bytes) else b""

    @property
    def number(self) -> int:
        """The content as a big-endian number."""
        return int.from_bytes(self.data, "big")

    def outline(self) -> str:
        """Tag, type and child tags: enough to recognise a stanza in a log, without anybody's data."""
        kind = f" type={self.text('type')}" if self.attrs.get("type") else ""
        space = f" xmlns={self.text('xmlns')}" if self.attrs.get("xmlns") else ""
        return f"<{self.tag}{kind}{space}>[{' '.join(node.tag for node in self.children)}]"


def device_jid(jid: Jid, device: int) -> Jid:
    """The address of one device of an account."""
    return Jid(jid.user, jid.server, device)
