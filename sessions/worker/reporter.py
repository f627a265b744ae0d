"""Reads the journals, turns entries into reports and sends them to the daemon, as many as it can take."""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from sessions.crash import CrashPoint, crash_point
from sessions.events import Event, Report, Unparsed, Withheld
from sessions.protocol import FrameError, Reported, pack
from sessions.worker.inbound import codes
from sessions.worker.inbound.context import Reading
from sessions.worker.journal import Entry, Journal
from sessions.worker.quarantine import Quarantine
from sessions.worker.wire import Wire

WINDOW_REPORTS = 256
_FRAME_REPORTS = 64
_READ_ENTRIES = 64
_MAX_FLEETING = 256


class Stream:
    """The reports of one session on their way to the daemon."""

    def __init__(
        self,
        *,
        session_id: str,
        folder: Path,
        journal: Journal,
        history: Literal["none", "recent", "full"] = "recent",
    ) -> None:
        self.session_id = session_id
        self.journal = journal
        self._quarantine = Quarantine(folder)
        self._reading = Reading(history=history)
        self._lock = threading.Lock()
        self._fleeting: deque[Report] = deque(maxlen=_MAX_FLEETING)
        self._waiting: deque[Report] = deque()
        self._in_flight = 0
        #: For the last report of a journal entry: up to which number the journal may forget once it is acknowledged.
        self._covers: deque[tuple[int, int]] = deque()

    def put_fleeting(self, event: Event, now: float) -> None:
        """Report something that is not journalled and may be lost."""
        self._fleeting.append(Report(session_id=self.session_id, seq=0, received_at=now, event=event))

    def read_fleeting(self, code: int, data: bytes, now: float) -> None:
        for event in codes.read_event(code, data, self._reading):
            self.put_fleeting(event, now)

    def next_reports(self) -> list[Report]:
        """What may be sent now; empty if there is nothing or the daemon has enough to do."""
        with self._lock:
            if not self._waiting and self._in_flight < WINDOW_REPORTS:
                self._read_journal()
            room = min(_FRAME_REPORTS, WINDOW_REPORTS - self._in_flight)
            reports = [self._waiting.popleft() for _ in range(min(room, len(self._waiting)))]
            while self._fleeting and len(reports) < room:
                reports.append(self._fleeting.popleft())
            self._in_flight += len(reports)
            return reports

    def withhold(self, report: Report, error: FrameError) -> Report:
        """What goes to the daemon in place of a report that no frame can hold, so that the journal may go on."""
        entry = self.journal.find(report.seq) if report.seq else None
        if entry is not None:
            self._quarantine.keep(entry, str(error))
        what = str(type(report.event).__struct_config__.tag)
        return msgspec.structs.replace(report, event=Withheld(what=what, error=str(error)))

    def acknowledge(self, seq: int, taken: int) -> None:
        """The daemon has committed so many reports, and all of them up to ``seq``."""
        with self._lock:
            self._in_flight = max(0, self._in_flight - taken)
            forget = 0
            while self._covers and self._covers[0][0] <= seq:
                forget = self._covers.popleft()[1]
        if forget:
            crash_point(CrashPoint.WORKER_ACKNOWLEDGED)
            self.journal.acknowledge(forget)

    @property
    def is_sent(self) -> bool:
        """Whether everything that arrived has been sent to the daemon."""
        return not self._waiting and not self._fleeting and not self.journal.has_unread

    @property
    def is_taken(self) -> bool:
        """Whether the daemon has taken over everything that arrived."""
        return self.is_sent and self._in_flight == 0

    def _read_journal(self) -> None:
        for entry in self.journal.read(_READ_ENTRIES):
            reports = self._reports_of(entry)
            self._waiting.extend(reports)
            if reports:
                self._covers.append((entry.seq, entry.seq))
            elif self._covers:
                self._covers[-1] = (self._covers[-1][0], entry.seq)
            else:
                self.journal.acknowledge(entry.seq)

    def _reports_of(self, entry: Entry) -> list[Report]:
        if entry.code in codes.OF_THIS_LIFE and entry.seq < self.journal.first_of_this_life:
            return []
        events = codes.read_event(entry.code, entry.data, self._reading)
        for event in events:
            if isinstance(event, Unparsed):
                self._quarantine.keep(entry, f"it cannot be read ({event.error})")
        last = len(events) - 1
        return [
            Report(
                session_id=self.session_id,
                seq=entry.seq,
                received_at=entry.received_at,
                event=event,
                more=position < last,
            )
            for position, event in enumerate(events)
        ]


def frames_of(reports: Sequence[Report], withhold: Callable[[Report, FrameError], Report]) -> Iterator[bytes]:
    """Packed frames with all these reports in order: one if they fit in, halves of it otherwise."""
    try:
        frame = pack(Reported(reports=tuple(reports)))
    except FrameError as error:
        if len(reports) == 1:
            yield pack(Reported(reports=(withhold(reports[0], error),)))
            return
        half = len(reports) // 2
        yield from frames_of(reports[:half], withhold)
        yield from frames_of(reports[half:], withhold)
    else:
        yield frame


class Reporter:
    """The thread that keeps the daemon supplied with the reports of all sessions of this worker.

    Without it the worker would be mute and look well: if it fails all the same, ``on_failure`` must end the process.
    """

    def __init__(self, *, wire: Wire, streams: dict[str, Stream], on_failure: Callable[[], None]) -> None:
        self._wire = wire
        self._streams = streams
        self._on_failure = on_failure
        self._due = threading.Event()
        self._idle = threading.Condition()
        self._busy = False

    def start(self) -> None:
        threading.Thread(target=self._run, name="reporter", daemon=True).start()
        self.wake()

    def wake(self) -> None:
        """There may be something to send."""
        self._due.set()

    def acknowledge(self, session_id: str, seq: int, taken: int) -> None:
        stream = self._streams.get(session_id)
        if stream is not None:
            stream.acknowledge(seq, taken)
            self.wake()
            with self._idle:
                self._idle.notify_all()

    def flush(self, timeout_seconds: float, *, until_taken: bool) -> bool:
        """Wait until everything is sent (and taken over by the daemon), but not longer than so."""
        self.wake()
        streams = self._streams.values()

        def is_done() -> bool:
            if self._busy or self._due.is_set():
                return False
            return all(stream.is_taken if until_taken else stream.is_sent for stream in streams)

        with self._idle:
            return self._idle.wait_for(is_done, timeout_seconds)

    def _run(self) -> None:
        try:
            while True:
                self._supply()
        except Exception:  # noqa: BLE001 - such as a disk that cannot be read; the daemon must hear of it
            traceback.print_exc()
            self._on_failure()

    def _supply(self) -> None:
        self._due.wait()
        with self._idle:
            self._busy = True
            self._due.clear()
        for stream in self._streams.values():
            while reports := stream.next_reports():
                for frame in frames_of(reports, stream.withhold):
                    self._wire.send_packed(frame)
        with self._idle:
            self._busy = False
            self._idle.notify_all()
