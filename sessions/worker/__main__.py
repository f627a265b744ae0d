"""Entry point of a worker process: ``python -m sessions.worker --fd N --parent PID``."""

from __future__ import annotations

import os
import socket
import sys

from sessions import crash
from sessions.protocol import Begin
from sessions.worker import host
from sessions.worker.runner import Runner
from sessions.worker.wire import Wire

#: How long the interpreter may keep the library waiting with an event that WhatsApp believes to be received. With the
#: usual 5 ms a burst of a hundred events took 170 ms to reach the journal while other threads were busy; so it takes 5.
_SWITCH_SECONDS = 0.0005


def main(arguments: list[str]) -> None:
    """Run a worker over the socket pair that the daemon left open."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    options = dict(zip(arguments[::2], arguments[1::2], strict=True))
    host.settle(int(options["--parent"]))
    wire = Wire(socket.socket(fileno=int(options["--fd"])))
    first = next(wire.frames(), None)
    if isinstance(first, Begin):
        crash.arm(os.environ.get(crash.VARIABLE) if first.loopback is not None else None)
        Runner(wire=wire, begin=first).run()


if __name__ == "__main__":
    main(sys.argv[1:])
