"""Reads files that arrive: images, videos, sound, documents and stickers."""

from __future__ import annotations

from typing import Any

from sessions.content import Audio, Document, Image, RemoteFile, Sticker, Video
from sessions.worker.jids import text

#: The sender may say any number of 64 bits; stores have one bit less.
_LARGEST_SIZE = 2**63 - 1


def read_image(part: Any, view_once: bool) -> Image:
    return Image(file=_file(part), caption=_caption(part), view_once=view_once or part.viewOnce)


def read_video(part: Any, view_once: bool) -> Video:
    once = view_once or part.viewOnce
    return Video(file=_file(part), caption=_caption(part), view_once=once, gif=part.gifPlayback)


def read_video_note(part: Any, view_once: bool) -> Video:
    return Video(file=_file(part), view_once=view_once or part.viewOnce, note=True)


def read_audio(part: Any, view_once: bool) -> Audio:
    return Audio(file=_file(part), voice=part.PTT, view_once=view_once or part.viewOnce)


def read_document(part: Any, view_once: bool) -> Document:
    return Document(file=_file(part), caption=_caption(part))


def read_sticker(part: Any, view_once: bool) -> Sticker:
    return Sticker(file=_file(part), animated=part.isAnimated)


def _file(part: Any) -> RemoteFile:
    fields = part.DESCRIPTOR.fields_by_name
    return RemoteFile(
        direct_path=text(part.directPath),
        media_key=bytes(part.mediaKey),
        sha256=bytes(part.fileSHA256),
        encrypted_sha256=bytes(part.fileEncSHA256),
        size=min(part.fileLength, _LARGEST_SIZE),
        mimetype=text(part.mimetype),
        filename=(text(part.fileName) or text(part.title) or None) if "fileName" in fields else None,
        width=(part.width or None) if "width" in fields else None,
        height=(part.height or None) if "height" in fields else None,
        seconds=(part.seconds or None) if "seconds" in fields else None,
        thumbnail=(bytes(part.JPEGThumbnail) or None) if "JPEGThumbnail" in fields else None,
    )


def _caption(part: Any) -> str | None:
    return text(part.caption) or None
