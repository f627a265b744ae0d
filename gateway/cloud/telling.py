"""Tells events in the envelope of the Cloud API's webhooks, signed as these are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from gateway.cloud.arrived import WITH_FILE, Told, arrived_message, reaction, seconds, who
from gateway.cloud.graph_errors import graph_code
from gateway.cloud.signature import hub_signature
from gateway.db.tx import Database, Tx
from gateway.events.models import Event
from gateway.fleet.service import Sessions
from gateway.kit.errors import NotFoundError
from gateway.kit.ids import parse_id, render_id
from gateway.kit.times import render_time
from gateway.media.library import MediaLibrary
from gateway.messages.arriving.choosing import Choice, find_choice
from gateway.messages.service import Messages
from gateway.principal import Principal, PrincipalKind

_STATUSES: Final = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "expired": "failed",
    "skipped": "failed",
    "cancelled": "failed",
}
#: Which events of a message with a person are told.
_COVERED: Final[dict[str, Callable[[Told], bool]]] = {
    "message.received": lambda data: data["type"] not in WITH_FILE,
    "media.available": lambda data: data["direction"] == "in",
    "media.failed": lambda data: data["direction"] == "in",
    "message.status": lambda data: data["direction"] == "out" and data["state"] in _STATUSES,
    "message.reaction": lambda data: data["by"] is not None,
}
_TEST: Final = "webhook.test"


class CloudTelling:
    """What receivers written for the Cloud API are told: messages from people, and what becomes of ours to them."""

    def __init__(self, *, database: Database, sessions: Sessions, messages: Messages, library: MediaLibrary) -> None:
        self._database = database
        self._sessions = sessions
        self._messages = messages
        self._library = library

    def covers(self, event: Event) -> bool:
        """Messages of people, reactions of theirs, and the statuses that the Cloud API knows."""
        if event.type == _TEST:
            return True
        rule = _COVERED.get(event.type)
        return rule is not None and _is_with_a_person(event.data) and rule(event.data)

    async def encode(self, event: Event) -> bytes:
        """The envelope with the one thing that happened."""
        value = await self._database.read(lambda tx: self._value(tx, event))
        change = {"value": value, "field": "messages"}
        entry = {"id": render_id("org", event.org_id), "changes": [change]}
        return msgspec.json.encode({"object": "whatsapp_business_account", "entry": [entry]})

    def sign(self, *, body: bytes, secret: str) -> dict[str, str]:
        """The signature of the newest secret: there is room for one."""
        return hub_signature(body=body, secret=secret)

    def _value(self, tx: Tx, event: Event) -> Told:
        value: Told = {"messaging_product": "whatsapp", "metadata": self._metadata(tx, event)}
        if event.type == _TEST:
            return value
        party = event.data.get("from") or event.data["to"]
        profile = {"name": party["name"] or ""}
        value["contacts"] = [{"profile": profile, "wa_id": who(party), "user_id": event.data["contact"]}]
        if event.type == "message.status":
            return value | {"statuses": [_status(event)]}
        return value | {"messages": [self._message(tx, event)]}

    def _metadata(self, tx: Tx, event: Event) -> Told:
        """Which line it is about; ``phone_number_id`` is the session's id, by which it is called."""
        if event.session_id is None:
            return {"display_phone_number": "", "phone_number_id": ""}
        session = self._sessions.find_present(tx, event.session_id)
        phone = session.phone if session is not None else None
        return {
            "display_phone_number": (phone or "").removeprefix("+"),
            "phone_number_id": render_id("ses", event.session_id),
        }

    def _message(self, tx: Tx, event: Event) -> Told:
        if event.type == "message.reaction":
            return reaction(event.data, event_id=render_id("evt", event.id), at=render_time(event.at))
        return arrived_message(event.data, choice=self._choice(tx, event), sha256=self._sha256(tx, event))

    def _choice(self, tx: Tx, event: Event) -> Choice | None:
        """What a text chooses from a menu of ours, so that it is told as the press of a button is."""
        if event.data["type"] != "text":
            return None
        everywhere = Principal(org_id=event.org_id, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=())
        try:
            return find_choice(tx, self._messages.get(tx, everywhere, event.subject_id).message)
        except NotFoundError:  # the message was deleted before this could be told
            return None

    def _sha256(self, tx: Tx, event: Event) -> str | None:
        if event.type != "media.available":
            return None
        media_id = event.data[event.data["type"]]["media_id"]
        try:
            return self._library.get(tx, org_id=event.org_id, media_id=parse_id("med", media_id)).sha256
        except NotFoundError:  # the file was deleted before this could be told
            return None


def _is_with_a_person(data: dict[str, Any]) -> bool:
    party = data.get("from") or data.get("to")
    return party is not None and data["contact"] is not None and party.get("group") is None


def _status(event: Event) -> Told:
    data = event.data
    status: Told = {
        "id": data["id"],
        "status": _STATUSES[data["state"]],
        "timestamp": seconds(data.get(f"{data['state']}_at") or render_time(event.at)),
        "recipient_id": who(data["to"]),
        "recipient_user_id": data["contact"],
    }
    if data["client_ref"] is not None:
        status["biz_opaque_callback_data"] = data["client_ref"]
    if status["status"] == "failed":
        error = data["error"] or {"code": data["reason"] or data["state"], "detail": None}
        sentence = error["detail"] or error["code"]
        title = f"The message is {data['state']}."
        details = {"code": graph_code(error["code"]), "title": title, "message": title}
        status["errors"] = [details | {"error_data": {"details": sentence}}]
    return status
