"""Lists chats with the person in them and what was said last."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from gateway.chats.schemas import render_chat
from gateway.db.tx import Tx
from gateway.kit.errors import NotFoundError
from gateway.kit.ids import render_id
from gateway.kit.times import render_time
from gateway.messages import chat_store
from gateway.messages.chat_store import ChatEntry
from gateway.messages.models import Message
from gateway.principal import Principal

_PREVIEW_LENGTH: Final = 200


def list_chats(
    tx: Tx,
    principal: Principal,
    *,
    limit: int,
    session_id: int | None = None,
    kind: str | None = None,
    contact_id: int | None = None,
    is_unread: bool | None = None,
    search: str | None = None,
    before_message_id: int | None = None,
) -> Sequence[ChatEntry]:
    """The caller's chats, the one with the newest message first; each limit that is given narrows the list."""
    allowed: Collection[int] | None = principal.session_ids
    if session_id is not None:
        principal.demand_session(session_id)
        allowed = {session_id}
    filters = chat_store.ChatFilters(
        session_ids=allowed, kind=kind, contact_id=contact_id, is_unread=is_unread, search=search
    )
    return chat_store.list_page(
        tx, org_id=principal.org_id, filters=filters, limit=limit, before_message_id=before_message_id
    )


def read_chat(tx: Tx, principal: Principal, chat_id: int) -> ChatEntry:
    """One chat, as far as the caller may know of it; raises NotFoundError."""
    entry = chat_store.find(tx, org_id=principal.org_id, chat_id=chat_id)
    is_hidden = principal.session_ids is not None and entry and entry.chat.session_id not in principal.session_ids
    if entry is None or is_hidden:
        raise NotFoundError("There is no such chat.", code="chat_not_found")
    return entry


def show_chat(entry: ChatEntry) -> dict[str, object]:
    """A chat as JSON."""
    return render_chat(entry.chat, entry.contact) | {"preview": _preview(entry.last) if entry.last else None}


def _preview(message: Message) -> dict[str, object]:
    return {
        "id": render_id("msg", message.id),
        "direction": message.direction,
        "type": message.type,
        "text": message.body[:_PREVIEW_LENGTH],
        "state": message.state,
        "at": render_time(message.created_at),
    }
