"""What no frame can hold stops nothing: it is told of, kept raw, and whatever comes after it arrives."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sessions.content import Text
from sessions.events import HistoryReceived, MessageReceived, Report, Typing, Withheld
from sessions.protobuf import load
from sessions.protocol import MAX_FRAME_BYTES, FrameSplitter, Reported, unpack_to_daemon
from sessions.worker.inbound import codes
from sessions.worker.journal import Journal
from sessions.worker.reporter import Reporter, Stream
from sessions.worker.wire import Wire

pytestmark = pytest.mark.long

neonize: Any = load("Neonize_pb2")
e2e: Any = load("waE2E.WAWebProtobufsE2E_pb2")
sync: Any = load("waHistorySync.WAWebProtobufsHistorySync_pb2")
web: Any = load("waWeb.WAWebProtobufsWeb_pb2")
MESSAGE = 17
TOO_LONG = "a frame is too long"


@dataclass
class Line:
    """A worker's reporter with one session, and the daemon's end of its socket pair."""

    stream: Stream
    reporter: Reporter
    folder: Path
    daemon: socket.socket
    failed: threading.Event

    def frames(self, reports: int) -> list[tuple[Report, ...]]:
        """The next frames, until so many reports have come."""
        splitter = FrameSplitter()
        frames: list[tuple[Report, ...]] = []
        while sum(map(len, frames)) < reports:
            for body in splitter.feed(self.daemon.recv(1024 * 1024)):
                frame = unpack_to_daemon(body)
                assert isinstance(frame, Reported)
                frames.append(frame.reports)
        return frames

    def reports(self, count: int) -> list[Report]:
        return [report for frame in self.frames(count) for report in frame]

    def quarantined(self) -> dict[str, int]:
        return {path.name: path.stat().st_size for path in (self.folder / "quarantine").iterdir()}


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    daemon, worker = socket.socketpair()
    daemon.settimeout(60)
    journal = Journal(tmp_path / "journal", clock=lambda: 1_700_000_000.0)
    stream = Stream(session_id="ses_1", folder=tmp_path, journal=journal, history="full")
    failed = threading.Event()
    with daemon, worker:
        reporter = Reporter(wire=Wire(worker), streams={"ses_1": stream}, on_failure=failed.set)
        yield Line(stream=stream, reporter=reporter, folder=tmp_path, daemon=daemon, failed=failed)


def message(body: str) -> bytes:
    jid = neonize.JID(User="15550000002", Server="s.whatsapp.net", RawAgent=0, Device=0, Integrator=0, IsEmpty=False)
    source = neonize.MessageSource(Chat=jid, Sender=jid, IsFromMe=False, IsGroup=False)
    info = neonize.MessageInfo(ID="A", MessageSource=source, Timestamp=1, Pushname="Ana")
    return bytes(neonize.Message(Info=info, Message=e2e.Message(conversation=body)).SerializePartialToString())


def history(messages: int, body: str) -> bytes:
    stored = [
        sync.HistorySyncMsg(message=web.WebMessageInfo(key={"ID": str(number)}, message=e2e.Message(conversation=body)))
        for number in range(messages)
    ]
    chat = sync.Conversation(ID="15550000002@s.whatsapp.net", messages=stored)
    data = sync.HistorySync(syncType=sync.HistorySync.FULL, conversations=[chat])
    return bytes(neonize.HistorySync(Data=data).SerializePartialToString())


def test_reports_that_are_too_long_together_come_in_several_frames_and_in_order(line: Line) -> None:
    pieces, each = 64, 50
    body = "x" * (MAX_FRAME_BYTES // (pieces * each) + 2_000)
    line.stream.journal.append(codes.HISTORY, history(pieces * each, body))
    line.stream.journal.append(MESSAGE, message("after"))

    line.reporter.start()
    frames = line.frames(pieces + 1)

    events = [report.event for frame in frames for report in frame]
    numbers = [int(one.key.wa_id) for event in events if isinstance(event, HistoryReceived) for one in event.messages]
    assert numbers == list(range(pieces * each))
    assert isinstance(events[-1], MessageReceived)
    assert [len(frame) for frame in frames] == [32, 32, 1]


def test_a_report_that_fits_in_no_frame_is_told_of_and_its_bytes_are_kept(line: Line) -> None:
    before = line.stream.journal.append(MESSAGE, message("before"))
    large = message("x" * MAX_FRAME_BYTES)
    seq = line.stream.journal.append(MESSAGE, large)
    after = line.stream.journal.append(MESSAGE, message("after"))

    line.reporter.start()
    reports = line.reports(3)

    assert [report.seq for report in reports] == [before, seq, after]
    assert reports[1].event == Withheld(what="message", error=TOO_LONG)
    assert isinstance(reports[2].event, MessageReceived)
    assert line.quarantined() == {f"{seq}-{MESSAGE}.bin": len(large)}
    line.reporter.acknowledge("ses_1", after, 3)
    assert line.stream.journal.acknowledged == after
    assert line.reporter.flush(10, until_taken=True)


def test_a_report_that_cannot_be_written_down_is_told_of(line: Line) -> None:
    line.stream.put_fleeting(Typing(chat=None, who=None, state="\ud800"), 5.0)  # type: ignore[arg-type]
    line.stream.put_fleeting(Typing(chat=None, who=None, state=2**70), 6.0)  # type: ignore[arg-type]
    seq = line.stream.journal.append(MESSAGE, message("after"))

    line.reporter.start()
    reports = {report.received_at: report for report in line.reports(3)}

    assert reports.keys() == {5.0, 6.0, 1_700_000_000.0}
    errors = [report.event.error for report in reports.values() if isinstance(report.event, Withheld)]
    assert errors == ["a frame cannot be encoded (UnicodeEncodeError)", "a frame cannot be encoded (OverflowError)"]
    assert reports[1_700_000_000.0].seq == seq


def test_what_cannot_be_kept_aside_is_told_of_all_the_same(line: Line, capfd: pytest.CaptureFixture[str]) -> None:
    (line.folder / "quarantine").write_text("in the way of the folder, as a full disk is")
    unreadable = line.stream.journal.append(MESSAGE, b"\xff\xff not a protobuf")
    large = line.stream.journal.append(MESSAGE, message("x" * MAX_FRAME_BYTES))

    line.reporter.start()

    assert [report.seq for report in line.reports(2)] == [unreadable, large]
    said = capfd.readouterr().err.splitlines()
    assert said == [
        f"event {unreadable} of kind {MESSAGE} not kept: it cannot be read (DecodeError)",
        f"event {large} of kind {MESSAGE} not kept: {TOO_LONG}",
    ]


def test_the_quarantine_keeps_so_many_files_and_goes_on_without_more(line: Line) -> None:
    for _ in range(205):
        line.stream.journal.append(MESSAGE, b"\xff\xff not a protobuf")

    line.reporter.start()

    assert len(line.reports(205)) == 205
    assert len(line.quarantined()) == 200


def test_a_disk_that_cannot_be_read_ends_the_worker_rather_than_leave_it_mute(
    line: Line, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    line.stream.journal.append(MESSAGE, message("hello"))

    def refuse(*_: object) -> bytes:
        raise OSError(errno.EIO, "the disk is broken")

    with monkeypatch.context() as broken:
        broken.setattr(os, "pread", refuse)
        line.reporter.start()
        assert line.failed.wait(30)

    assert "the disk is broken" in capfd.readouterr().err


def test_what_is_told_of_holds_nothing_of_what_it_was(line: Line, capfd: pytest.CaptureFixture[str]) -> None:
    line.stream.journal.append(MESSAGE, message("geheim " * (MAX_FRAME_BYTES // 7 + 1)))

    line.reporter.start()
    (report,) = line.reports(1)

    assert "geheim" not in repr(report)
    assert "geheim" not in capfd.readouterr().err
    assert isinstance(report.event, Withheld)
    assert Text.__name__ not in repr(report)
