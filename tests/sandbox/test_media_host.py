"""The media host over a real socket, and the files it never gets to see in plain."""

from __future__ import annotations

import base64
import hashlib
import os

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.sandbox.media.crypto import MediaDamagedError, MediaType, SealedFile, seal, unseal
from sessions.sandbox.media.host import MediaHost, MediaMissingError


def opened(file: SealedFile, body: bytes, **changes: object) -> bytes:
    known = {
        "media_key": file.media_key,
        "media_type": MediaType.IMAGE,
        "sha256": file.sha256,
        "encrypted_sha256": file.encrypted_sha256,
    }
    return unseal(body, **(known | changes))


def upload_token(body: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).decode()


@pytest.fixture
async def client(aiohttp_client, tmp_path):
    host = MediaHost(folder=tmp_path / "media")
    app = web.Application()
    app.add_routes(host.routes())
    client = await aiohttp_client(app)
    client.host_under_test = host
    return client


@given(st.binary(max_size=2_000))
@settings(deadline=None)
def test_a_sealed_file_opens_to_what_it_was(plain):
    file = seal(plain, MediaType.IMAGE)

    assert opened(file, file.body) == plain
    assert file.size == len(plain)


@pytest.mark.parametrize("position", [0, 20, -1])
def test_a_damaged_file_is_refused(position):
    file = seal(b"a picture of a cat", MediaType.IMAGE)
    body = bytearray(file.body)
    body[position] ^= 1

    with pytest.raises(MediaDamagedError, match="another hash"):
        opened(file, bytes(body))
    with pytest.raises(MediaDamagedError, match="not encrypted with this key"):
        opened(file, bytes(body), encrypted_sha256=hashlib.sha256(body).digest())


def test_a_file_sealed_as_a_document_does_not_open_as_an_image():
    file = seal(b"minutes", MediaType.DOCUMENT)

    with pytest.raises(MediaDamagedError):
        opened(file, file.body)


def test_a_file_with_another_content_than_promised_is_refused():
    file = seal(b"a", MediaType.IMAGE)

    with pytest.raises(MediaDamagedError, match="another hash"):
        opened(file, file.body, sha256=bytes(32))


async def test_what_is_uploaded_can_be_downloaded_again(client):
    body = os.urandom(700_000)
    auth = client.host_under_test.issue_auth()

    answer = await client.post(f"/mms/image/{upload_token(body)}", params={"auth": auth}, data=body)

    told = await answer.json()
    assert answer.status == 200
    assert told["direct_path"].startswith("/v/")
    assert "?" in told["direct_path"]
    assert told["url"].startswith("https://mmg.whatsapp.net/v/")
    assert client.host_under_test.open(told["direct_path"]) == body
    assert await (await client.get(told["direct_path"] + "&hash=x&mms-type=image")).read() == body


async def test_an_upload_that_is_not_what_its_name_says_is_refused_and_leaves_nothing(client, tmp_path):
    before = set((tmp_path / "media").iterdir())
    auth = client.host_under_test.issue_auth()

    answer = await client.post(f"/mms/image/{upload_token(b'other')}", params={"auth": auth}, data=b"this")

    assert answer.status == 400
    assert set((tmp_path / "media").iterdir()) == before


@pytest.mark.parametrize("auth", ["", "1-abc", "99999999999-abc", "x"])
async def test_an_upload_without_a_valid_token_is_refused(client, auth):
    answer = await client.post(f"/mms/image/{upload_token(b'this')}", params={"auth": auth}, data=b"this")

    assert answer.status == 401


async def test_upload_tokens_and_files_outlive_the_process(client, tmp_path, aiohttp_client):
    path = client.host_under_test.keep(b"sealed")
    auth = client.host_under_test.issue_auth()
    app = web.Application()
    app.add_routes(MediaHost(folder=tmp_path / "media").routes())
    later = await aiohttp_client(app)

    assert await (await later.get(path)).read() == b"sealed"
    answer = await later.post(f"/mms/video/{upload_token(b'this')}", params={"auth": auth}, data=b"this")
    assert answer.status == 200


@pytest.mark.parametrize("path", ["/v/../auth.secret", "/v/auth.secret", "/v/" + "0" * 32, "/pp/%2e%2e%2fauth.secret"])
async def test_only_kept_files_are_given_out(client, path):
    assert (await client.get(path)).status == 404
    with pytest.raises(MediaMissingError):
        client.host_under_test.open(path)
