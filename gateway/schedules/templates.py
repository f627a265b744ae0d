"""Messages that are kept to be sent again: made once from a request, and read for every run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from gateway.kit.errors import FieldError, GatewayError
from gateway.kit.ids import render_id
from gateway.messages.composer import Composer
from gateway.messages.parts import FileIn
from gateway.messages.recipients import read_recipient
from gateway.messages.requests import PARTS, MessageIn
from gateway.schedules.models import Schedule
from gateway.schedules.requests import TemplateIn
from sessions.content import Content


class Templates:
    """Keeps files that come with a request; a file behind a URL is fetched anew for every run."""

    def __init__(self, *, composer: Composer) -> None:
        self._composer = composer

    async def keep(self, request: TemplateIn, *, org_id: int) -> dict[str, Any]:
        """What is stored of a request. Everything that can be wrong with it is found out now."""
        try:
            _check_people(request)
            media_id = await self._file_of(request, org_id=org_id)
        except GatewayError as error:
            error.fields = tuple(FieldError(path=f"message.{one.path}", problem=one.problem) for one in error.fields)
            raise
        kept = request.model_dump(mode="json", exclude_none=True, exclude={"session", "to"})
        if media_id is not None:
            part = kept[_name_of_part(request)]
            part.pop("base64", None)
            part.pop("mimetype", None)
            part["media_id"] = render_id("med", media_id)
        return kept

    async def compose(self, request: MessageIn, *, org_id: int) -> tuple[Content | None, int | None]:
        """The content of one run; raises what ``POST /messages`` would answer."""
        return await self._composer.compose(request, org_id=org_id)

    async def _file_of(self, request: TemplateIn, *, org_id: int) -> int | None:
        part = request.part
        if isinstance(part, FileIn) and part.url is not None:
            return None
        _, media_id = await self._composer.compose(request, org_id=org_id)
        return media_id


def request_of(row: Schedule, *, due_at: datetime) -> MessageIn:
    """The message of one time, as if somebody had asked for it then."""
    expires_at = None
    if row.expire_after_seconds is not None:
        expires_at = due_at + timedelta(seconds=row.expire_after_seconds)
    return MessageIn.model_validate(
        {**row.template, "session": render_id("ses", row.session_id), "to": row.recipient, "expires_at": expires_at}
    )


def is_fetched(row: Schedule) -> bool:
    """Whether a file must be fetched from somewhere first, which may take long."""
    return any("url" in row.template[name] for name in PARTS if name in row.template)


def _check_people(request: TemplateIn) -> None:
    read_recipient(request.to)
    for number, text in enumerate(request.mentions):
        read_recipient(text, field=f"mentions.{number}")


def _name_of_part(request: MessageIn) -> str:
    return next(name for name in PARTS if getattr(request, name) is not None)
