"""API keys: what they look like, what they may do, and how they end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from gateway.access import secrets
from gateway.access.models import ApiKey
from gateway.events import store as event_store
from gateway.kit.ids import parse_id, render_id
from tests.conftest import add_org
from tests.serving import EMAIL, FROM_OUR_PAGE, PASSWORD, Parts


async def sign_in_owner(parts: Parts, client: Any) -> dict[str, str]:
    """The headers of the owner's browser."""
    token = await parts.accounts.make_setup_link(org_id=1)
    signed_in = await parts.accounts.set_up(token=token, name="Ada", email=EMAIL, password=PASSWORD)
    return {"Cookie": f"{parts.cookie.name}={signed_in.token}", **FROM_OUR_PAGE}


def test_a_key_ends_in_a_checksum_that_typing_errors_break() -> None:
    key = secrets.make_key()

    assert len(key) == 40
    assert secrets.is_key(key)
    for position in range(4, 40):
        other = "0" if key[position] != "0" else "1"
        assert not secrets.is_key(key[:position] + other + key[position + 1 :])


@settings(deadline=None)
@given(st.text(max_size=50))
def test_other_texts_are_no_keys(text: str) -> None:
    assert not secrets.is_key(text)


async def test_a_new_key_is_shown_once_and_only_its_digest_is_kept(parts: Parts, client: Any) -> None:
    owner = await sign_in_owner(parts, client)

    answer = await client.post("/api/v1/api-keys", json={"name": "Shop"}, headers=owner)
    made = await answer.json()
    listed = await (await client.get("/api/v1/api-keys", headers=owner)).json()
    row = await parts.database.read(lambda tx: tx.session.scalars(select(ApiKey)).one())

    assert answer.status == 201
    assert made["key"].startswith(made["hint"])
    assert "key" not in listed["items"][0]
    assert listed["items"][0]["id"] == made["id"]
    assert row.key_hash == secrets.digest(made["key"])
    kept = [str(getattr(row, column.key)) for column in ApiKey.__table__.columns]
    assert not any(made["key"] in value for value in kept)


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
async def test_a_key_opens_the_api_in_either_header(parts: Parts, client: Any, header: str) -> None:
    key = await parts.make_key(scopes=["messages.*"])
    value = f"Bearer {key}" if header == "Authorization" else key

    answer = await client.get("/api/v1/auth/me", headers={header: value})

    me = await answer.json()
    assert (answer.status, me["kind"], me["scopes"]) == (200, "api_key", ["messages.*"])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic YWRhOmFkYQ=="},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"X-API-Key": secrets.make_key()},
        {"Cookie": "__Host-wagate=unknown"},
        {"Cookie": "__Host-wagate=\udcff\udcfe"},
        {"X-API-Key": "\udcff"},
    ],
)
async def test_whoever_shows_no_key_of_ours_is_unauthorized(client: Any, headers: dict[str, str]) -> None:
    answer = await client.get("/api/v1/auth/me", headers=headers)

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.content_type == "application/problem+json"


async def test_a_scope_that_is_missing_is_named(parts: Parts, client: Any) -> None:
    key = await parts.make_key(scopes=["messages.send"])

    answer = await client.get("/api/v1/events", headers={"X-API-Key": key})

    problem = await answer.json()
    assert (answer.status, problem["code"]) == (403, "scope_missing")
    assert "events.stream" in problem["detail"]


async def test_a_key_can_never_make_list_or_revoke_keys(parts: Parts, client: Any) -> None:
    key = {"X-API-Key": await parts.make_key(scopes=["*"])}

    made = await client.post("/api/v1/api-keys", json={"name": "child"}, headers=key)
    listed = await client.get("/api/v1/api-keys", headers=key)
    revoked = await client.delete("/api/v1/api-keys/key_0000000000001", headers=key)

    assert [made.status, listed.status, revoked.status] == [403, 403, 403]
    assert (await made.json())["code"] == "people_only"


async def test_a_revoked_key_is_refused_at_once(parts: Parts, client: Any) -> None:
    owner = await sign_in_owner(parts, client)
    made = await (await client.post("/api/v1/api-keys", json={"name": "Shop"}, headers=owner)).json()
    key = {"X-API-Key": made["key"]}
    before = await client.get("/api/v1/auth/me", headers=key)

    revoked = await client.delete(f"/api/v1/api-keys/{made['id']}", headers=owner)
    after = await client.get("/api/v1/auth/me", headers=key)

    assert [before.status, revoked.status, after.status] == [200, 204, 401]
    assert (await after.json())["code"] == "key_refused"


async def test_a_revocation_by_another_process_counts_after_a_second(parts: Parts, client: Any, clock: Any) -> None:
    key = {"X-API-Key": await parts.make_key()}
    await client.get("/api/v1/auth/me", headers=key)

    await parts.database.write(lambda tx: setattr(tx.session.scalars(select(ApiKey)).one(), "revoked_at", clock.now()))
    within = await client.get("/api/v1/auth/me", headers=key)
    clock.advance(1.0)
    after = await client.get("/api/v1/auth/me", headers=key)

    assert [within.status, after.status] == [200, 401]


async def test_a_key_ends_when_it_expires(parts: Parts, client: Any, clock: Any) -> None:
    key = {"X-API-Key": await parts.make_key(expires_at=clock.now() + timedelta(seconds=0.5))}
    before = await client.get("/api/v1/auth/me", headers=key)

    clock.advance(0.5)
    after = await client.get("/api/v1/auth/me", headers=key)

    assert [before.status, after.status] == [200, 401]


async def test_a_key_in_heavy_use_asks_the_store_once_a_second(parts: Parts, clock: Any) -> None:
    key = await parts.make_key()
    reads = []
    real_read = parts.database.read

    async def counting_read(work: Any) -> Any:
        reads.append(work)
        return await real_read(work)

    parts.database.read = counting_read  # type: ignore[method-assign]

    for _ in range(20):
        await parts.authenticator.by_key(key)
    clock.advance(1.0)
    await parts.authenticator.by_key(key)

    assert len(reads) == 2


async def test_the_last_use_is_written_when_the_recorder_stops(parts: Parts, client: Any, clock: Any) -> None:
    key = {"X-API-Key": await parts.make_key()}
    await client.get("/api/v1/auth/me", headers=key)

    unwritten = await parts.database.read(lambda tx: tx.session.scalars(select(ApiKey)).one())
    await parts.uses.start()
    await parts.uses.stop()
    written = await parts.database.read(lambda tx: tx.session.scalars(select(ApiKey)).one())

    assert unwritten.used_at is None
    assert written.used_at == clock.now()


async def test_keys_of_another_organization_are_not_there(parts: Parts, client: Any, clock: Any) -> None:
    owner = await sign_in_owner(parts, client)
    await parts.database.write(lambda tx: add_org(tx, clock, org_id=2))
    foreign, _ = await parts.database.write(lambda tx: parts.access.create_key(tx, org_id=2, name="theirs"))
    listed = await (await client.get("/api/v1/api-keys", headers=owner)).json()
    revoked = await client.delete(f"/api/v1/api-keys/{render_id('key', foreign.id)}", headers=owner)

    assert listed == {"items": [], "next": None}
    assert (revoked.status, (await revoked.json())["code"]) == (404, "api_key_not_found")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["DROP TABLE"]}, "scopes"),
        ({"name": "x", "sessions": ["con_0000000000001"]}, "sessions.0"),
        ({"name": "x", "sessions": [5]}, "sessions.0"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "expires_at": "2099-01-01T00:00:00"}, "expires_at"),
        ({"name": "x", "org_id": 2}, "org_id"),
        ({}, "name"),
    ],
)
async def test_a_key_with_bad_wishes_is_not_made(parts: Parts, client: Any, body: dict[str, Any], path: str) -> None:
    owner = await sign_in_owner(parts, client)

    answer = await client.post("/api/v1/api-keys", json=body, headers=owner)

    problem = await answer.json()
    assert answer.status == 422
    assert [field["path"] for field in problem["fields"]] == [path]


async def test_making_and_revoking_a_key_is_told_in_the_event_log(parts: Parts, client: Any) -> None:
    owner = await sign_in_owner(parts, client)
    made = await (await client.post("/api/v1/api-keys", json={"name": "Shop"}, headers=owner)).json()
    await client.delete(f"/api/v1/api-keys/{made['id']}", headers=owner)

    events = await parts.database.read(lambda tx: event_store.page(tx, org_id=1, after=0, limit=10))

    assert [event.type for event in events] == ["api_key.created", "api_key.revoked"]
    assert {event.subject_id for event in events} == {parse_id("key", made["id"])}
    assert made["key"] not in str([event.data for event in events])
