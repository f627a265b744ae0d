"""Functions of the library about files on WhatsApp's media host."""

from __future__ import annotations

from sessions.worker.ffi.function import Function, Gives, Takes

UPLOAD = Function("Upload", Gives.MESSAGE, (Takes.DATA, Takes.NUMBER))
DOWNLOAD = Function(
    "DownloadMediaWithPath",
    Gives.MESSAGE,
    (Takes.TEXT, Takes.DATA, Takes.DATA, Takes.DATA, Takes.NUMBER, Takes.NUMBER, Takes.TEXT),
)

FUNCTIONS = (UPLOAD, DOWNLOAD)
