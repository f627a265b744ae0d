"""Files made to do harm are refused with a code, or lie there inert; nobody else notices."""

from __future__ import annotations

import hashlib
import resource
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from gateway.kit.errors import GatewayError
from gateway.kit.guarded_http import GuardedHttp
from gateway.kit.ids import IdGenerator, render_id
from gateway.media.content_routes import MediaContentRoutes
from gateway.media.library import MediaLibrary
from gateway.media.limits import MediaLimits
from gateway.media.links import MediaLinks
from gateway.media.models import Media
from gateway.media.sniff import is_active
from tests.media.hostile import LIMIT_BYTES, MOST_PIXELS, MOST_SIDE, Hostile, corpus
from tests.serving import ClientFactory, build_parts

GROUPS = corpus()
CORPUS = [one for group in GROUPS.values() for one in group]
REFUSALS = {"media_type_refused", "media_too_large", "media_empty"}


@pytest.fixture
async def library(
    database: Any, org: Any, clock: Any, ids: IdGenerator, http: GuardedHttp, tmp_path: Path
) -> MediaLibrary:
    limits = MediaLimits(max_bytes=LIMIT_BYTES, max_pixels=MOST_PIXELS, max_side=MOST_SIDE)
    made = MediaLibrary(
        database=database,
        ids=ids,
        clock=clock,
        http=http,
        folder=tmp_path / "media",
        spool_folder=tmp_path / "spool",
        limits=limits,
    )
    await made.start()
    return made


@pytest.fixture
async def api(library: MediaLibrary, database: Any, clock: Any, ids: IdGenerator, aiohttp_client: ClientFactory) -> Any:
    parts = build_parts(database=database, clock=clock, ids=ids)
    links = MediaLinks(key=b"k" * 32, clock=clock)
    tables = [MediaContentRoutes(database=database, library=library, links=links, clock=clock, public_url=None)]
    client = await parts.serve(aiohttp_client, tables=tables)
    client.session.headers["Authorization"] = f"Bearer {await parts.make_key(scopes=['*'])}"
    return client


def test_there_are_at_least_two_hundred() -> None:
    assert len(CORPUS) >= 200


@pytest.mark.timeout(600)
@pytest.mark.parametrize("group", GROUPS)
async def test_a_hostile_file_is_refused_with_a_code_or_inert(
    group: str, library: MediaLibrary, api: Any, tmp_path: Path
) -> None:
    for hostile in GROUPS[group]:
        code = await refusal(library, hostile)
        if code is None:
            assert hostile.is_refused is not True, f"{hostile.name}: kept"
            await assert_inert(hostile, library, api)
        else:
            assert hostile.is_refused is not False, f"{hostile.name}: {code}"
            assert code in REFUSALS, hostile.name
    kept = {path.name for path in files_below(tmp_path / "media")}
    assert kept == {hashlib.sha256(path.read_bytes()).hexdigest() for path in files_below(tmp_path / "media")}
    assert files_below(tmp_path / "spool") == []
    assert {path.name for path in tmp_path.iterdir()} <= {
        "media",
        "spool",
        "wagate.db",
        "wagate.db-wal",
        "wagate.db-shm",
    }


async def refusal(library: MediaLibrary, hostile: Hostile) -> str | None:
    """The code under which a file is refused; None where it is kept."""
    try:
        await keep(library, hostile)
    except GatewayError as error:
        return error.code
    return None


async def keep(library: MediaLibrary, hostile: Hostile) -> Media:
    return await library.save_bytes(
        org_id=1, content=hostile.content, declared_type=hostile.declared, filename=hostile.filename
    )


async def assert_inert(hostile: Hostile, library: MediaLibrary, api: Any) -> None:
    """It lies under a name of our own, where nobody can run it, and is only ever handed out to be saved."""
    media = await keep(library, hostile)
    place = library.path_of(media)
    assert (place.name, place.stat().st_mode & 0o777) == (hashlib.sha256(hostile.content).hexdigest(), 0o600)
    answer = await api.get(f"/api/v1/media/{render_id('med', media.id)}/content")
    assert answer.status == 200, hostile.name
    assert await answer.read() == hostile.content
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
    assert not is_active(answer.headers["Content-Type"]), hostile.name
    name = media.filename or ""
    assert len(name) <= 255
    assert all(letter.isprintable() for letter in name)
    assert not set(name) & {"/", "\\"}


@pytest.mark.timeout(600)
async def test_what_a_phone_sent_is_kept_whatever_it_is_unless_it_is_nothing_or_too_much(
    library: MediaLibrary, tmp_path: Path
) -> None:
    for hostile in CORPUS[::3]:
        path = library.spool.new_path()
        path.write_bytes(hostile.content)
        is_bearable = 0 < len(hostile.content) <= LIMIT_BYTES
        with nullcontext() if is_bearable else pytest.raises(GatewayError):
            await library.adopt(path, org_id=1, declared_type=hostile.declared or "", filename=hostile.filename)
        kept = {file.name for file in files_below(tmp_path / "media")}
        assert (hashlib.sha256(hostile.content).hexdigest() in kept) == is_bearable, hostile.name
    assert files_below(tmp_path / "spool") == []


async def test_a_bomb_is_not_unpacked_in_this_process(library: MediaLibrary) -> None:
    bombs = [one for one in CORPUS if "bomb" in one.name or "explodes" in one.name or "65535" in one.name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    codes = [await refusal(library, bomb) for bomb in bombs]

    assert set(codes) <= REFUSALS | {None}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000, "in KiB"


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
