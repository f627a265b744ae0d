"""People: the first one gets in by a one-time link, others by password; cookies end when they should."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from gateway.access import secrets
from gateway.access.errors import EmailTakenError, SetupLinkUnusableError
from gateway.access.models import SignIn, User
from gateway.access.throttle import SignInThrottle
from gateway.kit.errors import TooManyError
from tests.serving import EMAIL, FROM_OUR_PAGE, PASSWORD, Parts

LOGIN = {"email": EMAIL, "password": PASSWORD}


async def add_owner(parts: Parts) -> str:
    """Set the owner up; the token of their cookie."""
    link = await parts.accounts.make_setup_link(org_id=1)
    assert link is not None
    return (await parts.accounts.set_up(token=link, name="Ada", email=EMAIL, password=PASSWORD)).token


def cookie_of(parts: Parts, answer: Any) -> str:
    return str(answer.cookies[parts.cookie.name].value)


async def test_the_set_up_link_makes_the_owner_once(parts: Parts, client: Any) -> None:
    link = await parts.accounts.make_setup_link(org_id=1)
    body = {"token": link, "name": "Ada", **LOGIN}

    first = await client.post("/api/v1/auth/setup", json=body)
    second = await client.post("/api/v1/auth/setup", json={**body, "email": "eve@example.com"})

    owner = await first.json()
    assert (first.status, owner["email"], owner["role"]) == (201, EMAIL, "owner")
    assert (second.status, (await second.json())["code"]) == (410, "setup_link_unusable")
    assert await parts.accounts.make_setup_link(org_id=1) is None


async def test_of_two_who_use_the_set_up_link_at_once_one_becomes_owner(parts: Parts) -> None:
    link = await parts.accounts.make_setup_link(org_id=1)
    assert link is not None

    async def use(email: str) -> Any:
        return await parts.accounts.set_up(token=link, name="Somebody", email=email, password=PASSWORD)

    results = await asyncio.gather(use("a@example.com"), use("b@example.com"), return_exceptions=True)

    users = await parts.database.read(lambda tx: tx.session.scalars(select(User)).all())
    assert len(users) == 1
    assert sum(isinstance(result, SetupLinkUnusableError) for result in results) == 1


async def test_a_new_set_up_link_makes_the_older_one_useless(parts: Parts) -> None:
    older = await parts.accounts.make_setup_link(org_id=1)
    newer = await parts.accounts.make_setup_link(org_id=1)
    assert older is not None
    assert newer is not None

    assert not await parts.accounts.is_usable_setup_link(older)
    assert await parts.accounts.is_usable_setup_link(newer)


async def test_a_set_up_link_ends_after_a_day(parts: Parts, clock: Any) -> None:
    link = await parts.accounts.make_setup_link(org_id=1)
    assert link is not None

    clock.advance(24 * 3600)

    with pytest.raises(SetupLinkUnusableError):
        await parts.accounts.set_up(token=link, name="Ada", email=EMAIL, password=PASSWORD)


@pytest.mark.parametrize(
    ("change", "path"),
    [({"password": "short"}, "password"), ({"email": "nobody"}, "email"), ({"name": ""}, "name")],
)
async def test_an_owner_with_bad_details_leaves_the_link_usable(
    parts: Parts, client: Any, change: dict[str, str], path: str
) -> None:
    link = await parts.accounts.make_setup_link(org_id=1)
    assert link is not None

    answer = await client.post("/api/v1/auth/setup", json={"token": link, "name": "Ada", **LOGIN, **change})

    assert answer.status == 422
    assert [field["path"] for field in (await answer.json())["fields"]] == [path]
    assert await parts.accounts.is_usable_setup_link(link)


async def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_cannot_use(parts: Parts, client: Any) -> None:
    await add_owner(parts)

    answer = await client.post("/api/v1/auth/login", json={**LOGIN, "email": " Owner@Example.COM "})

    header = answer.headers["Set-Cookie"]
    assert answer.status == 200
    assert header.startswith("__Host-wagate=")
    for attribute in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"):
        assert attribute in header
    assert "Domain" not in header


async def test_only_the_digest_of_a_cookie_is_kept(parts: Parts, client: Any) -> None:
    await add_owner(parts)
    token = cookie_of(parts, await client.post("/api/v1/auth/login", json=LOGIN))

    rows = await parts.database.read(lambda tx: tx.session.scalars(select(SignIn)).all())

    assert secrets.digest(token) in {row.token_hash for row in rows}
    assert PASSWORD not in (await parts.database.read(lambda tx: tx.session.scalars(select(User)).one())).password_hash


@pytest.mark.parametrize("change", [{"password": "wrong wrong wrong"}, {"email": "eve@example.com"}])
async def test_a_wrong_password_and_an_unknown_address_look_the_same(
    parts: Parts, client: Any, change: dict[str, str]
) -> None:
    await add_owner(parts)

    answer = await client.post("/api/v1/auth/login", json={**LOGIN, **change})

    problem = await answer.json()
    assert (answer.status, problem["code"], problem["detail"]) == (
        401,
        "sign_in_refused",
        "The e-mail address or the password is wrong",
    )


async def test_an_inactive_user_cannot_sign_in_or_stay(parts: Parts, client: Any, clock: Any) -> None:
    token = await add_owner(parts)
    cookie = {"Cookie": f"{parts.cookie.name}={token}"}
    before = await client.get("/api/v1/auth/me", headers=cookie)

    await parts.database.write(lambda tx: setattr(tx.session.scalars(select(User)).one(), "active", False))
    clock.advance(1.0)
    stayed = await client.get("/api/v1/auth/me", headers=cookie)
    again = await client.post("/api/v1/auth/login", json=LOGIN)

    assert [before.status, stayed.status, again.status] == [200, 401, 401]


async def test_signing_out_ends_the_cookie_everywhere_at_once(parts: Parts, client: Any) -> None:
    token = await add_owner(parts)
    cookie = {"Cookie": f"{parts.cookie.name}={token}", **FROM_OUR_PAGE}
    before = await client.get("/api/v1/auth/me", headers=cookie)

    out = await client.post("/api/v1/auth/logout", headers=cookie)
    after = await client.get("/api/v1/auth/me", headers=cookie)

    assert [before.status, out.status, after.status] == [200, 204, 401]
    assert out.cookies[parts.cookie.name]["max-age"] == "0"


async def test_a_sign_in_ends_when_it_idles_for_a_day_but_not_while_it_is_used(
    parts: Parts, client: Any, clock: Any
) -> None:
    cookie = {"Cookie": f"{parts.cookie.name}={await add_owner(parts)}"}

    statuses = []
    for hours in (20, 20, 25):
        clock.advance(hours * 3600)
        statuses.append((await client.get("/api/v1/auth/me", headers=cookie)).status)
        await parts.uses.run_once()

    assert statuses == [200, 200, 401]


async def test_no_sign_in_lasts_longer_than_thirty_days(parts: Parts, client: Any, clock: Any) -> None:
    cookie = {"Cookie": f"{parts.cookie.name}={await add_owner(parts)}"}

    statuses = set()
    for _ in range(30 * 2 - 1):
        clock.advance(12 * 3600)
        statuses.add((await client.get("/api/v1/auth/me", headers=cookie)).status)
    clock.advance(12 * 3600)
    last = await client.get("/api/v1/auth/me", headers=cookie)

    assert statuses == {200}
    assert last.status == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "OURS"}, 403),
        ({"Origin": "OURS"}, 204),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_a_cookie_changes_things_only_from_our_own_pages(
    parts: Parts, client: Any, headers: dict[str, str], status: int
) -> None:
    cookie = {"Cookie": f"{parts.cookie.name}={await add_owner(parts)}"}
    ours = str(client.make_url("/")).rstrip("/")
    sent = {name: ours if value == "OURS" else value for name, value in headers.items()}

    answer = await client.post("/api/v1/auth/logout", headers={**cookie, **sent})

    assert answer.status == status


async def test_guessing_passwords_costs_ever_more_time(parts: Parts, client: Any, clock: Any) -> None:
    await add_owner(parts)
    wrong = {**LOGIN, "password": "wrong wrong wrong"}

    guesses = [(await client.post("/api/v1/auth/login", json=wrong)).status for _ in range(6)]
    right = await client.post("/api/v1/auth/login", json=LOGIN)
    clock.advance(float(right.headers["Retry-After"]))
    later = await client.post("/api/v1/auth/login", json=LOGIN)

    assert guesses == [401, 401, 401, 401, 401, 429]
    assert (right.status, (await right.json())["code"]) == (429, "sign_in_throttled")
    assert later.status == 200


def test_a_volley_of_guesses_at_once_gains_nothing(clock: Any) -> None:
    throttle = SignInThrottle(clock=clock)

    started = 0
    for _ in range(100):
        try:
            throttle.attempt(EMAIL, "192.0.2.1")
        except TooManyError:
            continue
        started += 1

    assert started == 5


def test_guesses_from_elsewhere_do_not_lock_the_owner_out(clock: Any) -> None:
    throttle = SignInThrottle(clock=clock)
    for _ in range(5):
        throttle.attempt(EMAIL, "192.0.2.1")

    throttle.attempt(EMAIL, "198.51.100.7")

    with pytest.raises(TooManyError):
        throttle.attempt(EMAIL, "192.0.2.1")


def test_the_wait_doubles_and_ends_at_a_quarter_of_an_hour(clock: Any) -> None:
    throttle = SignInThrottle(clock=clock)
    waits = []
    for _ in range(20):
        try:
            throttle.attempt(EMAIL, "192.0.2.1")
        except TooManyError as error:
            wait = error.retry_after_seconds or 0.0
            waits.append(wait)
            clock.advance(wait)
            throttle.attempt(EMAIL, "192.0.2.1")

    assert waits[:3] == [2.0, 4.0, 8.0]
    assert max(waits) == 900.0


async def test_no_more_than_one_user_has_an_address(parts: Parts) -> None:
    await add_owner(parts)

    with pytest.raises(EmailTakenError):
        await parts.accounts.add_user(org_id=1, name="Eve", email=EMAIL.upper(), password=PASSWORD)
