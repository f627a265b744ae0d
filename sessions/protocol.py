"""The frames between daemon and worker: length-prefixed MessagePack over an inherited socket pair.

A frame is four bytes of length (big-endian) and one :data:`DaemonFrame` or :data:`WorkerFrame`. The daemon calls and
acknowledges; the worker greets, answers and reports.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Literal

import msgspec

from sessions.commands.every import AnyCommand, AnyResult
from sessions.events import Report
from sessions.status import Reason

PROTOCOL_VERSION = 1
MAX_FRAME_BYTES = 64 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class ExitCode(IntEnum):
    """How a worker ends when it ends by itself."""

    ASKED = 0  #: told to stop, or its work is done
    DEAF = 70  #: the engine stopped delivering events
    NOT_CONNECTED = 75  #: WhatsApp could not be reached
    FAULTY = 71  #: a thread that it cannot do without has failed
    UNUSABLE = 78  #: the engine, the key store or the journal cannot be used


class Proxy(msgspec.Struct, frozen=True, kw_only=True):
    """How a worker reaches WhatsApp: ``http``, ``https`` or ``socks5`` URL. May hold a password: never logged."""

    url: str

    def __repr__(self) -> str:
        return "Proxy(...)"


class Loopback(msgspec.Struct, frozen=True, kw_only=True):
    """The WhatsApp of our own that a worker is joined to instead of the real one."""

    proxy_url: str
    ca_file: str
    root_key: bytes  #: 32 bytes, replaces the engine's trust root in the worker's memory


class SessionSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker needs to run one session. ``folder`` is the session's own and holds keys, journal and lock."""

    session_id: str
    folder: str
    group: str = ""  #: sessions of different groups (organizations) never share a worker
    device_name: str = "wagate"  #: shown on the phone under linked devices
    platform: Literal["chrome", "firefox", "edge", "safari", "opera", "desktop"] = "chrome"
    history: Literal["none", "recent", "full"] = "recent"
    history_days: int | None = None  #: instead of what the word before stands for
    typing_events: bool = True
    channel_events: bool = True
    proxy: Proxy | None = None


class Probing(msgspec.Struct, frozen=True, kw_only=True):
    """How a worker finds out whether frames still flow. Seconds."""

    every_seconds: float = 120.0  #: ask WhatsApp something when nothing else has proved life for so long
    answer_seconds: float = 10.0  #: an answer that takes longer is overdue
    pulse_seconds: float = 10.0  #: how often the worker says how its sessions are


class Pulse(msgspec.Struct, frozen=True, kw_only=True):
    """One session's signs of life as its worker sees them. Times are seconds since 1970."""

    session_id: str
    last_frame_at: float | None  #: something arrived that WhatsApp sent by itself
    last_proof_at: float | None  #: something arrived, or a question was answered
    overdue_seconds: float = 0.0  #: for how long an answer is overdue
    held_seconds: float = 0.0  #: for how long the journal has not taken what arrived
    probe_ms: float | None = None  #: how long the last answer to a probe took
    probes: tuple[float, ...] = ()  #: seconds that the probes took which were answered since the last pulse


class DaemonFrame(msgspec.Struct, frozen=True, tag_field="frame", kw_only=True):
    """Base of frames to a worker."""


class Begin(DaemonFrame, frozen=True, tag="begin"):
    """The first frame: the sessions of this worker, for its whole life."""

    sessions: tuple[SessionSpec, ...]
    pairing: bool = False
    loopback: Loopback | None = None
    probing: Probing = Probing()


class Call(DaemonFrame, frozen=True, tag="call"):
    """Ask a session for something. After ``deadline`` nobody waits for it, and it must not be begun any more."""

    call_id: int
    deadline: float  #: on the host's monotonic clock, which all processes share
    session_id: str
    command: AnyCommand


class Acknowledge(DaemonFrame, frozen=True, tag="ack"):
    """Everything of this session up to ``seq`` is committed; its journal may forget it.

    ``taken`` counts the reports that were committed, so that the worker may send as many again.
    """

    session_id: str
    seq: int
    taken: int


class Stop(DaemonFrame, frozen=True, tag="stop"):
    """Finish what is under way, disconnect, drain and exit."""

    grace_seconds: float


ToWorker = Begin | Call | Acknowledge | Stop


class WorkerFrame(msgspec.Struct, frozen=True, tag_field="frame", kw_only=True):
    """Base of frames from a worker."""


class Hello(WorkerFrame, frozen=True, tag="hello"):
    protocol: int
    pid: int
    engine_version: str
    capabilities: tuple[str, ...]


class Ready(WorkerFrame, frozen=True, tag="ready"):
    """Every session of this worker has been started; calls are served from now on."""


class Answer(WorkerFrame, frozen=True, tag="answer"):
    call_id: int
    result: AnyResult


class Failure(WorkerFrame, frozen=True, tag="failure"):
    """The command failed; ``code`` is that of a :class:`sessions.errors.SessionError`."""

    call_id: int
    code: str
    detail: str


class Reported(WorkerFrame, frozen=True, tag="reported"):
    reports: tuple[Report, ...]


class Pulsed(WorkerFrame, frozen=True, tag="pulsed"):
    """How the sessions of this worker are; also the sign that the worker itself is."""

    pulses: tuple[Pulse, ...]


class Fatal(WorkerFrame, frozen=True, tag="fatal"):
    """The worker cannot go on; it exits right after this. ``session_id`` names the session that is the cause."""

    session_id: str | None
    reason: Reason
    detail: str  #: without personal data


ToDaemon = Hello | Ready | Answer | Failure | Reported | Pulsed | Fatal

_encoder = msgspec.msgpack.Encoder()
_to_worker = msgspec.msgpack.Decoder(ToWorker)
_to_daemon = msgspec.msgpack.Decoder(ToDaemon)


class FrameError(Exception):
    """What should go over the socket pair, or came over it, is no frame of ours. Says nothing of what is in it."""


def pack(frame: DaemonFrame | WorkerFrame) -> bytes:
    """One frame as it stands on the wire; raise FrameError for one that is too long or cannot be written down."""
    try:
        body = _encoder.encode(frame)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise FrameError(f"a frame cannot be encoded ({type(error).__name__})") from error
    if len(body) > MAX_FRAME_BYTES:
        raise FrameError("a frame is too long")
    return _LENGTH.pack(len(body)) + body


def unpack_to_worker(body: bytes) -> ToWorker:
    """Read a frame's body at the worker's end."""
    frame: ToWorker = _to_worker.decode(body)
    return frame


def unpack_to_daemon(body: bytes) -> ToDaemon:
    """Read a frame's body at the daemon's end."""
    frame: ToDaemon = _to_daemon.decode(body)
    return frame


class FrameSplitter:
    """Cuts a stream of bytes into frame bodies."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take what arrived and give back the bodies that are complete."""
        buffer = self._buffer
        buffer += data
        bodies: list[bytes] = []
        start = 0
        while len(buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer, start)
            if length > MAX_FRAME_BYTES:
                raise FrameError("a frame is too long")
            end = start + _LENGTH.size + length
            if len(buffer) < end:
                break
            bodies.append(bytes(buffer[start + _LENGTH.size : end]))
            start = end
        del buffer[:start]
        return bodies
