"""Frames on the websocket: a length of three bytes, then the content."""

from __future__ import annotations

from collections.abc import Iterator

from sessions.sandbox.wire.noise import HEADER, HandshakeError

_LENGTH = 3
_ROUTING = b"ED\x00\x01"  # an optional hint for the service's own network, before the header


def frame(content: bytes) -> bytes:
    """One frame."""
    return len(content).to_bytes(_LENGTH, "big") + content


class FrameReader:
    """Cuts what a client sends into frames, after the header with which it begins."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._has_header = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take in bytes; yield the frames that are complete now."""
        self._buffer += data
        if not self._has_header:
            self._has_header = self._take_header()
        while self._has_header and (content := self._take_frame()) is not None:
            yield content

    def _take_frame(self) -> bytes | None:
        if len(self._buffer) < _LENGTH:
            return None
        end = _LENGTH + int.from_bytes(self._buffer[:_LENGTH], "big")
        if len(self._buffer) < end:
            return None
        content = bytes(self._buffer[_LENGTH:end])
        del self._buffer[:end]
        return content

    def _take_header(self) -> bool:
        if self._buffer.startswith(_ROUTING[:2]) and not self._take_routing():
            return False
        if len(self._buffer) < len(HEADER):
            return False
        if not self._buffer.startswith(HEADER):
            raise HandshakeError("the client speaks another protocol or dictionary")
        del self._buffer[: len(HEADER)]
        return True

    def _take_routing(self) -> bool:
        start = len(_ROUTING) + _LENGTH
        if len(self._buffer) < start:
            return False
        end = start + int.from_bytes(self._buffer[len(_ROUTING) : start], "big")
        if len(self._buffer) < end:
            return False
        del self._buffer[:end]
        return True
