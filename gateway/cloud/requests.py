"""What a program written for the Cloud API sends to the address of messages."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, model_validator

from gateway.api.fields import MediaId, MessageId
from gateway.cloud.cards import CardSaid
from gateway.messages.parts import CAPTION_LIMIT, TEXT_LIMIT, Caption, Given, LocationIn, Words

Type = Literal[
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "interactive",
    "template",
]


class ContextSaid(Given):
    message_id: MessageId = Field(description="The message that this one answers.")


class TextSaid(Given):
    body: Words = Field(min_length=1, max_length=TEXT_LIMIT)
    preview_url: bool = Field(False, description="Show the page behind the first link.")


class FileSaid(Given):
    """A file: uploaded before, or behind a link. Exactly one of the two."""

    id: MediaId | None = None
    link: str | None = Field(None, min_length=1, max_length=2048)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.id is None) == (self.link is None):
            raise ValueError("name exactly one of id and link")
        return self


class CaptionedSaid(FileSaid):
    caption: Caption | None = None


class AudioSaid(FileSaid):
    voice: bool = Field(False, description="A voice note.")


class DocumentSaid(CaptionedSaid):
    filename: Words | None = Field(None, max_length=255)


class ReactionSaid(Given):
    message_id: MessageId
    emoji: Words = Field("", max_length=16, description="Empty takes the reaction back.")


class BodySaid(Given):
    text: Words = Field(min_length=1, max_length=CAPTION_LIMIT)


class FooterSaid(Given):
    text: Words = Field(min_length=1, max_length=200)


class HeaderSaid(Given):
    type: Literal["text", "image", "video", "document"]
    text: Annotated[Words, Field(min_length=1, max_length=200)] | None = None
    image: dict[str, Any] | None = None
    video: dict[str, Any] | None = None
    document: dict[str, Any] | None = None


class ReplySaid(Given):
    id: Words = Field(min_length=1, max_length=200)
    title: Words = Field(min_length=1, max_length=100)


class ButtonSaid(Given):
    type: Literal["reply"] = "reply"
    reply: ReplySaid


class RowSaid(ReplySaid):
    description: Words | None = Field(None, max_length=200)


class SectionSaid(Given):
    title: Words | None = Field(None, max_length=100)
    rows: list[RowSaid] = Field(min_length=1, max_length=20)


class InteractiveSaid(Given):
    """A choice, sent as a numbered list. Every kind but buttons and lists is refused."""

    type: Words = Field(max_length=50, examples=["button", "list"])
    header: HeaderSaid | None = None
    body: BodySaid | None = None
    footer: FooterSaid | None = None
    action: dict[str, Any] = Field(description="`buttons` of a `button`, `sections` of a `list`.")


class ButtonsSaid(Given):
    buttons: list[ButtonSaid] = Field(min_length=1, max_length=20)


class ListSaid(Given):
    button: Words | None = Field(None, max_length=100)
    sections: list[SectionSaid] = Field(min_length=1, max_length=20)


class TypingSaid(Given):
    type: Literal["text"] = "text"


class CloudMessageIn(Given):
    """A message to send, or with ``status`` one to mark as read. The object named like ``type`` says what it says."""

    messaging_product: Literal["whatsapp"]
    recipient_type: Literal["individual", "group"] = "individual"
    to: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="A phone number with its country code, with or without the plus; a WhatsApp address will do, too.",
        examples=["4915112345678"],
    )
    type: Type = "text"
    context: ContextSaid | None = None
    biz_opaque_callback_data: Words | None = Field(
        None, max_length=120, description="Your own reference; `client_ref` elsewhere in this API."
    )
    text: TextSaid | None = None
    image: CaptionedSaid | None = None
    video: CaptionedSaid | None = None
    audio: AudioSaid | None = None
    document: DocumentSaid | None = None
    sticker: FileSaid | None = None
    location: LocationIn | None = None
    contacts: list[CardSaid] | None = Field(None, min_length=1, max_length=50)
    reaction: ReactionSaid | None = None
    interactive: InteractiveSaid | None = None
    template: dict[str, Any] | None = Field(None, description="Refused: a linked phone has no templates.")
    status: Literal["read"] | None = None
    message_id: MessageId | None = Field(None, description="With `status`: the message that has been read.")
    typing_indicator: TypingSaid | None = Field(None, description="With `status`: show that somebody is writing.")

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        named = {name for name in _PARTS if getattr(self, name) is not None}
        wanted = set() if self.status is not None else {self.type}
        needed = ("message_id",) if self.status is not None else ("to", self.type)
        for name in needed:
            if getattr(self, name) is None:
                raise ValueError(f"`{name}` is missing")
        if named - wanted:
            raise ValueError(f"`{min(named - wanted)}` does not belong here")
        if self.status is None and (self.message_id is not None or self.typing_indicator is not None):
            raise ValueError("`message_id` and `typing_indicator` need `status`")
        return self


_PARTS: tuple[str, ...] = get_args(Type)
