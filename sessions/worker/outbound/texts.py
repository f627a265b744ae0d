"""Builds what is written: texts and polls."""

from __future__ import annotations

from typing import Any

from sessions.content import Menu, Poll, Preview, Text
from sessions.worker.outbound.parts import e2e

_GROUND = 0xFF1F4E5F  # a dark blue-green, on which white words can be read


def build_text(content: Text, context: dict[str, Any]) -> Any:
    return _written(content.body, context, content.preview)


def build_status(content: Text, context: dict[str, Any]) -> Any:
    """Words that fill the screen: apps show them on a ground of a colour, and only as this kind of text."""
    message = e2e.Message(extendedTextMessage=e2e.ExtendedTextMessage(text=content.body))
    if context or content.preview is not None:
        message = _written(content.body, context, content.preview)
    message.extendedTextMessage.backgroundArgb = _GROUND
    return message


def build_menu(content: Menu, context: dict[str, Any]) -> Any:
    lines = [content.body, ""]
    for number, option in enumerate(content.options, start=1):
        lines.append(f"{number}. {option.title}")
        if option.description:
            lines.append(f"    {option.description}")
    if content.footer:
        lines += ["", content.footer]
    return _written("\n".join(lines), context, None)


def _written(body: str, context: dict[str, Any], preview: Preview | None) -> Any:
    if not context and preview is None:
        return e2e.Message(conversation=body)
    text = e2e.ExtendedTextMessage(text=body)
    if context:
        text.contextInfo.CopyFrom(e2e.ContextInfo(**context))
    if preview is not None:
        text.matchedText, text.title, text.description = preview.url, preview.title, preview.description
        if preview.thumbnail:
            text.JPEGThumbnail = preview.thumbnail
    return e2e.Message(extendedTextMessage=text)


def build_poll(content: Poll, context: dict[str, Any]) -> Any:
    poll = e2e.PollCreationMessage(
        name=content.question,
        options=[e2e.PollCreationMessage.Option(optionName=option) for option in content.options],
        selectableOptionsCount=content.selectable,
    )
    if context:
        poll.contextInfo.CopyFrom(e2e.ContextInfo(**context))
    # Phones show a choice of one as radio buttons only in the third version of the message.
    return e2e.Message(pollCreationMessageV3=poll) if content.selectable == 1 else e2e.Message(pollCreationMessage=poll)
