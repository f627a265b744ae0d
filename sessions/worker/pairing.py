"""Watches a pairing attempt inside its worker: codes come, a phone scans one, or the attempt ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sessions.events import Event, PairingEnded, QrShown, Report
from sessions.protocol import ExitCode, Reported
from sessions.status import Reason
from sessions.worker.inbound import codes
from sessions.worker.wire import Wire

_FIRST_CODE_SECONDS = 60.0
_NEXT_CODE_SECONDS = 20.0
_RESTART_WAIT_SECONDS = 3.0
_PAIRED_WAIT_SECONDS = 5.0
#: What the library logs when WhatsApp has taken the link and asks it to log in.
_RESTART_ASKED = "Got 515 code"


class PairingWatch:
    """Tells the daemon about one attempt and ends the process when it is over."""

    def __init__(self, *, wire: Wire, leave: Callable[[ExitCode], None]) -> None:
        self.session_id = ""
        self.qr_shown = threading.Event()
        self._wire = wire
        self._leave = leave
        self._codes_shown = 0
        self._paired = threading.Event()
        self._restart_asked = threading.Event()
        self._scanned = False

    def take_qr(self, code: str) -> None:
        first = self._codes_shown == 0
        shown = QrShown(
            code=code,
            valid_seconds=_FIRST_CODE_SECONDS if first else _NEXT_CODE_SECONDS,
            index=self._codes_shown,
        )
        self._codes_shown += 1
        self._tell(shown)
        self.qr_shown.set()

    def take_login_status(self, status: str) -> None:
        if status == "success":
            self._scanned = True
            self._finish_soon()
            return
        self._tell(PairingEnded(reason=_reason_for(status)))
        self._leave(ExitCode.ASKED)

    def take_log(self, message: str) -> None:
        if message.startswith(_RESTART_ASKED):
            self._restart_asked.set()

    def watching(self, keep: Callable[[int, bytes], None]) -> Callable[[int, bytes], None]:
        """Let events be kept as always, and notice those that say how far the attempt is."""

        def keep_and_notice(code: int, data: bytes) -> None:
            keep(code, data)
            if code == codes.PAIR_STATUS:
                self._paired.set()
            elif code == codes.CONNECTED:
                self._restart_asked.set()
            elif code == codes.DEVICE and not self._scanned:
                # The folder has a linked phone already: there is nothing to pair, an ordinary worker shall have it.
                self._paired.set()
                self._restart_asked.set()
                self._finish_soon()

        return keep_and_notice

    def _finish_soon(self) -> None:
        threading.Thread(target=self._finish, name="finish", daemon=True).start()

    def _finish(self) -> None:
        # WhatsApp first confirms the link and then asks to log in anew. The ordinary worker does that; this process
        # must only not go before WhatsApp has its answer.
        self._paired.wait(_PAIRED_WAIT_SECONDS)
        self._restart_asked.wait(_RESTART_WAIT_SECONDS)
        self._leave(ExitCode.ASKED)

    def _tell(self, event: Event) -> None:
        report = Report(session_id=self.session_id, seq=0, received_at=time.time(), event=event)
        self._wire.send(Reported(reports=(report,)))


def _reason_for(status: str) -> Reason:
    """What the library's word for the end of an attempt means."""
    if status == "timeout":
        return Reason.QR_EXPIRED
    if status == "err-client-outdated":
        return Reason.ENGINE_OUTDATED
    return Reason.PASSKEY_DEMANDED if "passkey" in status else Reason.PAIRING_REFUSED
