"""An archive names what it is about, and gives each of its files whole or not at all."""

from __future__ import annotations

import io
import os
import tarfile

import msgspec
import pytest

from gateway.archives.archive import ArchiveReader, ArchiveWriter
from gateway.archives.errors import ArchiveDamagedError, ArchiveError
from gateway.archives.sealing import SealingWriter

SECRET = b"correct horse battery"


class Fruit(msgspec.Struct, tag="fruit"):
    name: str


class Stone(msgspec.Struct, tag="stone"):
    weight: int


def pack(**files: bytes) -> bytes:
    target = io.BytesIO()
    writer = ArchiveWriter(target, SECRET, about=Fruit(name="plum"))
    for name, content in files.items():
        writer.add_bytes(name, content)
    writer.finish()
    return target.getvalue()


def forge(*entries: tarfile.TarInfo) -> bytes:
    """What somebody with the secret, but not with our program, could make."""
    target = io.BytesIO()
    sealed = SealingWriter(target, SECRET)
    with tarfile.open(fileobj=sealed, mode="w|") as tar:
        about = tarfile.TarInfo("about.json")
        content = msgspec.json.encode(Fruit(name="plum"))
        about.size = len(content)
        tar.addfile(about, io.BytesIO(content))
        for entry in entries:
            tar.addfile(entry, io.BytesIO(bytes(entry.size)))
    sealed.close()
    return target.getvalue()


def read_all(packed: bytes) -> dict[str, bytes]:
    reader = ArchiveReader(io.BytesIO(packed), SECRET)
    return {name: b"".join(iter(lambda source=source: source.read(1000), b"")) for name, source in reader.entries()}


def test_files_come_back_in_order_under_their_names():
    large = os.urandom(700_000)

    assert read_all(pack(first=b"1", large=large, empty=b"")) == {"first": b"1", "large": large, "empty": b""}


def test_files_that_nobody_reads_are_checked_all_the_same():
    reader = ArchiveReader(io.BytesIO(pack(first=b"1", second=os.urandom(500_000))), SECRET)

    assert [name for name, _ in reader.entries()] == ["first", "second"]


def test_the_archive_says_what_it_is_about():
    reader = ArchiveReader(io.BytesIO(pack()), SECRET)

    assert reader.about(Fruit) == Fruit(name="plum")
    with pytest.raises(ArchiveError, match="of another kind"):
        reader.about(Stone)


def test_an_archive_whose_end_was_never_written_is_damaged():
    target = io.BytesIO()
    writer = ArchiveWriter(target, SECRET, about=Fruit(name="plum"))
    writer.add_bytes("first", os.urandom(2_000_000))

    with pytest.raises(ArchiveDamagedError):
        read_all(target.getvalue())


def test_a_listing_that_is_missing_is_damage():
    entry = tarfile.TarInfo("first")
    entry.size = 10

    with pytest.raises(ArchiveDamagedError):
        read_all(forge(entry))


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "sessions/../../outside"])
def test_a_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(ArchiveDamagedError):
        read_all(forge(tarfile.TarInfo(name)))


def test_a_link_in_place_of_a_file_is_refused():
    entry = tarfile.TarInfo("first")
    entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"

    with pytest.raises(ArchiveDamagedError):
        read_all(forge(entry))
