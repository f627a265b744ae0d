"""WhatsApp's binary XML: stanzas to bytes and back."""

from __future__ import annotations

import zlib

from sessions.address import LID_SERVER, PN_SERVER, Jid
from sessions.sandbox.wire.node import Content, Node, Value
from sessions.sandbox.wire.tokens import Tokens

_EMPTY = 0
_DOUBLE_TABLE_0 = 236
_INTEROP_JID = 245
_MESSENGER_JID = 246
_DEVICE_JID = 247
_LIST_8 = 248
_LIST_16 = 249
_JID = 250
_HEX = 251
_BYTES_8 = 252
_BYTES_20 = 253
_BYTES_32 = 254
_NIBBLE = 255

_COMPRESSED = 2  # bit of the first byte of a frame
_LARGEST_STANZA = 64 * 1024 * 1024  # bytes, after decompression
_LONGEST_PACKED = 127  # characters
_DEEPEST = 64  # elements inside each other
_NIBBLE_ALPHABET = "0123456789-."
_HEX_ALPHABET = "0123456789ABCDEF"
# Packed text travels as the digits of a hexadecimal number; in nibbles, dash and dot stand for ten and eleven.
_NIBBLES_TO_HEX = str.maketrans("-.", "ab")
_HEX_TO_NIBBLES = str.maketrans("ab", "-.")
_PADDING = "f"

_DOMAINS = {PN_SERVER: 0, LID_SERVER: 1, "hosted": 128, "hosted.lid": 129}
_SERVERS = {domain: server for server, domain in _DOMAINS.items()}


class MalformedFrameError(ValueError):
    """The bytes are not a stanza."""


class Codec:
    """Turns stanzas into frames and frames into stanzas, with one dictionary."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        words: dict[str, bytes] = {}
        for table, double in enumerate(tokens.double):
            words.update({word: bytes((_DOUBLE_TABLE_0 + table, at)) for at, word in enumerate(double) if word})
        words.update({word: bytes((at,)) for at, word in enumerate(tokens.single) if word})
        self._words = words

    def encode(self, node: Node) -> bytes:
        """A frame, ready to be encrypted."""
        writer = _Writer(self._words)
        writer.node(node)
        return bytes(writer.out)

    def decode(self, frame: bytes) -> Node:
        """The stanza in a decrypted frame; raise MalformedFrameError where there is none."""
        if not frame:
            raise MalformedFrameError("an empty frame")
        body = frame[1:]
        try:
            if frame[0] & _COMPRESSED:
                body = zlib.decompressobj().decompress(body, _LARGEST_STANZA)
            reader = _Reader(body, self._tokens)
            node = reader.node(0)
        except (IndexError, zlib.error, UnicodeDecodeError) as error:
            raise MalformedFrameError("a frame that is cut short or garbled") from error
        if reader.position != len(body):
            raise MalformedFrameError("bytes after the end of the stanza")
        return node


class _Writer:
    __slots__ = ("_words", "out")

    def __init__(self, words: dict[str, bytes]) -> None:
        self._words = words
        self.out = bytearray(b"\0")

    def node(self, node: Node) -> None:
        attrs = [(name, value) for name, value in node.attrs.items() if value is not None and value != ""]
        self._list(1 + 2 * len(attrs) + (node.content is not None))
        self._text(node.tag)
        for name, value in attrs:
            self._text(name)
            self._value(value)
        if node.content is not None:
            self._content(node.content)

    def _content(self, content: Content) -> None:
        if isinstance(content, list):
            self._list(len(content))
            for child in content:
                self.node(child)
        elif isinstance(content, bytes | bytearray):
            self._bytes(content)
        elif isinstance(content, str):
            self._text(content)
        else:
            raise TypeError(f"{type(content).__name__} is no content of a stanza")

    def _value(self, value: Value) -> None:
        if isinstance(value, Jid):
            self._jid(value)
        elif isinstance(value, bool):
            self._text("true" if value else "false")
        else:
            self._text(str(value))

    def _jid(self, jid: Jid) -> None:
        domain = _DOMAINS.get(jid.server)
        if domain is not None and (jid.device or domain >= _DOMAINS["hosted"]):
            self.out += bytes((_DEVICE_JID, domain, jid.device))
            self._text(jid.user)
            return
        self.out.append(_JID)
        if jid.user:
            self._text(jid.user)
        else:
            self.out.append(_EMPTY)
        self._text(jid.server)

    def _list(self, size: int) -> None:
        if size == 0:
            self.out.append(_EMPTY)
        elif size < 1 << 8:
            self.out += bytes((_LIST_8, size))
        elif size < 1 << 16:
            self.out.append(_LIST_16)
            self.out += size.to_bytes(2, "big")
        else:
            raise ValueError("a stanza has at most 65535 elements on one level")

    def _bytes(self, data: bytes | bytearray) -> None:
        size = len(data)
        if size < 1 << 8:
            self.out += bytes((_BYTES_8, size))
        elif size < 1 << 20:
            self.out.append(_BYTES_20)
            self.out += size.to_bytes(3, "big")
        else:
            self.out.append(_BYTES_32)
            self.out += size.to_bytes(4, "big")
        self.out += data

    def _text(self, text: str) -> None:
        word = self._words.get(text)
        if word is not None:
            self.out += word
        elif 0 < len(text) <= _LONGEST_PACKED and not text.strip(_NIBBLE_ALPHABET):
            self._packed(text.translate(_NIBBLES_TO_HEX), _NIBBLE)
        elif 0 < len(text) <= _LONGEST_PACKED and not text.strip(_HEX_ALPHABET):
            self._packed(text, _HEX)
        else:
            self._bytes(text.encode())

    def _packed(self, digits: str, kind: int) -> None:
        odd = len(digits) % 2
        self.out += bytes((kind, (len(digits) + odd) // 2 | odd << 7))
        self.out += bytes.fromhex(digits + _PADDING * odd)


class _Reader:
    __slots__ = ("_data", "_tokens", "position")

    def __init__(self, data: bytes, tokens: Tokens) -> None:
        self._data = data
        self._tokens = tokens
        self.position = 0

    def node(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise MalformedFrameError("elements nested too deeply")
        size = self._list_size(self._byte())
        if size == 0:
            raise MalformedFrameError("an element without a tag")
        tag = self._text(self._byte())
        attrs: dict[str, Value] = {}
        for _ in range((size - 1) // 2):
            name = self._text(self._byte())
            attrs[name] = self._value()
        return Node(tag, attrs, None if size % 2 else self._content(depth))

    def _content(self, depth: int) -> Content:
        kind = self._byte()
        if kind in (_EMPTY, _LIST_8, _LIST_16):
            return [self.node(depth + 1) for _ in range(self._list_size(kind))]
        if kind in (_BYTES_8, _BYTES_20, _BYTES_32):
            return self._bytes(kind)
        return self._text(kind)

    def _value(self) -> Value:
        kind = self._byte()
        if kind == _JID:
            user_kind = self._byte()
            user = "" if user_kind == _EMPTY else self._text(user_kind)
            return Jid(user, self._text(self._byte()))
        if kind == _DEVICE_JID:
            domain, device = self._byte(), self._byte()
            return Jid(self._text(self._byte()), _SERVERS.get(domain, PN_SERVER), device)
        if kind in (_MESSENGER_JID, _INTEROP_JID):
            user, device = self._text(self._byte()), self._number(2)
            if kind == _INTEROP_JID:
                self._number(2)  # the integrator, which nobody here needs
            return Jid(user, self._text(self._byte()), device)
        return "" if kind == _EMPTY else self._text(kind)

    def _text(self, kind: int) -> str:
        if kind in (_BYTES_8, _BYTES_20, _BYTES_32):
            return self._bytes(kind).decode()
        if kind == _NIBBLE:
            text = self._packed().translate(_HEX_TO_NIBBLES)
            if text.strip(_NIBBLE_ALPHABET):
                raise MalformedFrameError("packed text with an unknown character")
            return text
        if kind == _HEX:
            return self._packed().upper()
        if _DOUBLE_TABLE_0 <= kind < _DOUBLE_TABLE_0 + len(self._tokens.double):
            return self._tokens.double[kind - _DOUBLE_TABLE_0][self._byte()]
        if 0 < kind < len(self._tokens.single):
            return self._tokens.single[kind]
        raise MalformedFrameError(f"{kind} where text was expected")

    def _bytes(self, kind: int) -> bytes:
        return self._take(self._number({_BYTES_8: 1, _BYTES_20: 3, _BYTES_32: 4}[kind]))

    def _packed(self) -> str:
        head = self._byte()
        digits = self._take(head & 0x7F).hex()
        return digits[:-1] if head & 0x80 else digits

    def _list_size(self, kind: int) -> int:
        if kind == _EMPTY:
            return 0
        if kind == _LIST_8:
            return self._byte()
        if kind == _LIST_16:
            return self._number(2)
        raise MalformedFrameError(f"{kind} where a list was expected")

    def _byte(self) -> int:
        value = self._data[self.position]
        self.position += 1
        return value

    def _number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big")

    def _take(self, size: int) -> bytes:
        start, self.position = self.position, self.position + size
        if self.position > len(self._data):
            raise MalformedFrameError("a frame that ends inside a value")
        return self._data[start : self.position]
