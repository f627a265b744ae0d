"""Sends messages and marks them as read."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sessions.commands.messages import MarkRead, MessageSent, SendMessage
from sessions.content import MediaKind, OutgoingFile
from sessions.crash import CrashPoint, crash_point
from sessions.errors import InvalidRequestError
from sessions.worker.commands.area import Area, Desk
from sessions.worker.guard import files, messages
from sessions.worker.outbound.message import build, file_to_upload
from sessions.worker.outbound.parts import Uploaded, chat_jid


def send(desk: Desk, command: SendMessage) -> MessageSent:
    envelope = command.envelope
    upload = file_to_upload(envelope.content)
    uploaded = _upload(desk, *upload) if upload is not None else None
    message = build(envelope, uploaded=uploaded, now=desk.clock())
    crash_point(CrashPoint.WORKER_SENDING)
    sent = messages.send(desk.handle, chat_jid(envelope.to), message)
    crash_point(CrashPoint.WORKER_SENT)
    return MessageSent(sent=sent)


def mark_read(desk: Desk, command: MarkRead) -> None:
    # Under the LID where there is one, as WhatsApp itself does.
    chat = command.chat.primary
    sender = command.sender.primary if command.sender else chat
    messages.mark_read(desk.handle, chat, command.wa_ids, sender, played=command.played, now=desk.clock())


def _upload(desk: Desk, kind: MediaKind, file: OutgoingFile) -> Uploaded:
    try:
        data = Path(file.path).read_bytes()
    except OSError as error:
        raise InvalidRequestError("The file cannot be read.") from error
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise InvalidRequestError("The file is not the one that was announced.")
    return files.upload(desk.handle, kind, data, desk.clock())


AREA = Area(
    does={SendMessage: send, MarkRead: mark_read},
    answered_by_whatsapp=frozenset({SendMessage}),
    in_order=frozenset({SendMessage}),
)
