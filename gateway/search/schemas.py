"""How a search looks at the edge."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.api.fields import ChatId, ContactId, UtcTime
from gateway.api.paging import PageQuery
from gateway.chats.schemas import ChatOut
from gateway.contacts.schemas import ContactOut
from gateway.messages.schemas import MessageOut, MessageType

_WORDS = Field(
    min_length=1,
    max_length=200,
    description='Words that must all occur, in any order. `"two words"` must follow each other, `deliver*` is a '
    "beginning, `-word` must not occur. Case and accents do not matter.",
    examples=['preco "red shoes" deliver*'],
)


class MessageSearchQuery(PageQuery):
    """Words, and where to look for them."""

    q: str = _WORDS
    session: str | None = Field(None, max_length=100, description="A session's id or name.")
    chat: ChatId | None = None
    contact: ContactId | None = Field(None, description="Written by this person, or in the chat with them.")
    direction: Literal["in", "out"] | None = None
    type: MessageType | None = None
    since: UtcTime | None = None
    until: UtcTime | None = None


class SearchQuery(BaseModel):
    """Words, and how many of each kind are wanted."""

    model_config = ConfigDict(extra="forbid")

    q: str = _WORDS
    limit: int = Field(5, ge=1, le=50, description="How many of each kind at most.")


class Piece(BaseModel):
    """A stretch of text that is, or is not, what was searched for."""

    text: str
    match: bool


class HitOut(BaseModel):
    """One message that was found."""

    message: MessageOut
    highlights: list[Piece] = Field(description="The place where the words stand, in pieces; together they are text.")


class HitPage(BaseModel):
    items: list[HitOut]
    next: str | None
    complete: bool = Field(description="False while messages that came in bulk are still being learned.")


class SearchOut(BaseModel):
    """The newest of each kind."""

    messages: list[HitOut]
    contacts: list[ContactOut]
    chats: list[ChatOut] = Field(description="Groups and channels, by their title.")
    complete: bool = Field(description="False while messages that came in bulk are still being learned.")
