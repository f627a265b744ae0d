"""How chats look at the edge."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.chats.models import Chat
from gateway.contacts.models import Contact
from gateway.kit.ids import render_id
from gateway.kit.times import render_time


class PreviewOut(BaseModel):
    """The last message of a chat, as a list shows it."""

    id: str = Field(examples=["msg_0dq1m8k3v2a7c"])
    direction: Literal["in", "out"]
    type: str = Field(examples=["text"])
    text: str = Field(description="The beginning of what it says; empty for what has no words.")
    state: str = Field(examples=["read"])
    at: str


class ChatOut(BaseModel):
    """One thread on one session."""

    id: str = Field(examples=["cht_0dq1m8k3v2a7c"])
    session: str
    kind: Literal["person", "group", "newsletter", "status", "broadcast"]
    contact: str | None = Field(description="The person, in a chat with one.")
    jid: str | None = Field(description="The address of a group or channel.")
    phone: str | None = Field(description="The person's number, where it is known.")
    lid: str | None = Field(description="The person's hidden-user address, where it is known.")
    title: str | None = Field(description="What a group or channel is called.")
    name: str | None = Field(description="What to call it: the person's name or number, or the title.")
    unread: int
    last_message: str | None
    last_message_at: str | None
    preview: PreviewOut | None = Field(None, description="The last message in short.")


class ChatPage(BaseModel):
    items: list[ChatOut]
    next: str | None


class TypingIn(BaseModel):
    """What the other side shall see."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["composing", "recording", "paused"] = "composing"


def render_chat(chat: Chat, contact: Contact | None) -> dict[str, object]:
    """A chat as JSON, without its last message."""
    lid = contact.address.lid if contact else None
    return {
        "id": render_id("cht", chat.id),
        "session": render_id("ses", chat.session_id),
        "kind": chat.kind,
        "contact": render_id("con", chat.contact_id) if chat.contact_id else None,
        "phone": contact.phone if contact else None,
        "lid": str(lid) if lid else None,
        "jid": chat.jid,
        "title": chat.title,
        "name": (contact.display_name or contact.phone) if contact else chat.title,
        "unread": chat.unread,
        "last_message": render_id("msg", chat.last_message_id) if chat.last_message_id else None,
        "last_message_at": render_time(chat.last_message_at),
    }
