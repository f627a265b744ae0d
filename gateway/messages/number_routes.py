"""Asking WhatsApp which numbers it knows, over HTTP."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gateway.api.route import Call, route
from gateway.contacts.phones import read_phone
from gateway.db.tx import Database
from gateway.fleet.errors import SessionNotPairedError
from gateway.fleet.service import Sessions
from gateway.kit.ids import render_id
from sessions.commands.people import CheckNumbers, NumbersChecked
from sessions.engine import Engine

MOST_AT_ONCE = 50
CHECK_SECONDS = 60.0


class CheckIn(BaseModel):
    """Numbers to ask about. WhatsApp watches how many an account asks for: ask only for those you will write to."""

    model_config = ConfigDict(extra="forbid")

    session: str = Field(min_length=1, max_length=100, description="The session's id or name.")
    phones: list[str] = Field(min_length=1, max_length=MOST_AT_ONCE)


class CheckedNumber(BaseModel):
    given: str
    phone: str
    on_whatsapp: bool
    jid: str | None
    lid: str | None


class CheckOut(BaseModel):
    """The answers, in the order of the questions."""

    items: list[CheckedNumber]


class NumberRoutes:
    """``/api/v1/contacts/check``."""

    def __init__(self, *, database: Database, engine: Engine, sessions: Sessions) -> None:
        self._database = database
        self._engine = engine
        self._sessions = sessions

    @route(
        "POST",
        "/api/v1/contacts/check",
        operation="contacts.check",
        summary="Ask which numbers are on WhatsApp",
        tag="contacts",
        takes=CheckIn,
        gives=CheckOut,
        errors=(
            "session_not_found",
            "session_not_paired",
            "session_not_running",
            "session_not_connected",
            "recipient_invalid",
        ),
    )
    async def check(self, call: Call) -> dict[str, object]:
        principal, wanted = call.caller, call.body
        session = await self._database.read(lambda tx: self._sessions.get(tx, principal, wanted.session))
        if not session.is_paired:
            raise SessionNotPairedError
        phones = [read_phone(text, field=f"phones.{index}") for index, text in enumerate(wanted.phones)]
        command = CheckNumbers(phones=tuple(dict.fromkeys(phones)))
        answer = await self._engine.call(render_id("ses", session.id), command, timeout_seconds=CHECK_SECONDS)
        assert isinstance(answer, NumbersChecked), "the engine answers CheckNumbers with NumbersChecked"
        return {"items": _answers(wanted.phones, phones, answer)}


def _answers(given: list[str], phones: list[str], answer: NumbersChecked) -> list[dict[str, object]]:
    found = {number.phone: number.address for number in answer.numbers}
    rendered: list[dict[str, object]] = []
    for text, phone in zip(given, phones, strict=True):
        address = found.get(phone)
        rendered.append(
            {
                "given": text,
                "phone": phone,
                "on_whatsapp": address is not None,
                "jid": str(address.primary) if address else None,
                "lid": str(address.lid) if address and address.lid else None,
            }
        )
    return rendered
