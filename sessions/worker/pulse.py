"""Signs of life: what arrives and what is answered, and a question to WhatsApp when neither has happened for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from random import Random

from sessions.protocol import Probing, Pulse, Pulsed
from sessions.worker.calls import Lane
from sessions.worker.guard.handle import Gate
from sessions.worker.inbound import codes
from sessions.worker.wire import Wire

#: Neither sign of life nor of death: handing something to the journal takes this long on a slow disk.
_HELD_TOLERATED_SECONDS = 2.0
_EARLIEST, _LATEST = 0.8, 1.2  # of the interval, so that many sessions do not ask at once


class Vitals:
    """One session's signs of life. Written by the engine's thread and the call threads, read by the monitor's."""

    def __init__(
        self,
        *,
        session_id: str,
        gate: Gate,
        ask: Callable[[], bool],
        probing: Probing,
        random: Random,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.session_id = session_id
        #: Called when somebody should look at once.
        self.wake: Callable[[], None] = lambda: None
        self._gate = gate
        self._ask = ask
        self._probing = probing
        self._random = random
        self._monotonic = monotonic
        self._wall = wall
        self._lane = Lane("probe")
        self._lock = threading.Lock()
        self._proved_at = monotonic()
        self._next_probe_at = self._proved_at + self._interval()
        self._asked_at: float | None = None
        self._is_asking = False
        self._holding_since: float | None = None
        self._last_frame_at: float | None = None
        self._last_proof_at: float | None = None
        self._probe_ms: float | None = None
        self._probes: list[float] = []

    def arrives(self, code: int) -> None:
        """The engine hands over an event, which may or may not come from WhatsApp."""
        self._holding_since = self._monotonic()
        if code in codes.FROM_WHATSAPP:
            self._last_frame_at = self._wall()
            self.proved()
        elif code == codes.KEEPALIVE_TIMEOUT:
            with self._lock:
                self._next_probe_at = self._monotonic()
            self.wake()

    def kept(self) -> None:
        """The event that was handed over is safe."""
        self._holding_since = None

    def proved(self) -> None:
        """WhatsApp has answered something."""
        now = self._monotonic()
        with self._lock:
            self._proved_at = now
            self._last_proof_at = self._wall()
            self._next_probe_at = now + self._interval()

    def look(self) -> float:
        """Ask if it is time to; give the seconds until the next look."""
        now = self._monotonic()
        with self._lock:
            if not self._gate.connected:
                self._asked_at = None
                return self._probing.pulse_seconds
            if not self._is_asking and now >= self._next_probe_at:
                self._asked_at = now if self._asked_at is None else self._asked_at
                self._is_asking = True
                self._lane.put(self._probe)
            if self._asked_at is None:
                return self._next_probe_at - now
            left = self._asked_at + self._probing.answer_seconds - now
            return left if left > 0 else self._probing.answer_seconds

    def pulse(self) -> Pulse:
        """How the session is now."""
        now = self._monotonic()
        with self._lock:
            probes, self._probes = tuple(self._probes), []
            return Pulse(
                session_id=self.session_id,
                last_frame_at=self._last_frame_at,
                last_proof_at=self._last_proof_at,
                overdue_seconds=self._overdue(now),
                held_seconds=self._held(now),
                probe_ms=self._probe_ms,
                probes=probes,
            )

    def _overdue(self, now: float) -> float:
        if self._asked_at is None or not self._gate.connected:
            return 0.0
        waited_since = max(self._asked_at, self._proved_at)
        return max(0.0, now - waited_since - self._probing.answer_seconds)

    def _held(self, now: float) -> float:
        since = self._holding_since
        held = 0.0 if since is None else now - since
        return held if held > _HELD_TOLERATED_SECONDS else 0.0

    def _probe(self) -> None:
        started = self._monotonic()
        answered = self._ask()
        seconds = self._monotonic() - started
        with self._lock:
            self._is_asking = False
            if answered:
                self._asked_at = None
                self._probe_ms = seconds * 1000
                self._probes.append(seconds)
            elif self._gate.connected:
                self._next_probe_at = self._monotonic() + self._probing.answer_seconds
        if answered:
            self.proved()
        self.wake()

    def _interval(self) -> float:
        return self._probing.every_seconds * self._random.uniform(_EARLIEST, _LATEST)


class Monitor:
    """The thread that looks at every session of the worker and tells the daemon."""

    def __init__(self, *, wire: Wire, vitals: Iterable[Vitals], probing: Probing) -> None:
        self._wire = wire
        self._vitals = list(vitals)
        self._probing = probing
        self._woken = threading.Event()
        for vitals_of_one in self._vitals:
            vitals_of_one.wake = self._woken.set

    def start(self) -> None:
        threading.Thread(target=self._run, name="monitor", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._woken.clear()
            next_look = min((one.look() for one in self._vitals), default=self._probing.pulse_seconds)
            self._wire.send(Pulsed(pulses=tuple(one.pulse() for one in self._vitals)))
            self._woken.wait(max(0.01, min(next_look, self._probing.pulse_seconds)))
