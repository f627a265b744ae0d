"""Counts votes and answers to appointments."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.kit.ids import render_id
from gateway.messages.models import MessageAnswer
from sessions.content import CalendarEvent, Content, Poll

ANSWERS = ("going", "not_going", "maybe")


def tally(content: Content, answers: Sequence[MessageAnswer]) -> dict[str, object] | None:
    """How it stands; None for what nobody votes in."""
    if isinstance(content, Poll):
        names: Sequence[str] = content.options
    elif isinstance(content, CalendarEvent):
        names = ANSWERS
    else:
        return None
    options = [_line(name, [answer for answer in answers if name in answer.options]) for name in names]
    return {"voters": sum(bool(answer.options) for answer in answers), "options": options}


def voter(author_id: int) -> str | None:
    """A contact's id; None for the linked account itself."""
    return render_id("con", author_id) if author_id else None


def _line(name: str, answers: Sequence[MessageAnswer]) -> dict[str, object]:
    return {
        "option": name,
        "votes": len(answers) + sum(answer.guests for answer in answers),
        "by": [voter(answer.author_id) for answer in answers],
    }
