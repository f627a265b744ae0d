"""What callers may say in a message: one model for each kind of part."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gateway.api.fields import MediaId, MessageId, UtcTime

TEXT_LIMIT = 65_536
CAPTION_LIMIT = 4_096
MOST_OPTIONS = 12


def _without_null(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not hold a null character")
    return text


Words = Annotated[str, AfterValidator(_without_null)]
Caption = Annotated[Words, Field(max_length=CAPTION_LIMIT)]


class Given(BaseModel):
    """Base of all parts: what is not known is refused, so that a typing error never goes unnoticed."""

    model_config = ConfigDict(extra="forbid")


class WordsIn(Given):
    body: Words = Field(min_length=1, max_length=TEXT_LIMIT)


class TextIn(WordsIn):
    preview: bool = Field(
        False,
        description="Show the page behind the first link: its title, its description and a picture. It is fetched by "
        "the gateway; where that fails the text goes without.",
    )


class FileIn(Given):
    """A file: uploaded before, behind a URL, or in the request itself. Exactly one of the three."""

    media_id: MediaId | None = None
    url: str | None = Field(None, max_length=2048)
    base64: str | None = Field(None, description="The bytes themselves; a data: URL is fine too.")
    mimetype: str | None = Field(None, max_length=120, description="The type of `base64`, where it is not a data: URL.")
    filename: Words | None = Field(None, max_length=255)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(source is not None for source in (self.media_id, self.url, self.base64)) != 1:
            raise ValueError("name exactly one of media_id, url and base64")
        return self


class ImageIn(FileIn):
    caption: Caption | None = None
    view_once: bool = False


class VideoIn(FileIn):
    caption: Caption | None = None
    view_once: bool = False
    gif: bool = Field(False, description="Played again and again without sound; a GIF is converted.")
    note: bool = Field(False, description="A round video note; it has no caption.")


class AudioIn(FileIn):
    voice: bool = Field(False, description="A voice note, played from its bubble; converted to Ogg Opus if need be.")
    view_once: bool = Field(False, description="A voice note that may be heard only once.")


class DocumentIn(FileIn):
    caption: Caption | None = None


class StickerIn(FileIn):
    """A WebP is sent as it is; a PNG, JPEG or GIF is made one of 512 x 512."""

    animated: bool = False


class LocationIn(Given):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: Words | None = Field(None, max_length=200)
    address: Words | None = Field(None, max_length=400)


class CardIn(Given):
    name: Words = Field(min_length=1, max_length=200)
    vcard: Words = Field(min_length=1, max_length=10_000)


class ContactsIn(Given):
    cards: list[CardIn] = Field(min_length=1, max_length=50)


class ReactionIn(Given):
    message: MessageId = Field(description="The message to react to.")
    emoji: Words = Field(max_length=16, description="Empty takes the reaction back.")


class LiveLocationIn(Given):
    """Where you are just now. WhatsApp moves it only from phones: each message is one position."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    accuracy_meters: int | None = Field(None, ge=0, le=100_000)
    speed_mps: float | None = Field(None, ge=0, le=1_000)
    heading_degrees: int | None = Field(None, ge=0, le=360)
    caption: Caption | None = None
    sequence: int = Field(0, ge=0, le=2**31)


class PollIn(Given):
    question: Words = Field(min_length=1, max_length=255)
    options: list[Annotated[Words, Field(min_length=1, max_length=100)]] = Field(min_length=2, max_length=MOST_OPTIONS)
    selectable: int = Field(1, ge=0, le=MOST_OPTIONS, description="How many may be chosen; 0: any number.")

    @model_validator(mode="after")
    def _can_be_voted(self) -> Self:
        if len(set(self.options)) != len(self.options):
            raise ValueError("each option must be there only once")
        if self.selectable > len(self.options):
            raise ValueError("selectable must not be more than there are options")
        return self


class PollVoteIn(Given):
    message: MessageId = Field(description="The poll.")
    options: list[Words] = Field(max_length=MOST_OPTIONS, description="The options as they are written; none: no vote.")


class PlaceIn(Given):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: Words | None = Field(None, max_length=200)


class EventIn(Given):
    """An appointment that people can answer."""

    name: Words = Field(min_length=1, max_length=100)
    description: Words | None = Field(None, max_length=2_048)
    starts_at: UtcTime
    ends_at: UtcTime | None = None
    place: PlaceIn | None = None
    join_link: str | None = Field(None, max_length=2_048, description="Where a call is joined.")
    guests_allowed: bool = Field(False, description="Whether people may bring others.")

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self


class EventReplyIn(Given):
    message: MessageId = Field(description="The appointment.")
    answer: Literal["going", "not_going", "maybe"]
    guests: int = Field(0, ge=0, le=100)


class OptionIn(Given):
    id: Words = Field(min_length=1, max_length=200, description="Your own name for it; comes back with the choice.")
    title: Words = Field(min_length=1, max_length=100)
    description: Words | None = Field(None, max_length=200)


class MenuIn(Given):
    """A choice. Its answer, a number or a title, is told as the event ``menu.choice``."""

    body: Words = Field(min_length=1, max_length=CAPTION_LIMIT)
    options: list[OptionIn] = Field(min_length=1, max_length=20)
    footer: Words | None = Field(None, max_length=200)
    style: Literal["text", "buttons"] = Field(
        "text",
        description="`text`: a numbered list. `buttons`: 501, because WhatsApp does not show buttons of linked devices "
        "reliably.",
    )

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> Self:
        for name in ("id", "title"):
            found = [getattr(option, name).casefold() for option in self.options]
            if len(set(found)) != len(found):
                raise ValueError(f"each {name} must be there only once")
        return self


class AlbumItemIn(Given):
    """A picture or a video, with what it may say as a message of its own."""

    image: ImageIn | None = None
    video: VideoIn | None = None

    @model_validator(mode="after")
    def _one_file(self) -> Self:
        if (self.image is None) == (self.video is None):
            raise ValueError("name exactly one of image and video")
        return self

    @property
    def part(self) -> ImageIn | VideoIn:
        """Which of the two it is."""
        part = self.image or self.video
        assert part is not None, "one of the two was given"
        return part


class AlbumIn(Given):
    """Pictures and videos that are shown as one. Each is a message of its own, sent after the album in this order."""

    items: list[AlbumItemIn] = Field(min_length=2, max_length=30)


class ForwardIn(Given):
    message: MessageId = Field(description="A stored message of any chat of the same session.")


class EditIn(Given):
    message: MessageId = Field(description="A message of your own. WhatsApp takes changes for 15 minutes.")
    body: Words = Field(min_length=1, max_length=TEXT_LIMIT, description="The new text, or the new caption.")


class RevokeIn(Given):
    message: MessageId = Field(description="A message of your own, or anybody's where you administer the group.")


class PinIn(Given):
    message: MessageId
    seconds: Literal[0, 86_400, 604_800, 2_592_000] = Field(
        604_800, description="For a day, a week or thirty days; 0 takes it away."
    )


class TimerIn(Given):
    """For how long messages of the chat are kept, from now on."""

    seconds: Literal[0, 86_400, 604_800, 7_776_000] = Field(description="A day, a week or ninety days; 0: for good.")
