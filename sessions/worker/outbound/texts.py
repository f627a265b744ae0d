"""Builds what is written: texts and polls."""

from __future__ import annotations

from typing import Any

from sessions.content import Poll, Text
from sessions.worker.outbound.parts import e2e


def build_text(content: Text, context: dict[str, Any]) -> Any:
    if not context:
        return e2e.Message(conversation=content.body)
    return e2e.Message(
        extendedTextMessage=e2e.ExtendedTextMessage(text=content.body, contextInfo=e2e.ContextInfo(**context))
    )


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
