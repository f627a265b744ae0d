"""Messages that arrived, as the Cloud API's webhooks tell them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from gateway.cloud.cards import read_vcard
from gateway.messages.arriving.choosing import Choice

Told = dict[str, Any]

#: Types that come with a file; they are told once it is here, so that it can be fetched at once.
WITH_FILE: Final = ("image", "video", "audio", "document", "sticker")
#: A choice of more options than this, or with descriptions, can only have been a list.
_MOST_BUTTONS: Final = 3
_UNKNOWN: Final = {"code": 131051, "title": "Message type unknown", "message": "Message type unknown"}
_NO_FILE: Final = {"code": 131052, "title": "Media download error", "message": "Media download error"}


def arrived_message(message: Told, *, choice: Choice | None, sha256: str | None) -> Told:
    """One entry of ``messages``. ``sha256`` is of its file, None where that cannot be had."""
    party = {"from": who(message["from"]), "from_user_id": message["contact"]}
    told = party | {"id": message["id"], "timestamp": seconds(message["written_at"])}
    if message["reply_to"] is not None and choice is None:
        told["context"] = {"id": message["reply_to"]["id"] or message["reply_to"]["wa_id"]}
    if message["forwarded"]:
        told["context"] = told.get("context", {}) | {"forwarded": True}
    return told | _content(message, choice, sha256)


def reaction(data: Told, *, event_id: str, at: str) -> Told:
    """One entry of ``messages`` that tells of a reaction to the message in ``data``."""
    about = {"message_id": data["id"], "emoji": data["emoji"]}
    by = {"from": who(data.get("from") or data["to"]), "from_user_id": data["contact"]}
    return by | {"id": event_id, "timestamp": seconds(at), "type": "reaction", "reaction": about}


def who(party: Told) -> str:
    """What the Cloud API calls somebody: the bare digits. Groups, and who hides the number, are called by the address."""
    return str(party["phone"] or party["jid"]).removeprefix("+")


def seconds(at: str) -> str:
    """A moment as the Cloud API writes it."""
    return str(int(datetime.fromisoformat(at).timestamp()))


def _content(message: Told, choice: Choice | None, sha256: str | None) -> Told:
    kind, said = message["type"], message[message["type"]]
    if choice is not None:
        return _chosen(choice)
    if kind in WITH_FILE:
        return {"type": kind, kind: _file(kind, said, sha256)} if sha256 else _unsupported(_NO_FILE)
    tell = _PLAIN.get(kind)
    if tell is None:
        return _unsupported(_UNKNOWN)
    return tell(said)


def _chosen(choice: Choice) -> Told:
    option = choice.option
    is_list = len(choice.menu.options) > _MOST_BUTTONS or any(one.description for one in choice.menu.options)
    reply = {"id": option.id, "title": option.title}
    if not is_list:
        interactive: Told = {"type": "button_reply", "button_reply": reply}
    else:
        interactive = {"type": "list_reply", "list_reply": reply | {"description": option.description or ""}}
    return {"context": {"id": choice.told["menu"]}, "type": "interactive", "interactive": interactive}


def _file(kind: str, said: Told, sha256: str) -> Told:
    told = {"id": said["media_id"], "mime_type": said["mimetype"], "sha256": sha256}
    if said.get("caption"):
        told["caption"] = said["caption"]
    if kind == "document" and said["filename"]:
        told["filename"] = said["filename"]
    if kind == "audio":
        told["voice"] = bool(said["voice"])
    return told


def _place(said: Told) -> Told:
    known = {name: said.get(name) for name in ("latitude", "longitude", "name", "address")}
    return {"type": "location", "location": {name: value for name, value in known.items() if value is not None}}


def _unsupported(error: Told) -> Told:
    return {"type": "unsupported", "errors": [error]}


_PLAIN: Final[dict[str, Callable[[Told], Told]]] = {
    "text": lambda said: {"type": "text", "text": {"body": said["body"]}},
    "location": _place,
    "live_location": _place,
    "contacts": lambda said: {
        "type": "contacts",
        "contacts": [read_vcard(card["vcard"], name=card["name"]) for card in said["cards"]],
    },
}
