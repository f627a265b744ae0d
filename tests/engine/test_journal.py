"""The journal keeps what arrived through crashes, torn writes and restarts."""

from __future__ import annotations

import errno
import itertools
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.worker.journal import Journal, JournalError

START = 1_700_000_000.0


def open_journal(path: Path, *, now: float = START, compact_bytes: int = 1024) -> Journal:
    return Journal(path, clock=lambda: now, compact_bytes=compact_bytes)


def read_all(journal: Journal) -> list[tuple[int, bytes]]:
    entries = []
    while batch := journal.read(10):
        entries += [(entry.code, entry.data) for entry in batch]
    return entries


def test_gives_back_in_order_what_was_appended(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal")

    numbers = [journal.append(17, bytes([n])) for n in range(25)]

    assert read_all(journal) == [(17, bytes([n])) for n in range(25)]
    assert numbers == list(range(numbers[0], numbers[0] + 25))


def test_offers_again_after_a_restart_what_was_not_acknowledged(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal")
    numbers = [journal.append(17, bytes([n])) for n in range(5)]
    read_all(journal)
    journal.acknowledge(numbers[2])
    journal.close()

    again = open_journal(tmp_path / "journal")

    assert read_all(again) == [(17, b"\x03"), (17, b"\x04")]
    assert again.acknowledged == numbers[2]


def test_numbers_go_on_after_a_restart_even_if_the_clock_went_back(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal")
    last = journal.append(17, b"a")
    journal.close()

    again = open_journal(tmp_path / "journal", now=START - 1000)

    assert again.append(17, b"b") > last


def test_numbers_are_not_used_twice_when_a_power_cut_took_the_file(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal")
    last = [journal.append(17, b"a") for _ in range(100)][-1]
    journal.close()
    (tmp_path / "journal").unlink()

    again = open_journal(tmp_path / "journal", now=START + 1)

    assert again.append(17, b"b") > last


def test_forgets_the_acknowledged_part_and_keeps_reading_where_it_was(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal")
    for n in range(200):
        number = journal.append(17, bytes(50))
        read_all(journal)
        journal.acknowledge(number - 1)
        assert journal.size_bytes < 3000, n

    assert journal.read(10) == []
    journal.close()
    assert len(read_all(open_journal(tmp_path / "journal"))) == 1


def test_what_is_appended_while_others_read_forget_and_compact_is_read_once_and_in_order(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal", compact_bytes=2000)
    written = [str(n).encode() * (n % 40) for n in range(3000)]
    appending = threading.Thread(target=lambda: [journal.append(17, data) for data in written])
    appending.start()

    read: list[bytes] = []
    while len(read) < len(written):
        for entry in journal.read(7):
            read.append(entry.data)
            journal.acknowledge(entry.seq)
    appending.join()

    assert read == written
    assert journal.size_bytes < 10_000
    journal.close()
    assert read_all(open_journal(tmp_path / "journal")) == []


def test_an_entry_longer_than_what_is_read_at_a_time_comes_back_whole(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal")
    lengths = [10, 65_000, 300_000, 0, 65_536, 20]
    for length in lengths:
        journal.append(17, bytes(length))

    assert [len(data) for _, data in read_all(journal)] == lengths


def test_a_full_disk_does_not_keep_the_journal_from_forgetting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = open_journal(tmp_path / "journal")
    numbers = [journal.append(17, bytes([n])) for n in range(3)]

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no room")

    with monkeypatch.context() as full:
        full.setattr(os, "pwrite", refuse)
        journal.acknowledge(numbers[1])

    assert journal.acknowledged == numbers[1]
    assert read_all(journal) == [(17, b"\x02")]


def test_refuses_a_file_that_is_no_journal(tmp_path: Path) -> None:
    (tmp_path / "journal").write_bytes(b"SQLite format 3\0")

    with pytest.raises(JournalError):
        open_journal(tmp_path / "journal")


def test_a_damaged_entry_ends_what_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = open_journal(path)
    for n in range(3):
        journal.append(17, bytes([n]) * 20)
    journal.close()
    raw = bytearray(path.read_bytes())
    raw[-5] ^= 0xFF
    path.write_bytes(raw)

    assert [data[0] for _, data in read_all(open_journal(path))] == [0, 1]


@settings(max_examples=60, deadline=None)
@given(entries=st.lists(st.binary(max_size=200), max_size=12), cut=st.integers(min_value=0, max_value=400))
def test_any_torn_tail_loses_only_the_entries_it_reaches(
    tmp_path_factory: pytest.TempPathFactory, entries: list[bytes], cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal"
    journal = open_journal(path, compact_bytes=1 << 30)
    ends = [journal.size_bytes]
    for data in entries:
        journal.append(17, data)
        ends.append(journal.size_bytes)
    journal.close()
    size = max(path.stat().st_size - cut, 0)
    os.truncate(path, size)

    again = open_journal(path, compact_bytes=1 << 30)

    whole = sum(1 for end in ends[1:] if end <= size)
    assert [data for _, data in read_all(again)] == entries[:whole]
    again.append(18, b"next")
    again.close()
    assert read_all(open_journal(path))[-1] == (18, b"next")


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.sampled_from(["append", "read", "acknowledge", "reopen"]), max_size=60))
def test_nothing_unacknowledged_is_ever_lost_or_reordered(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal"
    journal = open_journal(path, compact_bytes=200)
    counter = itertools.count()
    kept: list[tuple[int, bytes]] = []
    read: list[int] = []
    for step in steps:
        if step == "append":
            data = str(next(counter)).encode() * 7
            kept.append((journal.append(17, data), data))
        elif step == "read":
            read += [entry.seq for entry in journal.read(3)]
        elif step == "acknowledge" and read:
            acknowledged = read[len(read) // 2]
            journal.acknowledge(acknowledged)
            kept = [entry for entry in kept if entry[0] > acknowledged]
            read = [seq for seq in read if seq > acknowledged]
        elif step == "reopen":
            journal.close()
            journal = open_journal(path, compact_bytes=200)
            read = []
    journal.close()

    again = open_journal(path, compact_bytes=200)

    assert [(entry.seq, entry.data) for entry in again.read(1000)] == kept
