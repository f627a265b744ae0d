"""Reads what is written: texts and polls."""

from __future__ import annotations

from typing import Any

from sessions.content import Poll, Preview, Text
from sessions.worker.jids import text


def read_conversation(part: Any, view_once: bool) -> Text:
    return Text(body=text(part))


def read_extended_text(part: Any, view_once: bool) -> Text:
    return Text(body=text(part.text), preview=_preview(part))


def _preview(part: Any) -> Preview | None:
    if not part.matchedText or not part.title:
        return None
    return Preview(
        url=text(part.matchedText),
        title=text(part.title),
        description=text(part.description),
        thumbnail=bytes(part.JPEGThumbnail) or None,
    )


def read_poll(part: Any, view_once: bool) -> Poll:
    return Poll(
        question=text(part.name),
        options=tuple(text(option.optionName) for option in part.options),
        selectable=part.selectableOptionsCount,
    )


def body_of(message: Any) -> str:
    """What a message says in words: its text or its caption."""
    if message.HasField("conversation"):
        return text(message.conversation)
    if message.HasField("extendedTextMessage"):
        return text(message.extendedTextMessage.text)
    for name in ("imageMessage", "videoMessage", "documentMessage"):
        if message.HasField(name):
            return text(getattr(message, name).caption)
    return ""
