"""Uploads with an Idempotency-Key: the body is not at hand as a whole, so it is told by what has arrived."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import FormData

from gateway.kit.ids import IdGenerator
from gateway.media.routes import MediaRoutes
from tests.media.samples import PDF, jpeg
from tests.messages.conftest import world  # noqa: F401 - the same fixture
from tests.messages.world import World
from tests.serving import ClientFactory, build_parts

KEY = {"Idempotency-Key": "offer"}


@pytest.fixture
async def api(world: World, clock: Any, ids: IdGenerator, aiohttp_client: ClientFactory) -> Any:  # noqa: F811
    parts = build_parts(database=world.database, clock=clock, ids=ids)
    client = await parts.serve(
        aiohttp_client, tables=[MediaRoutes(database=world.database, library=world.library, keeper=world.keeper)]
    )
    client.session.headers["Authorization"] = f"Bearer {await parts.make_key(scopes=['*'])}"
    return client


def form(content: bytes, *, filename: str = "offer.pdf") -> FormData:
    """A multipart body; each has a boundary of its own."""
    made = FormData()
    made.add_field("file", content, filename=filename, content_type="application/pdf")
    return made


async def upload(api: Any, data: Any, **headers: str) -> tuple[int, Any, str | None]:
    answer = await api.post("/api/v1/media", data=data, headers=KEY | headers)
    return answer.status, await answer.json(), answer.headers.get("Idempotency-Replayed")


async def test_the_same_file_in_another_envelope_is_the_same_upload(api: Any) -> None:
    first = await upload(api, form(PDF))
    second = await upload(api, form(PDF))

    assert first[0] == second[0] == 201
    assert (first[1], first[2], second[2]) == (second[1], None, "true")


async def test_another_file_under_the_same_key_is_refused_and_not_kept(api: Any, world: World) -> None:  # noqa: F811
    await upload(api, form(PDF))

    status, problem, _ = await upload(api, form(jpeg(8, 8)))

    assert (status, problem["code"]) == (422, "idempotency_key_reused")
    assert list(world.library.spool._folder.iterdir()) == []


async def test_the_same_bytes_under_another_name_are_another_upload(api: Any) -> None:
    await upload(api, form(PDF))

    assert (await upload(api, form(PDF, filename="other.pdf")))[0] == 422


@pytest.mark.parametrize(
    "body", [b"--here\r\n--here--\r\n", b"--here\r\nno header\r\n\r\n", b"--here\r\nA: " + b"x" * 10_000 + b"\r\n", b""]
)
async def test_an_envelope_that_is_none_is_refused_as_such(api: Any, body: bytes) -> None:
    status, problem, _ = await upload(api, body, **{"Content-Type": "multipart/form-data; boundary=here"})

    assert (status, problem["code"]) == (400, "malformed_request")
