"""Reads base64 piece by piece, so that a file inside a request is not held a second and third time."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator
from typing import Final

_STEP: Final = 512 * 1024


class NotBase64Error(ValueError):
    """The text is something else."""


def split_data_url(text: str) -> tuple[str | None, str]:
    """The declared type, and the base64, of a ``data:`` URL or of plain base64."""
    if not text.startswith("data:"):
        return None, text
    head, _, rest = text.partition(",")
    return head.removeprefix("data:").removesuffix(";base64") or None, rest


async def base64_pieces(text: str) -> AsyncIterator[bytes]:
    """The bytes behind the text, blanks and line ends left aside; raises NotBase64Error."""
    rest, is_over = "", False
    for start in range(0, len(text), _STEP):
        piece = rest + "".join(text[start : start + _STEP].split())
        whole = len(piece) - len(piece) % 4
        rest = piece[whole:]
        if piece and is_over:
            raise NotBase64Error
        if whole:
            yield _decoded(piece[:whole])
            is_over = piece[whole - 1] == "="
    if rest:
        raise NotBase64Error


def _decoded(quads: str) -> bytes:
    try:
        return base64.b64decode(quads, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotBase64Error from error
