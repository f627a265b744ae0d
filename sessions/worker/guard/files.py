"""Guarded calls about files on WhatsApp's media host."""

from __future__ import annotations

from typing import Any

from sessions.content import MediaKind, RemoteFile
from sessions.errors import EngineError, InvalidRequestError, MediaUnavailableError
from sessions.protobuf import load
from sessions.worker import jids
from sessions.worker.ffi import files as ffi
from sessions.worker.guard.bounds import raise_for
from sessions.worker.guard.handle import Handle
from sessions.worker.outbound.parts import Uploaded

_neonize: Any = load("Neonize_pb2")

#: How the engine counts kinds of files, and what WhatsApp's media host calls them.
_MEDIA_TYPES: dict[MediaKind, tuple[int, bytes]] = {
    "image": (0, b"image"),
    "video": (1, b"video"),
    "audio": (2, b"audio"),
    "document": (3, b"document"),
    "sticker": (0, b"image"),
}
MAX_FILE_BYTES = 2_000 * 1024 * 1024


def upload(handle: Handle, kind: MediaKind, data: bytes, now: float) -> Uploaded:
    handle.gate.check_connected()
    if not 0 < len(data) <= MAX_FILE_BYTES:
        raise InvalidRequestError("The file is empty or too large.")
    answer = _neonize.UploadReturnFunction.FromString(handle.call(ffi.UPLOAD, data, _media_type(kind)[0]))
    raise_for(answer.Error)
    response = answer.UploadResponse
    return Uploaded(
        url=jids.text(response.url),
        direct_path=jids.text(response.DirectPath),
        media_key=bytes(response.MediaKey),
        sha256=bytes(response.FileSHA256),
        encrypted_sha256=bytes(response.FileEncSHA256),
        size=len(data),
        uploaded_at=now,
    )


def download(handle: Handle, kind: MediaKind, file: RemoteFile) -> bytes:
    handle.gate.check_connected()
    if not file.direct_path or not file.media_key or file.size > MAX_FILE_BYTES:
        raise MediaUnavailableError
    media_type, mms_type = _media_type(kind)
    hashes = (file.encrypted_sha256, file.sha256, file.media_key)
    raw = handle.call(ffi.DOWNLOAD, file.direct_path.encode(), *hashes, file.size, media_type, mms_type)
    answer = _neonize.DownloadReturnFunction.FromString(raw)
    raise_for(answer.Error)
    return bytes(answer.Binary)


def _media_type(kind: MediaKind) -> tuple[int, bytes]:
    if kind not in _MEDIA_TYPES:
        raise EngineError("This kind of file is not known.")
    return _MEDIA_TYPES[kind]
