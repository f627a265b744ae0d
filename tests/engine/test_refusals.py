"""What the engine's error texts mean, and what is refused before it reaches the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from sessions.address import Jid
from sessions.content import RemoteFile
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
from sessions.worker.ffi.library import Library
from sessions.worker.guard import files, linking, messages, people, presence
from sessions.worker.guard.handle import Gate, Handle
from sessions.worker.refusals import error_for, redact


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("websocket not connected", NotConnectedError),
        ("failed to get device list: failed to send usync query: websocket not connected", NotConnectedError),
        ("failed to get group members: info query timed out", NotConnectedError),
        ("the store doesn't contain a device JID", NotPairedError),
        ("client is nil", NotPairedError),
        ("no LID found for 15550001111@s.whatsapp.net from server", RecipientUnknownError),
        ("that group does not exist", RecipientUnknownError),
        ("failed to get group members: that group does not exist", RecipientUnknownError),
        ("failed to get group members: you're not participating in that group", InvalidRequestError),
        ("message recipient must be a user JID with no device part", InvalidRequestError),
        ("can't send message to unknown server nowhere", InvalidRequestError),
        ("you're not participating in that group", InvalidRequestError),
        ("timed out waiting for message send response", OutcomeUnknownError),
        ("websocket disconnected before message send returned response", OutcomeUnknownError),
        ("websocket disconnected before message send (retry) returned response", OutcomeUnknownError),
        ("failed to send message node: websocket not connected", OutcomeUnknownError),
        ("server returned error 463", NewChatsRefusedError),
        ("server returned error 479", RefusedError),
        ("server returned error 429", BusyError),
        ("info query returned status 429: rate-overlimit", BusyError),
        ("failed to send usync query: info query returned status 503: service-unavailable", BusyError),
        ("server returned error 503", BusyError),
        ("download failed with status code 404", MediaUnavailableError),
        ("file is not a database", StoreError),
        ("failed to upgrade database: database disk image is malformed", StoreError),
        ("something new", EngineError),
    ],
)
def test_each_text_has_one_meaning(text: str, error: type[SessionError]) -> None:
    assert type(error_for(text)) is error


def test_only_texts_after_the_wire_say_maybe() -> None:
    assert error_for("timed out waiting for message send response").wire == "maybe"
    assert error_for("websocket not connected").wire == "no"
    assert error_for("server returned error 463").wire == "yes"


def test_errors_carry_no_numbers_and_addresses() -> None:
    error = error_for("odd trouble with 15550001111:3@s.whatsapp.net and 77123456789@lid")

    assert "1555" not in str(error)
    assert "77123" not in str(error)


def test_long_texts_are_cut() -> None:
    assert len(redact("x" * 5000)) == 200


class Untouchable:
    """In the place of the library: what is refused must not come near it."""

    def __getattr__(self, name: str) -> Callable[..., bytes]:
        def call(*arguments: object, **named: object) -> bytes:
            raise AssertionError(f"{name} was called")

        return call


def handle(gate: Gate) -> Handle:
    return Handle(library=cast(Library, Untouchable()), session=b"ses_1", gate=gate)


ME = Jid("15550000001")


@pytest.mark.parametrize(
    ("gate", "error"),
    [
        (Gate(), NotConnectedError),
        (Gate(started=True), NotPairedError),
        (Gate(started=True, paired=True), NotConnectedError),
        (Gate(started=True, paired=True, connected=True, closing=True), NotConnectedError),
    ],
)
def test_a_session_in_another_state_is_refused(gate: Gate, error: type[SessionError]) -> None:
    with pytest.raises(error):
        messages.send(handle(gate), ME, b"")
    with pytest.raises(error):
        linking.log_out(handle(gate))


def test_bounds_are_kept_before_the_library() -> None:
    up = handle(Gate(started=True, paired=True, connected=True))

    with pytest.raises(InvalidRequestError):
        messages.send(up, Jid("15550000002", device=3), b"")
    with pytest.raises(InvalidRequestError):
        messages.send(up, Jid("123", "broadcast"), b"")
    with pytest.raises(InvalidRequestError):
        presence.set_typing(up, ME, "dancing")
    with pytest.raises(InvalidRequestError):
        files.upload(up, "image", b"", 0.0)
    with pytest.raises(InvalidRequestError):
        people.check_numbers(up, ("15550000002",))
    with pytest.raises(InvalidRequestError):
        people.check_numbers(up, ())
    with pytest.raises(InvalidRequestError):
        messages.mark_read(up, ME, ("A B",), ME, played=False, now=0.0)
    with pytest.raises(InvalidRequestError):
        presence.subscribe_presence(up, Jid("120363", "g.us"))
    with pytest.raises(InvalidRequestError):
        people.other_name(up, Jid("120363", "g.us"))
    empty = RemoteFile(direct_path="", media_key=b"", sha256=b"", encrypted_sha256=b"", size=1, mimetype="")
    with pytest.raises(MediaUnavailableError):
        files.download(up, "image", empty)
