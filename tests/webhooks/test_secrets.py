"""Signatures by the book, secrets that are replaced in time, and what happens when the key to them is gone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from gateway.principal import Principal, PrincipalKind
from gateway.webhooks.signing import new_secret, signature_headers
from gateway.webhooks.target import MOST_OLD_SECRETS

#: The example that every library of the Standard Webhooks project is tested with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
HOUR = 3600
OWNER = Principal(org_id=1, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",))


def test_the_signature_is_the_one_of_the_specification() -> None:
    headers = signature_headers(event=MESSAGE, at=AT, body=BODY, secrets=[SECRET])

    assert headers == {"webhook-id": MESSAGE, "webhook-timestamp": "1614265330", "webhook-signature": SIGNATURE}


def test_several_signatures_stand_in_one_header_each_for_its_secret() -> None:
    now, secrets = datetime.now(UTC), [new_secret() for _ in range(3)]

    headers = signature_headers(event=MESSAGE, at=now, body=BODY, secrets=secrets)

    assert len(headers["webhook-signature"].split(" ")) == 3
    assert all(Verifier(secret).verify(BODY, headers) for secret in secrets)
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(BODY, headers)


async def told(rig: Any) -> None:
    await rig.emit()
    await rig.deliverer.settled.wait()


async def rotate(api: Any, made: Any, **body: Any) -> str:
    status, rotated = await api("POST", f"/{made['id']}/rotate-secret", body or None)
    assert status == 200
    return str(rotated["secret"])


async def test_every_secret_of_the_last_day_passes_and_each_ends_in_its_own_time(
    api: Any, rig: Any, receiver: Any
) -> None:
    _, made = await api("POST", "", {"url": receiver.url()})
    second = await rotate(api, made)
    rig.clock.advance(12 * HOUR)
    third = await rotate(api, made)

    await told(rig)
    assert len(receiver.requests[-1].headers["webhook-signature"].split()) == 3

    rig.clock.advance(12 * HOUR)
    await told(rig)
    assert len(receiver.requests[-1].headers["webhook-signature"].split()) == 2

    rig.clock.advance(12 * HOUR)
    await told(rig)
    [signature] = receiver.requests[-1].headers["webhook-signature"].split()
    headers = receiver.requests[-1].headers
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    signed = signature_headers(event=headers["webhook-id"], at=at, body=receiver.requests[-1].body, secrets=[third])
    assert signature == signed["webhook-signature"]
    assert len({made["secret"], second, third}) == 3


async def test_a_secret_that_leaked_ends_at_once(api: Any, rig: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url()})
    await rotate(api, made)
    fresh = await rotate(api, made, overlap_hours=0)

    await told(rig)

    assert receiver.verified(fresh)
    assert len(receiver.requests[-1].headers["webhook-signature"].split()) == 1


async def test_a_shorter_overlap_shortens_also_what_was_promised_before(api: Any, rig: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url()})
    await rotate(api, made)
    await rotate(api, made, overlap_hours=1)

    rig.clock.advance(HOUR)
    await told(rig)

    assert len(receiver.requests[-1].headers["webhook-signature"].split()) == 1


async def test_however_often_it_is_rotated_the_header_stays_short(api: Any, rig: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url()})
    secrets = [await rotate(api, made) for _ in range(MOST_OLD_SECRETS + 5)]

    await told(rig)

    assert len(receiver.requests[-1].headers["webhook-signature"].split()) == MOST_OLD_SECRETS + 1
    assert receiver.verified(secrets[-1])
    assert receiver.verified(secrets[-1 - MOST_OLD_SECRETS])


async def test_a_rotation_under_the_same_key_rotates_once(api: Any, receiver: Any) -> None:
    _, made = await api("POST", "", {"url": receiver.url()})
    path, key = f"/{made['id']}/rotate-secret", {"Idempotency-Key": "rotate-1"}

    _, first = await api("POST", path, None, **key)
    _, again = await api("POST", path, None, **key)

    assert first["secret"].startswith("whsec_")
    assert again == {**first, "secret": None}


async def spoil(rig: Any, *columns: str) -> None:
    """Have what is sealed in these columns look sealed by another key."""

    def work(tx: Any) -> None:
        for webhook in rig.webhooks.page(tx, OWNER, after=None, limit=10):
            for column in columns:
                sealed = getattr(webhook, column)
                setattr(webhook, column, sealed[:1] + bytes(len(sealed) - 1))

    await rig.database.write(work)


async def test_an_endpoint_whose_secret_cannot_be_read_says_so_and_what_helps(
    api: Any, rig: Any, receiver: Any
) -> None:
    _, made = await api("POST", "", {"url": receiver.url(), "headers": {"X-Token": "abc"}})
    await spoil(rig, "secret", "headers")

    _, read = await api("GET", f"/{made['id']}")
    _, listed = await api("GET", "")
    assert read["problem"] == listed["items"][0]["problem"] == "secret_unreadable"
    for path, body in (("/test", None), ("/replay", {"only": "missing"})):
        status, problem = await api("POST", f"/{made['id']}{path}", body)
        assert (status, problem["code"]) == (409, "webhook_sealed")

    await rig.emit()
    fresh = await rotate(api, made)
    _, read = await api("GET", f"/{made['id']}")
    assert (read["problem"], read["pending"]) == ("secret_unreadable", 1)
    _, mended = await api("PATCH", f"/{made['id']}", {"headers": {"X-Token": "def"}})
    await rig.deliverer.settled.wait()

    assert mended["problem"] is None
    assert receiver.verified(fresh)
    assert receiver.requests[-1].headers["X-Token"] == "def"
