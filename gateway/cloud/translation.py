"""Turns what the Cloud API calls a message into what this gateway does."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gateway.api.problems import invalid_from
from gateway.cloud.cards import vcard
from gateway.cloud.requests import ButtonsSaid, CloudMessageIn, FileSaid, InteractiveSaid, ListSaid, ReplySaid
from gateway.kit.errors import FieldError, InvalidError, UnsupportedError
from gateway.messages.requests import MessageIn

M = TypeVar("M", bound=BaseModel)

_NO_TEMPLATES = (
    "A linked phone has no templates: Meta keeps and approves them for accounts of its own. Send the words as a text; "
    "no window of 24 hours stands against it."
)


def to_message(said: CloudMessageIn, *, session: str) -> MessageIn:
    """The same message in the words of ``POST /api/v1/messages``; raises InvalidError or UnsupportedError."""
    kind, part = _part(said)
    fields = {
        "session": session,
        "to": said.to,
        "type": kind,
        kind: part,
        "reply_to": said.context.message_id if said.context else None,
        "client_ref": said.biz_opaque_callback_data,
    }
    return _read(MessageIn, fields, prefix="")


def _part(said: CloudMessageIn) -> tuple[str, dict[str, Any]]:
    if said.text is not None:
        return "text", {"body": said.text.body, "preview": said.text.preview_url}
    if said.location is not None:
        return "location", said.location.model_dump()
    if said.contacts is not None:
        return "contacts", {"cards": [{"name": one.name.formatted_name, "vcard": vcard(one)} for one in said.contacts]}
    if said.reaction is not None:
        return "reaction", {"message": said.reaction.message_id, "emoji": said.reaction.emoji}
    if said.interactive is not None:
        return "menu", _menu(said.interactive)
    if said.template is not None:
        raise UnsupportedError(_NO_TEMPLATES)
    return said.type, _file(getattr(said, said.type))


def _file(said: FileSaid) -> dict[str, Any]:
    """What else is said of a file, caption and such, has the same name here as there."""
    return {"media_id": said.id, "url": said.link, **said.model_dump(exclude={"id", "link"})}


def _menu(said: InteractiveSaid) -> dict[str, Any]:
    if said.type not in ("button", "list"):
        raise UnsupportedError(f"A linked phone cannot send an interactive message of the type {said.type}.")
    if said.body is None:
        problem = "Field required"
        raise InvalidError(problem, fields=(FieldError(path="interactive.body", problem=problem),))
    return {
        "body": f"{_headline(said)}{said.body.text}",
        "footer": said.footer.text if said.footer else None,
        "options": [option.model_dump() for option in _options(said)],
    }


def _headline(said: InteractiveSaid) -> str:
    """The header as a bold line above the body."""
    if said.header is None:
        return ""
    if said.header.text is None:
        raise UnsupportedError("A linked phone shows no file above a choice. Send the file first, then the choice.")
    return f"*{said.header.text}*\n\n"


def _options(said: InteractiveSaid) -> list[ReplySaid]:
    if said.type == "button":
        return [button.reply for button in _read(ButtonsSaid, said.action, prefix="interactive.action.").buttons]
    sections = _read(ListSaid, said.action, prefix="interactive.action.").sections
    return [row for section in sections for row in section.rows]


def _read(model: type[M], given: dict[str, Any], *, prefix: str) -> M:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid_from(error, prefix=prefix) from error
