"""A message as JSON: the same in answers, in events and on webhooks."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.chats.models import Chat
from gateway.contacts.models import Contact
from gateway.kit.ids import render_id
from gateway.kit.times import from_epoch, render_time
from gateway.media.library import clean_filename
from gateway.messages.codec import MEDIA_TYPES, decode_content, type_of
from gateway.messages.models import Direction, Message, MessageReceipt
from sessions.address import Address, Jid
from sessions.content import (
    Album,
    Audio,
    CalendarEvent,
    Contacts,
    Content,
    Document,
    Edit,
    EventReply,
    Image,
    LiveLocation,
    Location,
    MediaContent,
    Menu,
    Pin,
    Poll,
    PollVote,
    Reaction,
    Revoke,
    Text,
    Timer,
    Unsupported,
    Video,
)

PRIORITIES = ("high", "normal", "low")  #: by their number in the table


def render_message(message: Message, *, chat: Chat, contact: Contact | None) -> dict[str, object]:
    """``contact`` is the chat partner, or in a group whoever wrote the message."""
    content = decode_content(message.content)
    kind = type_of(content)
    return {
        "id": render_id("msg", message.id),
        "session": render_id("ses", message.session_id),
        "chat": render_id("cht", message.chat_id),
        "contact": render_id("con", contact.id) if contact else None,
        "direction": message.direction,
        "origin": message.origin,
        "type": kind,
        "state": message.state,
        "reason": message.reason,
        ("from" if message.direction == Direction.IN else "to"): _party(message, chat, contact),
        kind: _render_content(message, content),
        "mentions": message.mentions,
        "reply_to": _reply_to(message),
        "forwarded": message.forwarded,
        "wa_id": message.wa_id,
        "client_ref": message.client_ref,
        "purpose": message.purpose,
        "priority": PRIORITIES[message.priority],
        "attempts": message.attempts,
        "on_uncertain": message.on_uncertain,
        "may_be_double": message.may_be_double,
        "error": _error(message),
        **_times(message),
    }


def render_receipts(receipts: Sequence[MessageReceipt], people: Mapping[Address, Contact]) -> list[dict[str, object]]:
    """Who has, read or played a message, under every name known."""
    rendered: list[dict[str, object]] = []
    for row in receipts:
        address = Address.of(Jid.parse(row.participant))
        contact = people.get(address)
        known = contact.address if contact is not None else address
        rendered.append(
            {
                "participant": row.participant,
                "contact": render_id("con", contact.id) if contact is not None else None,
                "phone": known.phone,
                "lid": str(known.lid) if known.lid else None,
                "kind": row.kind,
                "at": render_time(row.at),
            }
        )
    return rendered


def render_doer(contact: Contact | None) -> dict[str, object] | None:
    """Who did something, under every name known; None where that is the linked account itself or nobody says."""
    if contact is None:
        return None
    address = contact.address
    return {
        "contact": render_id("con", contact.id),
        "phone": contact.phone,
        "lid": str(address.lid) if address.lid else None,
        "jid": str(address.primary),
        "name": contact.display_name,
    }


def _party(message: Message, chat: Chat, contact: Contact | None) -> dict[str, object]:
    """Who is on the other side, under every name known; for what goes to a group, the group."""
    if contact is None or (chat.contact_id is None and message.direction == Direction.OUT):
        return {"phone": None, "lid": None, "jid": chat.jid, "name": chat.title}
    address = contact.address
    party: dict[str, object] = {
        "phone": contact.phone,
        "lid": str(address.lid) if address.lid else None,
        "jid": str(address.primary),
        "name": contact.display_name,
    }
    if chat.jid is not None:
        party["group"] = chat.jid
    return party


def _reply_to(message: Message) -> dict[str, object] | None:
    if message.reply_to_id is None and message.quoted_wa_id is None:
        return None
    return {
        "id": render_id("msg", message.reply_to_id) if message.reply_to_id else None,
        "wa_id": message.quoted_wa_id,
    }


def _error(message: Message) -> dict[str, object] | None:
    if message.error_code is None:
        return None
    return {"code": message.error_code, "detail": message.error_detail}


def _times(message: Message) -> dict[str, object]:
    names = (
        "due_at",
        "expires_at",
        "written_at",
        "sent_at",
        "delivered_at",
        "read_at",
        "played_at",
        "edited_at",
        "revoked_at",
    )
    return {"created_at": render_time(message.created_at)} | {
        name: render_time(getattr(message, name)) for name in names
    }


def _render_content(message: Message, content: Content) -> dict[str, Any]:
    match content:
        case Text():
            return _render_text(content)
        case Location():
            return _render_place(content)
        case Contacts(cards=cards):
            return {"cards": [{"name": card.name, "vcard": card.vcard} for card in cards]}
        case Poll():
            return {"question": content.question, "options": list(content.options), "selectable": content.selectable}
        case LiveLocation() | Menu() | Album() | Timer():
            return _plain(content)
        case CalendarEvent():
            times = {
                "starts_at": from_epoch(content.starts_at),
                "ends_at": content.ends_at and from_epoch(content.ends_at),
            }
            shown = {name: render_time(at) if at else None for name, at in times.items()}
            return _plain(content) | shown | {"place": content.place and _render_place(content.place)}
        case Reaction() | Edit() | Revoke() | Pin() | PollVote() | EventReply():
            return _plain(content) | {"wa_id": content.target.wa_id}
        case Unsupported():
            return {"name": content.name, "raw": base64.b64encode(content.raw).decode() or None}
        case _ if isinstance(content, MEDIA_TYPES):
            return _render_file(message, content)
    return {"name": getattr(content, "name", None)}


def _render_place(place: Location) -> dict[str, Any]:
    return {field: getattr(place, field) for field in ("latitude", "longitude", "name", "address")}


def _plain(content: Content) -> dict[str, Any]:
    """The fields as they are called in the engine's vocabulary, without what is only for the way."""
    built: dict[str, Any] = msgspec.to_builtins(content)
    return {name: value for name, value in built.items() if name not in ("type", "target", "sealed")}


def _render_text(content: Text) -> dict[str, Any]:
    preview = content.preview
    if preview is None:
        return {"body": content.body}
    shown = {"url": preview.url, "title": preview.title, "description": preview.description}
    return {"body": content.body, "preview": shown}


def _render_file(message: Message, content: MediaContent) -> dict[str, Any]:
    """What is known of the file; where the bytes are, once they are here."""
    media_id = render_id("med", message.media_id) if message.media_id else None
    rendered: dict[str, Any] = {
        "media_id": media_id,
        "url": f"/api/v1/media/{media_id}/content" if media_id else None,
        "media_state": message.media_state,
        "media_error": message.media_error,
        "mimetype": content.file.mimetype,
        "size": content.file.size,
        "filename": clean_filename(content.file.filename),  # as phones name files, so may anybody
        "width": content.file.width,
        "height": content.file.height,
        "seconds": content.file.seconds,
    }
    if isinstance(content, (Image, Video, Document)):
        rendered["caption"] = content.caption
    if isinstance(content, (Image, Video, Audio)):
        rendered["view_once"] = content.view_once
    if isinstance(content, Video):
        rendered |= {"gif": content.gif, "note": content.note}
    if isinstance(content, Audio):
        rendered["voice"] = content.voice
    return rendered
