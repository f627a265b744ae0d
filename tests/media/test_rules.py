"""What is held to without any message: room for all files, links, ranges and base64."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.kit.vault import Vault
from gateway.media.base64_text import NotBase64Error, base64_pieces
from gateway.media.errors import (
    MediaLinkExpiredError,
    MediaNotFoundError,
    MediaQuotaExceededError,
    MediaTooLargeError,
)
from gateway.media.library import MediaLibrary
from gateway.media.limits import MediaLimits
from gateway.media.links import MediaLinks
from gateway.media.models import Media
from gateway.media.ranges import NoSuchRangeError, read_range


async def test_all_files_together_may_take_so_much_room_and_known_bytes_take_none(
    library: MediaLibrary, database: Any, clock: Any, ids: Any, http: Any, tmp_path: Any
) -> None:
    small = MediaLibrary(
        database=database, ids=ids, clock=clock, http=http, folder=tmp_path / "media", spool_folder=tmp_path / "spool",
        limits=MediaLimits(quota_bytes=1000, max_document_bytes=900),
    )  # fmt: skip

    async def keep(content: bytes) -> Media:
        return await small.save_bytes(org_id=1, content=content, declared_type=None, filename=None)

    first = await keep(b"a" * 600)
    with pytest.raises(MediaQuotaExceededError):
        await keep(b"b" * 401)
    with pytest.raises(MediaTooLargeError):
        await keep(b"c" * 901)

    assert (await keep(b"a" * 600)).id == first.id
    assert (await keep(b"d" * 400)).size == 400
    used = await database.read(lambda tx: small.usage(tx, org_id=1))
    assert (used.files, used.bytes) == (2, 1000)


def test_a_link_opens_what_it_was_made_for_until_it_ends(clock: Any) -> None:
    links = MediaLinks(key=b"k" * 32, clock=clock)
    token = links.make(org_id=1, media_id=7, expires_at=clock.now() + timedelta(seconds=60))

    claim = links.read(token)
    clock.advance(60)

    assert (claim.org_id, claim.media_id) == (1, 7)
    with pytest.raises(MediaLinkExpiredError):
        links.read(token)


def test_a_link_that_was_changed_or_made_elsewhere_opens_nothing(clock: Any) -> None:
    links = MediaLinks(key=b"k" * 32, clock=clock)
    token = links.make(org_id=1, media_id=7, expires_at=clock.now() + timedelta(seconds=60))
    strange = MediaLinks(key=b"x" * 32, clock=clock)
    changed = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(len(token))]

    for wrong in (*changed, token[:-1], token + "A", "", "é", "=" * 76, token + "="):
        with pytest.raises(MediaNotFoundError):
            links.read(wrong)
    with pytest.raises(MediaNotFoundError):
        strange.read(token)


def test_a_derived_key_is_the_same_again_and_another_for_another_purpose() -> None:
    vault = Vault(b"v" * 32)

    assert vault.derive("a") == Vault(b"v" * 32).derive("a")
    assert vault.derive("a") != vault.derive("b")


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, None), ("bytes=0-", (0, 10)), ("bytes=2-4", (2, 5)), ("bytes=-3", (7, 10)), ("bytes=-99", (0, 10)),
        ("bytes=5-99", (5, 10)), ("bytes=0-1,3-4", None), ("items=0-1", None), ("bytes=-", None), ("bytes=4-2", None),
    ],
)  # fmt: skip
def test_a_range_is_read_as_the_standard_has_it(header: str | None, span: tuple[int, int] | None) -> None:
    assert read_range(header, 10) == span


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_behind_the_end_is_none(header: str) -> None:
    with pytest.raises(NoSuchRangeError):
        read_range(header, 10)


@pytest.mark.parametrize("text", ["QUJD\nREVG", "QUJDREVG", "QUI=", ""])
async def test_base64_is_read_in_pieces_with_blanks_left_aside(text: str) -> None:
    whole = b"".join([piece async for piece in base64_pieces(text)])

    assert whole == {"": b"", "QUI=": b"AB"}.get(text, b"ABCDEF")


@pytest.mark.parametrize("text", ["QUI", "not base64!", "QUI=" + "\n" * 600_000 + "QUJD", "====", "Q"])
async def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(NotBase64Error):
        [piece async for piece in base64_pieces(text)]
