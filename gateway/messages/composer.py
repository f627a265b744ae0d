"""Turns what a caller asks to send into content, fetching and keeping the file on the way."""

from __future__ import annotations

from gateway.kit.errors import FieldError, GatewayError, InvalidError
from gateway.media.base64_text import NotBase64Error, base64_pieces, split_data_url
from gateway.media.errors import MediaTypeRefusedError
from gateway.media.library import MediaLibrary
from gateway.media.models import Media
from gateway.messages.parts import (
    AlbumIn,
    AudioIn,
    DocumentIn,
    FileIn,
    Given,
    ImageIn,
    StickerIn,
    TextIn,
    VideoIn,
)
from gateway.messages.plain import plain_content
from gateway.messages.requests import MessageIn
from gateway.messages.targeting import Composed
from sessions.content import Audio, Content, Document, Image, MediaContent, OutgoingFile, Sticker, Text, Video

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
            return await self._plain(part), None
        is_voice = request.type == "voice" or (isinstance(part, AudioIn) and part.voice)
        field = next(name for name in (request.type, "audio") if getattr(request, name, None) is part)
        media = await self._fitting(part, await self._file(part, org_id=org_id, field=field))
        _demand_fitting(part, media, field)
        if is_voice:
            media = await self._library.as_voice(media)
        file = self._library.describe(media, filename=part.filename)
        return _around(part, file, is_voice=is_voice), media.id

    async def items(self, request: MessageIn, *, org_id: int) -> list[Composed]:
        """The pictures and videos of an album, fetched and kept; nothing for what is no album."""
        part = request.part
        if not isinstance(part, AlbumIn):
            return []
        return [
            await self._item(item.part, org_id=org_id, field=f"album.items.{number}.{_kind_of(item.part)}")
            for number, item in enumerate(part.items)
        ]

    async def _item(self, part: ImageIn | VideoIn, *, org_id: int, field: str) -> Composed:
        media = await self._fitting(part, await self._file(part, org_id=org_id, field=field))
        _demand_fitting(part, media, field)
        file = self._library.describe(media, filename=part.filename)
        return Composed(content=_around(part, file, is_voice=False), media_id=media.id)

    async def _plain(self, part: Given) -> Content | None:
        if isinstance(part, TextIn) and part.preview:
            return Text(body=part.body, preview=await self._library.preview(part.body))
        return plain_content(part)

    async def _fitting(self, part: FileIn, media: Media) -> Media:
        """The file as the recipient's app shows it: pictures become stickers, GIFs films."""
        if isinstance(part, StickerIn) and media.mimetype in ("image/png", "image/jpeg", "image/gif"):
            return await self._library.as_sticker(media)
        if isinstance(part, VideoIn) and part.gif and media.mimetype == "image/gif":
            return await self._library.as_film(media)
        return media

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


def _around(part: FileIn, file: OutgoingFile, *, is_voice: bool) -> MediaContent:
    match part:
        case ImageIn():
            return Image(file=file, caption=part.caption, view_once=part.view_once)
        case VideoIn():
            return Video(file=file, caption=part.caption, view_once=part.view_once, gif=part.gif, note=part.note)
        case AudioIn():
            return Audio(file=file, voice=is_voice, view_once=part.view_once)
        case StickerIn():
            return Sticker(file=file, animated=part.animated)
        case DocumentIn():
            return Document(file=file, caption=part.caption)
    raise AssertionError(f"no content for {type(part).__name__}")


def _kind_of(part: ImageIn | VideoIn) -> str:
    return "image" if isinstance(part, ImageIn) else "video"


def _demand_fitting(part: FileIn, media: Media, field: str) -> None:
    fitting = _FITTING[type(part)]
    if not media.mimetype.startswith(fitting):
        problem = f"A file of type {media.mimetype} cannot be sent as {field}. Send it as a document."
        raise MediaTypeRefusedError(problem, fields=(FieldError(path=f"{field}.{_source(part)}", problem=problem),))


def _source(part: FileIn) -> str:
    return next(name for name in ("media_id", "url", "base64") if getattr(part, name) is not None)
