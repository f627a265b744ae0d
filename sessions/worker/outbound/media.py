"""Builds messages that carry a file."""

from __future__ import annotations

from typing import Any

from sessions.content import Audio, Document, File, Image, OutgoingFile, Sticker, Video
from sessions.errors import InvalidRequestError
from sessions.worker.outbound.parts import Uploaded, e2e, file_fields, given


def outgoing(file: File) -> OutgoingFile:
    """The file of a content that is to be sent; only files on this host can be."""
    if not isinstance(file, OutgoingFile):
        raise InvalidRequestError("Only a file on this host can be sent.")
    return file


def build_image(content: Image, uploaded: Uploaded, context: dict[str, Any]) -> Any:
    file = outgoing(content.file)
    image = e2e.ImageMessage(
        **file_fields(uploaded),
        **_looks(file),
        **given(mimetype=file.mimetype, caption=content.caption, viewOnce=content.view_once or None),
        **_context(context),
    )
    return _maybe_once(e2e.Message(imageMessage=image), content.view_once)


def build_video(content: Video, uploaded: Uploaded, context: dict[str, Any]) -> Any:
    file = outgoing(content.file)
    video = e2e.VideoMessage(
        **file_fields(uploaded),
        **_looks(file),
        **given(
            mimetype=file.mimetype,
            caption=content.caption,
            seconds=file.seconds,
            gifPlayback=content.gif or None,
            viewOnce=content.view_once or None,
        ),
        **_context(context),
    )
    message = e2e.Message(ptvMessage=video) if content.note else e2e.Message(videoMessage=video)
    return _maybe_once(message, content.view_once)


def build_audio(content: Audio, uploaded: Uploaded, context: dict[str, Any]) -> Any:
    file = outgoing(content.file)
    audio = e2e.AudioMessage(
        **file_fields(uploaded),
        **given(
            mimetype=file.mimetype,
            seconds=file.seconds,
            PTT=content.voice or None,
            waveform=file.waveform,
            viewOnce=content.view_once or None,
        ),
        **_context(context),
    )
    message = e2e.Message(audioMessage=audio)
    if not content.view_once:
        return message
    return e2e.Message(viewOnceMessageV2Extension=e2e.FutureProofMessage(message=message))


def build_document(content: Document, uploaded: Uploaded, context: dict[str, Any]) -> Any:
    file = outgoing(content.file)
    document = e2e.DocumentMessage(
        **file_fields(uploaded),
        **given(
            mimetype=file.mimetype,
            fileName=file.filename,
            title=file.filename,
            caption=content.caption,
            JPEGThumbnail=file.thumbnail,
        ),
        **_context(context),
    )
    message = e2e.Message(documentMessage=document)
    if content.caption is None:
        return message
    return e2e.Message(documentWithCaptionMessage=e2e.FutureProofMessage(message=message))


def build_sticker(content: Sticker, uploaded: Uploaded, context: dict[str, Any]) -> Any:
    file = outgoing(content.file)
    sticker = e2e.StickerMessage(
        **file_fields(uploaded),
        **given(mimetype=file.mimetype, width=file.width, height=file.height, isAnimated=content.animated or None),
        **_context(context),
    )
    return e2e.Message(stickerMessage=sticker)


def _looks(file: OutgoingFile) -> dict[str, Any]:
    return given(width=file.width, height=file.height, JPEGThumbnail=file.thumbnail)


def _context(context: dict[str, Any]) -> dict[str, Any]:
    return {"contextInfo": e2e.ContextInfo(**context)} if context else {}


def _maybe_once(message: Any, view_once: bool) -> Any:
    return e2e.Message(viewOnceMessageV2=e2e.FutureProofMessage(message=message)) if view_once else message
