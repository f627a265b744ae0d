"""From the journal to the daemon: what is reported, what is not, and when the journal may forget."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from sessions.events import Connected, Identified, Unparsed
from sessions.protobuf import load
from sessions.worker.inbound import codes
from sessions.worker.journal import Journal
from sessions.worker.reporter import WINDOW_REPORTS, Stream

neonize: Any = load("Neonize_pb2")
e2e: Any = load("waE2E.WAWebProtobufsE2E_pb2")
sync: Any = load("waHistorySync.WAWebProtobufsHistorySync_pb2")
_clock = itertools.count(1_700_000_000)


def open_stream(folder: Path) -> Stream:
    journal = Journal(folder / "journal", clock=lambda: float(next(_clock)))
    return Stream(session_id="ses_1", folder=folder, journal=journal)


def connected() -> bytes:
    return bytes(neonize.Connected(status=True).SerializeToString())


def test_an_entry_becomes_a_report_with_its_number(tmp_path: Path) -> None:
    stream = open_stream(tmp_path)
    seq = stream.journal.append(codes.CONNECTED, connected())

    (report,) = stream.next_reports()

    assert (report.seq, report.event, report.more) == (seq, Connected(), False)
    assert stream.next_reports() == []
    assert not stream.is_taken
    stream.acknowledge(seq, 1)
    assert stream.is_taken
    assert stream.journal.acknowledged == seq


def test_what_was_true_of_an_earlier_life_is_not_reported_in_this_one(tmp_path: Path) -> None:
    before = open_stream(tmp_path)
    before.journal.append(codes.CONNECTED, connected())
    device = neonize.Device(Platform="", BussinessName="", PushName="Ana", Initialized=True)
    before.journal.append(codes.DEVICE, device.SerializeToString())
    before.journal.append(codes.LOGGED_OUT, neonize.LoggedOut(OnConnect=False, Reason=2).SerializeToString())
    before.journal.close()

    again = open_stream(tmp_path)

    events = [report.event for report in again.next_reports()]
    assert [type(event) for event in events] == [Identified]


def test_entries_that_say_nothing_do_not_hold_the_journal_back(tmp_path: Path) -> None:
    stream = open_stream(tmp_path)
    keys = e2e.Message(senderKeyDistributionMessage=e2e.SenderKeyDistributionMessage(groupID="1@g.us"))
    silent = neonize.Message(Message=keys).SerializePartialToString()
    first = stream.journal.append(codes.CONNECTED, connected())
    last = stream.journal.append(17, silent)

    reports = stream.next_reports()

    assert [report.seq for report in reports] == [first]
    stream.acknowledge(first, 1)
    assert stream.journal.acknowledged == last
    after = stream.journal.append(17, silent)
    assert stream.next_reports() == []
    assert stream.journal.acknowledged == after


def test_the_pieces_of_one_entry_are_forgotten_together(tmp_path: Path) -> None:
    stream = open_stream(tmp_path)
    names = [sync.Pushname(ID=f"1555{n:07d}@s.whatsapp.net", pushname="x") for n in range(1200)]
    data = neonize.HistorySync(Data=sync.HistorySync(syncType=4, pushnames=names)).SerializeToString()
    seq = stream.journal.append(codes.HISTORY, data)

    reports = stream.next_reports()

    assert [report.seq for report in reports] == [seq] * 3
    assert [report.more for report in reports] == [True, True, False]
    stream.acknowledge(0, 2)
    assert stream.journal.acknowledged < seq
    stream.acknowledge(seq, 1)
    assert stream.journal.acknowledged == seq


def test_a_daemon_that_does_not_keep_up_is_not_flooded(tmp_path: Path) -> None:
    stream = open_stream(tmp_path)
    for _ in range(WINDOW_REPORTS + 50):
        stream.journal.append(codes.CONNECTED, connected())

    sent = []
    while reports := stream.next_reports():
        sent += reports

    assert len(sent) == WINDOW_REPORTS
    stream.acknowledge(sent[99].seq, 100)
    assert len(stream.next_reports()) == 50


def test_what_cannot_be_read_is_reported_and_kept_raw(tmp_path: Path) -> None:
    stream = open_stream(tmp_path)
    seq = stream.journal.append(17, b"\xff\xff\xff not protobuf")

    (report,) = stream.next_reports()

    assert report.event == Unparsed(event_code=17, error="DecodeError")
    assert (tmp_path / "quarantine" / f"{seq}-17.bin").read_bytes() == b"\xff\xff\xff not protobuf"


def test_what_is_stale_in_a_moment_is_reported_without_a_number(tmp_path: Path) -> None:
    stream = open_stream(tmp_path)
    presence = neonize.Presence(
        From=neonize.JID(User="1", Server="lid", RawAgent=0, Device=0, Integrator=0), Unavailable=False, LastSeen=0
    )

    stream.read_fleeting(codes.PRESENCE, presence.SerializeToString(), 5.0)

    (report,) = stream.next_reports()
    assert (report.seq, report.received_at) == (0, 5.0)
    assert not stream.journal.has_unread
