"""Turns what a caller asks to send into content, fetching and keeping the file on the way."""

from __future__ import annotations

from gateway.kit.errors import FieldError, GatewayError, InvalidError
from gateway.media.base64_text import NotBase64Error, base64_pieces, split_data_url
from gateway.media.errors import MediaTypeRefusedError
from gateway.media.library import MediaLibrary
from gateway.media.models import Media
from gateway.messages.requests import (
    AudioIn,
    ContactsIn,
    DocumentIn,
    FileIn,
    Given,
    ImageIn,
    LocationIn,
    MessageIn,
    StickerIn,
    TextIn,
    VideoIn,
)
from sessions.content import (
    Audio,
    ContactCard,
    Contacts,
    Content,
    Document,
    Image,
    Location,
    MediaContent,
    OutgoingFile,
    Sticker,
    Text,
    Video,
)

#: What the recipient's app shows as each kind; anything else is sent as a document.
_FITTING: dict[type[FileIn], tuple[str, ...]] = {
    ImageIn: ("image/jpeg", "image/png", "image/webp"),
    VideoIn: ("video/mp4", "video/3gpp", "video/quicktime"),
    AudioIn: ("audio/", "video/mp4", "video/webm"),
    StickerIn: ("image/webp",),
    DocumentIn: ("",),
}


class Composer:
    """Does everything slow about a message before its transaction begins."""

    def __init__(self, *, library: MediaLibrary) -> None:
        self._library = library

    async def compose(self, request: MessageIn, *, org_id: int) -> tuple[Content | None, int | None]:
        """The content and the id of its file. None stands for a reaction, whose target only a transaction can find."""
        part = request.part
        if not isinstance(part, FileIn):
            return _plain(part), None
        is_voice = request.type == "voice" or (isinstance(part, AudioIn) and part.voice)
        field = next(name for name in (request.type, "audio") if getattr(request, name, None) is part)
        media = await self._file(part, org_id=org_id, field=field)
        _demand_fitting(part, media, field)
        if is_voice:
            media = await self._library.as_voice(media)
        file = self._library.describe(media, filename=part.filename)
        return _around(part, file, is_voice=is_voice), media.id

    async def _file(self, part: FileIn, *, org_id: int, field: str) -> Media:
        try:
            if part.media_id is not None:
                return await self._library.use(org_id=org_id, media_id=part.media_id)
            if part.url is not None:
                return await self._library.fetch(org_id=org_id, url=part.url, filename=part.filename)
            declared, text = split_data_url(part.base64 or "")
            return await self._library.save(
                org_id=org_id,
                pieces=base64_pieces(text),
                declared_type=part.mimetype or declared,
                filename=part.filename,
            )
        except NotBase64Error as error:
            problem = "This is not base64."
            raise InvalidError(
                problem, code="media_not_base64", fields=(FieldError(path=f"{field}.base64", problem=problem),)
            ) from error
        except GatewayError as error:
            if not error.fields:
                error.fields = (FieldError(path=f"{field}.{_source(part)}", problem=error.detail),)
            raise


def _plain(part: Given) -> Content | None:
    match part:
        case TextIn():
            return Text(body=part.body)
        case LocationIn():
            return Location(latitude=part.latitude, longitude=part.longitude, name=part.name, address=part.address)
        case ContactsIn():
            return Contacts(cards=tuple(ContactCard(name=card.name, vcard=card.vcard) for card in part.cards))
    return None


def _around(part: FileIn, file: OutgoingFile, *, is_voice: bool) -> MediaContent:
    match part:
        case ImageIn():
            return Image(file=file, caption=part.caption, view_once=part.view_once)
        case VideoIn():
            return Video(file=file, caption=part.caption, view_once=part.view_once, gif=part.gif)
        case AudioIn():
            return Audio(file=file, voice=is_voice)
        case StickerIn():
            return Sticker(file=file, animated=part.animated)
        case DocumentIn():
            return Document(file=file, caption=part.caption)
    raise AssertionError(f"no content for {type(part).__name__}")


def _demand_fitting(part: FileIn, media: Media, field: str) -> None:
    fitting = _FITTING[type(part)]
    if not media.mimetype.startswith(fitting):
        problem = f"A file of type {media.mimetype} cannot be sent as {field}. Send it as a document."
        raise MediaTypeRefusedError(problem, fields=(FieldError(path=f"{field}.{_source(part)}", problem=problem),))


def _source(part: FileIn) -> str:
    return next(name for name in ("media_id", "url", "base64") if getattr(part, name) is not None)
