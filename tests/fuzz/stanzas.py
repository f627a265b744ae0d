"""Stanzas made wrong from a seed: right ones with parts left out, doubled, exchanged and filled with anything at all."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator

from sessions.address import LID_SERVER, Jid
from sessions.sandbox.wire.node import Content, Node, Value
from sessions.sandbox.wire.wabinary import Codec

#: Values that the codec does not write, as they stand on the wire: bytes that are no text, odd kinds of addresses,
#: nothing at all, a list where a value belongs.
_WIRE = (
    b"\xfc\x04\xff\xfe\xc0\x80",
    b"\xfc\x03\x00\x00\x00",
    b"\xf6\xfc\x011\x00\x05\xfc\x04msgr",
    b"\xf5\xfc\x011\x00\x05\x00\x07\xfc\x07interop",
    b"\xf7\x4d\xff\xfc\x03155",
    b"\xf7\x01\x00\xfc\x05nobod",
    b"\xfa\x00\xfc\x03lid",
    b"\xfa\xfc\x02\xff\xfe\xfc\x04\xff\xfe\xc0\x80",
    b"\x00",
    b"\xf8\x01\xf8\x01\x03",
    b"\xff\x81\x1f",
    b"\xfb\x01\xff",
)
_NUMBERS: tuple[Value, ...] = (0, -1, 1, 2**31, 2**32, 2**63 - 1, 2**63, -(2**63), 10**40, 1.5e300, "0x10", "NaN")  # type: ignore[arg-type]
_TEXTS: tuple[Value, ...] = (
    "a",
    "@",
    "15550000002",
    "15550000002@s.whatsapp.net",
    "1:2@lid",
    "x" * 10_000,
    "9" * 3000,
    "\u202e",
    "é" * 200,
    "true",
)
_JIDS: tuple[Value, ...] = (
    Jid("", LID_SERVER),
    Jid(""),
    Jid("1" * 60),
    Jid("nobody", "no.such.server"),
    Jid("1", LID_SERVER, 255),
    Jid("1", "hosted", 99),
    Jid("1", "hosted.lid", 1),
    Jid("status", "broadcast"),
    Jid("1", "broadcast"),
    Jid("1", "bot"),
    Jid("1", "call"),
    Jid("12036300", "g.us"),
    Jid("12036300", "newsletter"),
    Jid("0" * 10_000, "g.us"),
)
#: Elements inside elements. Of a few more, the report of them could not be read, and would be put aside.
_DEEPEST = 60
#: Stanzas that mean, whatever else they say, that the login or the connection ends; they are tested apart.
_ENDINGS = frozenset({"success", "failure", "stream:error", "xmlstreamend"})
#: What the engine has a word of its own for. Anything else in these places makes it deaf.
_RECEIPTS = frozenset({"", "sender", "retry", "read", "read-self", "played", "played-self"})
_STATES, _MEDIA = frozenset({"composing", "paused"}), frozenset({"", "audio"})
_ACTIONS, _CHANGES = frozenset({"", "modify"}), frozenset({"block", "unblock"})
_LINKS = frozenset({"parent_group", "sub_group", "sibling_group"})
#: What the engine repeats in its answers. Odd bytes there come back as a frame that no service could read.
_ECHOED = frozenset({"id", "from", "participant", "recipient", "type", "call-id", "call-creator"})


class _Twin(str):
    """A name that an element can have twice: equal to nothing but itself."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


class Mutator:
    """Makes stanzas and the frames they travel in. The same seed makes the same ones."""

    def __init__(self, *, corpus: list[Node], codec: Codec, chance: random.Random) -> None:
        self._corpus = corpus
        self._codec = codec
        self._chance = chance
        self._names = sorted({name for node in corpus for part in _parts(node) for name in part.attrs})
        self._tags = sorted({part.tag for node in corpus for part in _parts(node)} - _ENDINGS)
        self._values = [value for node in corpus for part in _parts(node) for value in part.attrs.values()]
        self._ways: tuple[Callable[[Node], None], ...] = (
            self._drop_attribute,
            self._double_attribute,
            self._change_attribute,
            self._change_attribute,
            self._change_attribute,
            self._add_attribute,
            self._drop_child,
            self._double_child,
            self._shuffle,
            self._graft,
            self._nest,
            self._change_content,
            self._change_content,
            self._rename,
        )

    def frame(self, stanza: Node | None = None) -> bytes:
        """A stanza made wrong, ready to be sent: this one, or one of the corpus."""
        while deafens(node := self._made_wrong(stanza)) or _depth(node) > _DEEPEST:
            pass
        return self.encode(node)

    def _made_wrong(self, stanza: Node | None) -> Node:
        node = copy.deepcopy(self._chance.choice(self._corpus) if stanza is None else stanza)
        for _ in range(self._chance.choice((1, 1, 1, 2, 3, 5))):
            self._chance.choice(self._ways)(self._chance.choice(list(_parts(node))))
        if node.tag in _ENDINGS:
            node.tag = "notification"
        return node

    def encode(self, node: Node) -> bytes:
        """The frame of a stanza, with the values in it that the codec itself does not write."""
        frame = self._codec.encode(node)
        for at, value in enumerate(_WIRE):
            frame = frame.replace(b"\xfc" + bytes((len(_mark(at)),)) + _mark(at).encode(), value)
        return frame

    def _value(self, name: str) -> Value:
        kind = self._chance.randrange(1 if str(name) in _ECHOED else 0, 5)
        if kind == 0:
            return _mark(self._chance.randrange(len(_WIRE)))
        return self._chance.choice((self._values, _NUMBERS, _TEXTS, _JIDS)[kind - 1])

    def _name_in(self, node: Node) -> str | None:
        return self._chance.choice(list(node.attrs)) if node.attrs else None

    def _drop_attribute(self, node: Node) -> None:
        node.attrs.pop(self._name_in(node) or "", None)

    def _double_attribute(self, node: Node) -> None:
        name = self._name_in(node)
        if name is not None:
            node.attrs[_Twin(name)] = self._value(name)

    def _change_attribute(self, node: Node) -> None:
        name = self._name_in(node)
        if name is not None:
            node.attrs[name] = self._value(name)

    def _add_attribute(self, node: Node) -> None:
        name = self._chance.choice(self._names)
        node.attrs[name] = self._value(name)

    def _drop_child(self, node: Node) -> None:
        if isinstance(node.content, list) and node.content:
            del node.content[self._chance.randrange(len(node.content))]

    def _double_child(self, node: Node) -> None:
        if isinstance(node.content, list) and node.content:
            node.content *= self._chance.choice((2, 3, 40))

    def _shuffle(self, node: Node) -> None:
        if isinstance(node.content, list):
            self._chance.shuffle(node.content)

    def _graft(self, node: Node) -> None:
        grafted = copy.deepcopy(self._chance.choice(list(_parts(self._chance.choice(self._corpus)))))
        node.content = [*node.children, grafted]

    def _nest(self, node: Node) -> None:
        for _ in range(self._chance.randint(1, _DEEPEST)):
            node.content = [Node(node.tag, dict(node.attrs), node.content)]

    def _change_content(self, node: Node) -> None:
        data = node.data
        choices: tuple[Content, ...] = (
            None,
            [],
            b"",
            "text",
            [Node("x")],
            data[: self._chance.randint(0, len(data))],
            self._flipped(data),
            self._chance.randbytes(self._chance.choice((1, 12, 33, 300))),
            b"\0" * self._chance.choice((1, 32, 10_000)),
        )
        node.content = self._chance.choice(choices)

    def _rename(self, node: Node) -> None:
        node.tag = self._chance.choice([*self._tags, "x" * 300, "\u202e"])

    def _flipped(self, data: bytes) -> bytes:
        body = bytearray(data)
        for _ in range(self._chance.randint(1, 3) if body else 0):
            body[self._chance.randrange(len(body))] ^= 1 << self._chance.randrange(8)
        return bytes(body)


def _parts(node: Node) -> Iterator[Node]:
    """An element and all that are in it."""
    yield node
    for child in node.children:
        yield from _parts(child)


def _depth(node: Node) -> int:
    return 1 + max((_depth(child) for child in node.children), default=0)


def deafens(node: Node) -> bool:
    """Whether the engine could not hand on what it reads here, and would hand on nothing more (see test_known_faults)."""
    found = _last(node, "type")
    if node.tag == "receipt":
        return found not in _RECEIPTS
    if node.tag == "chatstate":
        return any(child.tag not in _STATES or _last(child, "media") not in _MEDIA for child in node.children)
    if node.tag == "notification" and found == "account_sync":
        return any(part.tag == "blocklist" and not _blocks(part) for part in node.children)
    if node.tag == "notification" and found == "w:gp2":
        return any(part.tag in ("link", "unlink") and not _links(part) for part in node.children)
    return False


def _blocks(change: Node) -> bool:
    known = all(_last(item, "action") in _CHANGES for item in change.children if "action" in map(str, item.attrs))
    return known and _last(change, "action") in _ACTIONS


def _links(change: Node) -> bool:
    return _last(change, f"{change.tag}_type") in _LINKS


def _last(node: Node, name: str) -> str:
    """The attribute of this name that counts: of several, the last."""
    found = [str(value) for own, value in node.attrs.items() if str(own) == name and value is not None]
    return next((value for value in reversed(found) if value), "")


def _mark(at: int) -> str:
    """What stands for a value until the frame is written."""
    return f"~wire{at}~"
