"""Files in a bucket, on a server that speaks S3 on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.kit.clock import Clock
from gateway.kit.ids import IdGenerator
from gateway.media.errors import MediaNotFoundError, MediaStoreError
from gateway.media.library import MediaLibrary
from gateway.media.limits import MediaLimits
from gateway.media.shelf import DiskShelf, FileKey
from gateway.media.turns import Turns
from tests.conftest import missing
from tests.media.samples import jpeg

pytest.importorskip("obstore", reason="needs the extra `s3`")

from gateway.media.bucket import BucketPlace, BucketShelf

_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
async def endpoint() -> AsyncIterator[str]:
    """The server, with a bucket. It has a Python of its own: what it needs does not go together with what we need."""
    python = os.environ.get("WAGATE_TEST_S3")
    if not python:
        missing("s3", "WAGATE_TEST_S3 names no Python that has moto")
    process = await asyncio.create_subprocess_exec(
        python,
        "-I",
        "-c",
        _SERVER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "AWS_EC2_METADATA_DISABLED": "true"},
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        url = f"http://127.0.0.1:{int(await process.stdout.readline())}"
    async with aiohttp.ClientSession() as http, http.put(f"{url}/files") as made:
        assert made.status == 200, await made.text()
    yield url
    process.kill()
    await process.wait()


def make_shelf(endpoint: str, folder: Path, *, bucket: str = "files") -> BucketShelf:
    place = BucketPlace(
        bucket=bucket, prefix="wagate", endpoint=endpoint, access_key_id="key", secret_access_key="secret"
    )
    (folder / "spool").mkdir(exist_ok=True)
    return BucketShelf(
        place=place,
        here=DiskShelf(folder=folder / "media"),
        copies_folder=folder / "copies",
        spool_folder=folder / "spool",
    )


@pytest.fixture
def shelf(endpoint: str, tmp_path: Path) -> BucketShelf:
    return make_shelf(endpoint, tmp_path)


def put_aside(folder: Path, content: bytes) -> tuple[Path, FileKey]:
    source = folder / "arrived"
    source.write_bytes(content)
    return source, FileKey(org_id=1, sha256=hashlib.sha256(content).hexdigest())


async def all_of(shelf: BucketShelf, key: FileKey, start: int = 0, stop: int = -1) -> bytes:
    return b"".join([piece async for piece in shelf.read(key, start=start, stop=stop)])


async def test_a_file_is_kept_in_the_bucket_and_comes_back_byte_for_byte(
    shelf: BucketShelf, endpoint: str, tmp_path: Path
) -> None:
    content = os.urandom(12 * 1024 * 1024)  # more than one part
    source, key = put_aside(tmp_path, content)

    await shelf.put(source, key)

    (tmp_path / "other").mkdir()
    elsewhere = make_shelf(endpoint, tmp_path / "other")
    assert elsewhere.find(key) is None
    assert await all_of(elsewhere, key) == content
    assert await all_of(elsewhere, key, 5, 10) == content[5:10]
    assert (await elsewhere.bring(key)).read_bytes() == content
    assert elsewhere.find(key) == elsewhere.path_of(key)


async def test_what_is_deleted_is_gone_everywhere_and_may_be_deleted_again(shelf: BucketShelf, tmp_path: Path) -> None:
    source, key = put_aside(tmp_path, b"to be deleted")
    await shelf.put(source, key)

    await shelf.delete(key)
    await shelf.delete(key)

    assert shelf.find(key) is None
    with pytest.raises(MediaNotFoundError):
        await all_of(shelf, key)
    with pytest.raises(MediaNotFoundError):
        await shelf.bring(key)


async def test_files_from_before_the_bucket_are_moved_in_and_damaged_ones_stay(
    shelf: BucketShelf, endpoint: str, tmp_path: Path
) -> None:
    here = DiskShelf(folder=tmp_path / "media")
    source, whole = put_aside(tmp_path, b"from before")
    await here.put(source, whole)
    source, damaged = put_aside(tmp_path, b"damaged")
    await here.put(source, damaged)
    here.path_of(damaged).write_bytes(b"something else")

    assert await shelf.move_in(Turns()) == 1

    assert (here.find(whole), here.find(damaged)) == (None, here.path_of(damaged))
    assert await all_of(shelf, whole) == b"from before"


async def test_copies_that_nobody_wants_are_forgotten_and_brought_again(
    shelf: BucketShelf, tmp_path: Path, clock: Clock
) -> None:
    source, key = put_aside(tmp_path, b"wanted now and then")
    await shelf.put(source, key)
    os.utime(shelf.path_of(key), (0, 0))

    assert await shelf.forget_copies(before=clock.now() - timedelta(days=7)) == 1

    assert shelf.find(key) is None
    assert (await shelf.bring(key)).read_bytes() == b"wanted now and then"


async def test_a_bucket_that_is_not_there_or_does_not_answer_is_told(endpoint: str, tmp_path: Path) -> None:
    source, key = put_aside(tmp_path, b"nowhere to go")

    for shelf in (make_shelf(endpoint, tmp_path, bucket="other"), make_shelf("http://127.0.0.1:9", tmp_path)):
        with pytest.raises((MediaStoreError, MediaNotFoundError)) as caught:
            await shelf.put(source, key)
        assert "secret" not in str(caught.value)
    assert source.exists()


async def test_a_library_on_a_bucket_sends_and_deletes_like_one_on_a_disk(
    shelf: BucketShelf, tmp_path: Path, database: Any, org: Any, clock: Any, ids: IdGenerator, http: Any
) -> None:
    library = MediaLibrary(
        database=database,
        ids=ids,
        clock=clock,
        http=http,
        folder=tmp_path / "media",
        spool_folder=tmp_path / "spool",
        limits=MediaLimits(),
        shelf=shelf,
    )
    await library.start()
    content = jpeg(40, 30)

    media = await library.save_bytes(org_id=1, content=content, declared_type="image/jpeg", filename="a.jpg")
    await shelf.forget_copies(before=clock.now() + timedelta(days=36_500))
    file = library.describe(media)
    assert not Path(file.path).exists()
    await library.bring(file, org_id=1)

    assert Path(file.path).read_bytes() == content
    assert list((tmp_path / "spool").iterdir()) == []
