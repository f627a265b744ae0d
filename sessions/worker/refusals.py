"""What the engine's error texts mean: the one table from its strings to our errors."""

from __future__ import annotations

import re

from sessions.errors import (
    BusyError,
    EngineError,
    InvalidRequestError,
    MediaUnavailableError,
    NewChatsRefusedError,
    NotConnectedError,
    NotPairedError,
    OutcomeUnknownError,
    RecipientUnknownError,
    RefusedError,
    SessionError,
    StoreError,
)

_SERVER_CODE = re.compile(r"(?:server returned error |info query returned status |graphql error: )(\d{3})")
_HTTP_CODE = re.compile(r"status code (\d{3})")
_NEW_CHATS_REFUSED = 463

#: The connection went while something was under way. Of the questions that come before a message (whose devices, which
#: keys) nothing reached the wire; of anything else we cannot know.
_DISCONNECTED = re.compile(r"websocket disconnected before (?!info query)")

#: The first row with a text found in the engine's error decides. Texts that mean "maybe sent" come first, since they
#: wrap others: an error while writing the frame may well say why the connection went.
_TABLE: tuple[tuple[tuple[str, ...], type[SessionError]], ...] = (
    (
        (
            "timed out waiting for message send response",
            "failed to send message node",
        ),
        OutcomeUnknownError,
    ),
    (
        (
            "file is not a database",
            "database disk image is malformed",
            "unable to open database file",
            "attempt to write a readonly database",
            "database is locked",
            "disk I/O error",
            "database or disk is full",
            "no such table",
            "no such column",
            "failed to upgrade database",
        ),
        StoreError,
    ),
    (("the store doesn't contain a device JID", "client is nil"), NotPairedError),
    (("no LID found for", "that group does not exist"), RecipientUnknownError),
    (
        (
            "message recipient must be a user JID",
            "can't send message to unknown server",
            "sending to non-status broadcast lists",
            "you're not participating in that group",
            "that group invite link",
            "invalid disappearing timer provided",
            "the given data is not a valid image",
            "phone number too short",
            "international phone number required",
            "can't send presence without PushName set",
        ),
        InvalidRequestError,
    ),
    (("you don't have the permission to get the group's invite link",), RefusedError),
    # Below what WhatsApp or the engine says of the recipient: these texts wrap that.
    (
        (
            "websocket not connected",
            "websocket disconnected before info query",
            "failed to send usync query",
            "failed to get group members",
            "failed to get LID for PN",
            "failed to get user info",
            "failed to refresh media connections",
            "info query timed out",
            "context deadline exceeded",
            "connection refused",
            "connection reset",
            "no such host",
            "i/o timeout",
        ),
        NotConnectedError,
    ),
    (
        (
            "no longer available",
            "hash of media ciphertext doesn't match",
            "file length does not match",
            "no URL present in message",
            "ErrMediaDownloadFailed",
            "download failed with status code 403",
            "download failed with status code 404",
            "download failed with status code 410",
        ),
        MediaUnavailableError,
    ),
)


def error_for(text: str) -> SessionError:
    """Our error for one of the engine's. The engine's own words may hold numbers and stay out of it."""
    code = _SERVER_CODE.search(text)
    if _DISCONNECTED.search(text):
        return OutcomeUnknownError()
    for phrases, error in _TABLE:
        if error is not NotConnectedError or code is None:
            for phrase in phrases:
                if phrase in text:
                    return error()
    return _refusal(int(code[1])) if code is not None else _other(text)


def is_store_error(text: str) -> bool:
    """Whether the engine complains about its key store."""
    return isinstance(error_for(text), StoreError)


def _refusal(code: int) -> SessionError:
    if code == _NEW_CHATS_REFUSED:
        return NewChatsRefusedError()
    if code == 429 or code >= 500:
        return BusyError(f"WhatsApp asks to slow down ({code}).")
    return RefusedError(f"WhatsApp refused the request ({code}).")


def _other(text: str) -> SessionError:
    http = _HTTP_CODE.search(text)
    if http is not None and http[1] in {"403", "404", "410"}:
        return MediaUnavailableError()
    if "rate-overlimit" in text or (http is not None and (http[1] == "429" or http[1] >= "500")):
        return BusyError()
    return EngineError(redact(text))


_NUMBER = re.compile(r"\d[\d\-.:@]{4,}(?:[a-z.]+)?")


def redact(text: str, limit: int = 200) -> str:
    """The engine's words without numbers and addresses, short enough for a log line."""
    return _NUMBER.sub("#", text)[:limit]
