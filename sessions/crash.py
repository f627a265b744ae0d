"""Named moments at which a process can be made to die, so that tests can prove that none of them loses anything.

Armed only in the sandbox, by ``WAGATE_CRASH_AT``: a folder of fuses. Who comes to a point and finds a file of its name
there takes the file away and is dead at once, as by ``kill -9``; so each fuse kills one process, whichever is first.
Unarmed, a point costs one comparison.
"""

from __future__ import annotations

import os
import signal
from enum import StrEnum
from pathlib import Path

VARIABLE = "WAGATE_CRASH_AT"


class CrashPoint(StrEnum):
    """Where a process can be made to die. The part before the dot says in whose work."""

    API_COMMITTED = "api.committed"  #: a request with a key has had its effect, and is not answered
    OUTBOX_CLAIMED = "outbox.claimed"  #: a message is ``sending`` in the store, and its worker has not heard of it
    OUTBOX_HANDED = "outbox.handed"  #: the worker has been told to send it
    OUTBOX_ANSWERED = "outbox.answered"  #: the worker has said what came of it, and the store does not know
    OUTBOX_SETTLED = "outbox.settled"  #: the store knows
    INTAKE_TAKEN = "intake.taken"  #: a report has come from a worker, and nothing of it is stored
    INTAKE_COMMITTED = "intake.committed"  #: it is stored, and the worker has not heard that it may forget it
    PAIRING_TAKEN = "pairing.taken"  #: a phone has linked itself, and the store does not know
    PAIRING_COMMITTED = "pairing.committed"  #: the store knows, and nobody has acted on it
    WEBHOOK_POSTED = "webhook.posted"  #: an endpoint has answered, and the store does not know
    WORKER_SENDING = "worker.sending"  #: a worker has a message and has not given it to the engine
    WORKER_SENT = "worker.sent"  #: the engine has sent it, and the daemon does not know
    WORKER_HEARD = "worker.heard"  #: the engine has given up an event that is not in the journal: the gap we admit
    WORKER_JOURNALLED = "worker.journalled"  #: an event is in the journal, and the daemon does not know
    WORKER_ACKNOWLEDGED = "worker.acknowledged"  #: the daemon has it, and the journal has not forgotten it


_fuses: Path | None = None


def arm(folder: str | None) -> None:
    """Once at the start of a process, which alone knows whether it lives in the sandbox: obey this folder."""
    global _fuses
    _fuses = Path(folder) if folder else None


def crash_point(point: CrashPoint) -> None:
    """Die here, if that is wanted."""
    if _fuses is None:
        return
    try:
        (_fuses / point.value).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
