"""An endpoint for the Cloud API's payload proves that it expects us before anything is saved."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from tests.webhooks.conftest import Api, Receiver

TOKEN = "what only we know"


async def meta_style(request: web.Request) -> web.Response:
    """As receivers written for Meta answer."""
    query = request.query
    if query.get("hub.mode") == "subscribe" and query.get("hub.verify_token") == TOKEN:
        return web.Response(text=query["hub.challenge"])
    return web.Response(status=403)


@pytest.fixture
def asked(receiver: Receiver) -> str:
    receiver.by_path["/meta"] = meta_style
    return receiver.url("/meta")


async def test_an_endpoint_that_says_the_challenge_back_is_made(api: Api, asked: str) -> None:
    status, made = await api("POST", "", {"url": asked, "payload": "cloud", "verify_token": TOKEN})

    assert (status, made["payload"]) == (201, "cloud")
    assert "verify_token" not in made


@pytest.mark.parametrize(
    ("path", "more", "field"),
    [
        ("/meta", {"verify_token": "another"}, "url"),
        ("/hook", {"verify_token": TOKEN}, "url"),
        ("/meta", {}, "verify_token"),
    ],
    ids=["another token", "an endpoint that says nothing", "no token"],
)
async def test_any_other_is_refused_and_not_saved(
    api: Api, receiver: Receiver, asked: str, path: str, more: dict[str, Any], field: str
) -> None:
    status, problem = await api("POST", "", {"url": receiver.url(path), "payload": "cloud", **more})

    assert (status, problem["fields"][0]["path"]) == (422, field)
    assert (await api("GET", ""))[1]["items"] == []


async def test_nobody_there_is_a_refusal_too(api: Api) -> None:
    body = {"url": "http://127.0.0.1:1/x", "payload": "cloud", "verify_token": TOKEN}

    status, problem = await api("POST", "", body)

    assert (status, problem["code"]) == (422, "webhook_not_verified")


async def test_an_endpoint_that_becomes_one_or_moves_is_asked_again(api: Api, receiver: Receiver, asked: str) -> None:
    _, made = await api("POST", "", {"url": receiver.url()})
    one = f"/{made['id']}"

    refused = await api("PATCH", one, {"payload": "cloud", "verify_token": TOKEN})
    turned = await api("PATCH", one, {"payload": "cloud", "url": asked, "verify_token": TOKEN})
    moved = await api("PATCH", one, {"url": receiver.url("/elsewhere"), "verify_token": TOKEN})
    described = await api("PATCH", one, {"description": "the bot"})

    assert [status for status, _ in (refused, turned, moved, described)] == [422, 200, 422, 200]
    assert (described[1]["url"], described[1]["payload"]) == (asked, "cloud")


async def test_a_receiver_of_another_kind_is_asked_nothing(api: Api, receiver: Receiver) -> None:
    status, _ = await api("POST", "", {"url": receiver.url()})

    assert (status, receiver.requests) == (201, [])
