"""Carries out the daemon's commands on one session."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

from sessions.address import Address, Jid
from sessions.content import Envelope, MediaKind, OutgoingFile, RemoteFile
from sessions.crash import CrashPoint, crash_point
from sessions.errors import EngineUnsupportedError, InvalidRequestError, MediaUnavailableError
from sessions.protocol import (
    AddressResolved,
    AnyCommand,
    AnyResult,
    CheckNumbers,
    Done,
    DownloadFile,
    FetchPicture,
    FileSaved,
    LogOut,
    MarkRead,
    MessageSent,
    NumberFound,
    NumbersChecked,
    PairCodeIssued,
    PictureFound,
    RequestPairCode,
    ResolveAddress,
    SendMessage,
    SetPresence,
    SetTyping,
    SubscribePresence,
)
from sessions.worker.guard import Guard
from sessions.worker.outbound.message import build, file_to_upload
from sessions.worker.outbound.parts import Uploaded, chat_jid

#: These end only when WhatsApp has answered.
ANSWERED_BY_WHATSAPP = (SendMessage, CheckNumbers, FetchPicture)
_PAIR_CODE_WAIT_SECONDS = 15.0


class Commands:
    """What the daemon may ask of one session. Blocking: each command runs on a call thread."""

    def __init__(self, *, guard: Guard, qr_shown: threading.Event, clock: Callable[[], float]) -> None:
        self._guard = guard
        self._qr_shown = qr_shown
        self._clock = clock

    def carry_out(self, command: AnyCommand) -> AnyResult:
        match command:
            case SendMessage(envelope=envelope):
                return self._send(envelope)
            case DownloadFile(kind=kind, file=file, path=path):
                return self._download(kind, file, Path(path))
            case CheckNumbers(phones=phones):
                return self._check_numbers(phones)
            case ResolveAddress(who=who):
                return AddressResolved(who=self._resolve(who))
            case RequestPairCode(phone=phone):
                code = self._guard.pair_code(phone, self._qr_shown, wait_seconds=_PAIR_CODE_WAIT_SECONDS)
                return PairCodeIssued(code=code)
            case FetchPicture(who=who, preview=preview):
                return PictureFound(url=self._guard.picture_url(chat_jid(who), preview=preview))
        self._act(command)
        return Done()

    def _act(self, command: AnyCommand) -> None:
        match command:
            case MarkRead(chat=chat, wa_ids=wa_ids, sender=sender, played=played):
                where = _spoken_to(chat)
                self._guard.mark_read(
                    where, wa_ids, _spoken_to(sender) if sender else where, played=played, now=self._clock()
                )
            case SetTyping(chat=chat, state=state):
                self._guard.set_typing(_spoken_to(chat), state)
            case SetPresence(available=available):
                self._guard.set_presence(available=available)
            case SubscribePresence(who=who):
                self._guard.subscribe_presence(chat_jid(who))
            case LogOut():
                self._guard.log_out()
            case _:
                raise EngineUnsupportedError

    def _send(self, envelope: Envelope) -> MessageSent:
        upload = file_to_upload(envelope.content)
        uploaded = self._upload(*upload) if upload is not None else None
        message = build(envelope, uploaded=uploaded, now=self._clock())
        crash_point(CrashPoint.WORKER_SENDING)
        sent = self._guard.send(chat_jid(envelope.to), message)
        crash_point(CrashPoint.WORKER_SENT)
        return MessageSent(sent=sent)

    def _upload(self, kind: MediaKind, file: OutgoingFile) -> Uploaded:
        try:
            data = Path(file.path).read_bytes()
        except OSError as error:
            raise InvalidRequestError("The file cannot be read.") from error
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise InvalidRequestError("The file is not the one that was announced.")
        return self._guard.upload(kind, data, self._clock())

    def _download(self, kind: MediaKind, file: RemoteFile, path: Path) -> FileSaved:
        data = self._guard.download(kind, file)
        if file.sha256 and hashlib.sha256(data).digest() != file.sha256:
            raise MediaUnavailableError("The file that came is not the one that was announced.")
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise InvalidRequestError("The file cannot be written where it should go.") from error
        with os.fdopen(fd, "wb") as target:
            target.write(data)
        return FileSaved(size=len(data))

    def _check_numbers(self, phones: tuple[str, ...]) -> NumbersChecked:
        found = self._guard.check_numbers(phones)
        return NumbersChecked(
            numbers=tuple(
                NumberFound(phone=phone, address=self._resolve(Address.of(found[phone])) if phone in found else None)
                for phone in phones
            )
        )

    def _resolve(self, who: Address) -> Address:
        known = who.pn or who.lid
        if known is None or (who.pn and who.lid):
            return who
        return Address.of(who.pn, who.lid, self._guard.other_name(known))


def _spoken_to(address: Address) -> Jid:
    """The name under which receipts and typing are sent: the LID where there is one, as WhatsApp itself does."""
    return address.primary
