"""An example of every type of event, made from the examples that the fields of its data give."""

from __future__ import annotations

import types
import typing
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.events.schemas import SUBJECTS
from gateway.kit.ids import render_id
from gateway.kit.times import render_time

_NUMBER = 42
_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
#: Where the first word of a type is not what the event is about.
_SUBJECTS = {
    "queue": "session",
    "history": "session",
    "media": "message",
    "poll": "message",
    "event": "message",
    "answer": "message",
    "menu": "message",
    "group": "chat",
    "presence": "session",
    "picture": "session",
    "privacy": "session",
    "blocklist": "session",
    "channel": "session",
}
#: What happens to these happens on a session.
_ON_SESSION = frozenset({"session", "message", "chat", "call"})
#: What is different from one type to the next although the data is of the same kind.
_TOLD: dict[str, dict[str, Any]] = {
    "message.queued": {"state": "queued"},
    "message.received": {"direction": "in", "origin": "whatsapp", "state": "received"},
    "message.sent": {"origin": "phone", "state": "sent"},
    "message.uncertain": {"state": "uncertain"},
    "message.changed": {"state": "scheduled"},
    "message.undecryptable": {"direction": "in", "origin": "whatsapp", "type": "unsupported", "state": "received"},
    "poll.vote": {"type": "poll"},
    "event.reply": {"type": "event"},
    "menu.choice": {"direction": "in", "origin": "whatsapp", "state": "received"},
    "media.available": {"direction": "in", "origin": "whatsapp", "type": "image", "state": "received"},
    "media.failed": {"direction": "in", "origin": "whatsapp", "type": "image", "state": "received"},
    "session.created": {"status": "stopped", "live": False},
    "session.degraded": {"live": False},
    "session.restricted": {"status": "banned", "live": False},
}
_PLAIN: dict[Any, Any] = {bool: True, int: 1, float: 1.0, str: "text", dict: {}, list: []}


def example_envelope(name: str, payload: type[BaseModel]) -> dict[str, Any]:
    """An event of this type as everybody outside sees it."""
    noun = name.partition(".")[0]
    subject = _SUBJECTS.get(noun, noun)
    subject = subject if subject in SUBJECTS else "org"
    return {
        "id": render_id("evt", _NUMBER),
        "type": name,
        "at": render_time(_AT),
        "org": render_id("org", 1),
        "session": render_id("ses", _NUMBER) if subject in _ON_SESSION else None,
        "metadata": {},
        "subject": {"type": subject, "id": render_id(SUBJECTS[subject], _NUMBER)},
        "data": example_data(payload) | _TOLD.get(name, {}),
    }


def example_data(model: type[BaseModel]) -> dict[str, Any]:
    """Data with every field that is always there."""
    return {name: _value(name, field) for name, field in model.model_fields.items() if field.is_required()}


def _value(name: str, field: FieldInfo) -> Any:
    if field.examples:
        return field.examples[0]
    return render_time(_AT) if name.endswith(("_at", "since", "until")) else _of_type(field.annotation)


def _of_type(annotation: Any) -> Any:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return _of_type(next(one for one in typing.get_args(annotation) if one is not type(None)))
    if origin is typing.Literal:
        return typing.get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return example_data(annotation)
    return _PLAIN.get(origin or annotation, "text")
