"""A sealed stream gives back what was sealed, or nothing that could be mistaken for it."""

from __future__ import annotations

import io
import os

import pytest

from gateway.archives.errors import (
    ArchiveDamagedError,
    ArchiveError,
    ArchiveNewerError,
    ArchiveSecretError,
    ArchiveWrongKeyError,
)
from gateway.archives.sealing import CHUNK_BYTES, OpeningReader, SealingWriter

SECRET = b"correct horse battery"
HEAD_BYTES = len(b"wagate archive 1\n") + 1 + 16 + 32


def seal(plain: bytes, *, secret: bytes = SECRET) -> bytes:
    target = io.BytesIO()
    writer = SealingWriter(target, secret)
    for start in range(0, len(plain), 100_000):
        writer.write(plain[start : start + 100_000])
    writer.close()
    return target.getvalue()


def unseal(sealed: bytes, *, secret: bytes = SECRET) -> bytes:
    return OpeningReader(io.BytesIO(sealed), secret).read()


def chunks(sealed: bytes) -> list[bytes]:
    """The chunks behind the head, each with its length."""
    found, at = [], HEAD_BYTES
    while at < len(sealed):
        end = at + 4 + int.from_bytes(sealed[at : at + 4], "big")
        found.append(sealed[at:end])
        at = end
    return found


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_what_was_sealed_is_opened_whatever_its_length(size):
    plain = os.urandom(size)

    assert unseal(seal(plain)) == plain


def test_what_repeats_itself_takes_little_room():
    plain = b"the same again " * 100_000

    sealed = seal(plain)

    assert len(sealed) < len(plain) / 20
    assert unseal(sealed) == plain


def test_nothing_of_what_was_sealed_can_be_read_in_the_file():
    assert b"attack at dawn" not in seal(b"attack at dawn" + os.urandom(1000))


def test_the_same_content_is_never_sealed_the_same_way_twice():
    assert seal(b"content")[HEAD_BYTES:] != seal(b"content")[HEAD_BYTES:]


def test_reading_in_small_pieces_gives_the_same():
    plain = os.urandom(CHUNK_BYTES + 1000)
    reader = OpeningReader(io.BytesIO(seal(plain)), SECRET)

    pieces = list(iter(lambda: reader.read(7777), b""))

    assert b"".join(pieces) == plain


def test_a_wrong_secret_is_told_from_a_damaged_file():
    with pytest.raises(ArchiveWrongKeyError):
        unseal(seal(b"content"), secret=b"another secret altogether")


@pytest.mark.parametrize("where", [HEAD_BYTES, HEAD_BYTES + 4, HEAD_BYTES + 1000, -1])
def test_a_single_changed_bit_is_damage(where):
    sealed = bytearray(seal(os.urandom(2000)))
    sealed[where] ^= 1

    with pytest.raises(ArchiveDamagedError):
        unseal(bytes(sealed))


def test_chunks_that_change_places_are_damage():
    sealed = seal(os.urandom(3 * CHUNK_BYTES))
    first, second, *rest = chunks(sealed)

    with pytest.raises(ArchiveDamagedError):
        unseal(sealed[:HEAD_BYTES] + second + first + b"".join(rest))


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_an_end_that_is_cut_off_is_damage_even_between_chunks(kept):
    sealed = seal(os.urandom(3 * CHUNK_BYTES))

    with pytest.raises(ArchiveDamagedError):
        unseal(sealed[:HEAD_BYTES] + b"".join(chunks(sealed)[:kept]))


def test_what_is_appended_is_damage():
    with pytest.raises(ArchiveDamagedError):
        unseal(seal(b"content") + b"more")


def test_another_file_is_no_archive():
    with pytest.raises(ArchiveError) as caught:
        unseal(b"SQLite format 3\x00" + bytes(200))

    assert caught.value.code == "archive_unreadable"


def test_a_later_format_is_told_as_that():
    with pytest.raises(ArchiveNewerError):
        unseal(seal(b"content").replace(b"wagate archive 1\n", b"wagate archive 2\n"))


def test_a_secret_that_is_guessed_in_no_time_is_refused():
    with pytest.raises(ArchiveSecretError):
        seal(b"content", secret=b"short")
