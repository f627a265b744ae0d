"""How chats look at the edge."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.chats.models import Chat
from gateway.kit.ids import render_id
from gateway.kit.times import render_time


class ChatOut(BaseModel):
    """One thread on one session."""

    id: str = Field(examples=["cht_0dq1m8k3v2a7c"])
    session: str
    kind: Literal["person", "group", "newsletter", "status", "broadcast"]
    contact: str | None = Field(description="The person, in a chat with one.")
    jid: str | None = Field(description="The address of a group or channel.")
    title: str | None
    unread: int
    last_message: str | None
    last_message_at: str | None


class ChatPage(BaseModel):
    items: list[ChatOut]
    next: str | None


class TypingIn(BaseModel):
    """What the other side shall see."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["composing", "recording", "paused"] = "composing"


def render_chat(chat: Chat) -> dict[str, object]:
    """A chat as JSON."""
    return {
        "id": render_id("cht", chat.id),
        "session": render_id("ses", chat.session_id),
        "kind": chat.kind,
        "contact": render_id("con", chat.contact_id) if chat.contact_id else None,
        "jid": chat.jid,
        "title": chat.title,
        "unread": chat.unread,
        "last_message": render_id("msg", chat.last_message_id) if chat.last_message_id else None,
        "last_message_at": render_time(chat.last_message_at),
    }
