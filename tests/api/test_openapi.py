"""The OpenAPI document tells all routes truthfully, and the explorer shows it."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from playwright.async_api import async_playwright

from gateway.api.openapi import build_document
from gateway.api.route import routes_of
from gateway.events.catalogue import CATALOGUE
from tests.api.toys import ToyRoutes
from tests.conftest import missing
from tests.serving import ClientFactory, Parts


@pytest.fixture
async def client(parts: Parts, aiohttp_client: ClientFactory) -> Any:
    return await parts.serve(aiohttp_client, tables=[ToyRoutes(database=parts.database)])


@pytest.fixture
async def document(client: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await (await client.get("/openapi.json")).json()
    return answer


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()}


async def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    errors = list(OpenAPIV31SpecValidator(document).iter_errors())

    assert errors == []
    assert document["openapi"] == "3.1.0"


async def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [found for value in part.values() for found in references(value)]
        return [found for item in part for found in references(item)] if isinstance(part, list) else []

    for reference in references(document):
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


async def test_every_route_is_told_unless_it_is_hidden(document: dict[str, Any]) -> None:
    declared = [route for route, _ in routes_of(ToyRoutes())]

    told = operations(document)

    assert {route.operation for route in declared if not route.hidden} <= set(told)
    assert "toys.broken" not in told


async def test_an_operation_tells_bodies_queries_keys_and_codes(document: dict[str, Any]) -> None:
    told = operations(document)
    create, listing, read = told["toys.create"], told["toys.list"], told["toys.read"]

    body = create["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert document["components"]["schemas"][body]["required"] == ["name"]
    assert {"$ref": "#/components/parameters/IdempotencyKey"} in create["parameters"]
    assert "`toy_broken`" in create["description"]
    assert "202" in create["responses"]
    assert [parameter["name"] for parameter in listing["parameters"] if "name" in parameter] == ["size", "colour"]
    assert {"401", "403", "404", "429", "default"} <= set(read["responses"])
    assert "204" in told["toys.delete"]["responses"]


async def test_it_tells_who_may_call(document: dict[str, Any]) -> None:
    told = operations(document)

    assert told["toys.public"]["security"] == []
    assert told["api_keys.create"]["security"] == [{"signIn": []}]
    assert {"bearer": []} in told["toys.list"]["security"]


async def test_it_tells_every_event_as_a_webhook(document: dict[str, Any]) -> None:
    assert set(document["webhooks"]) == {event.name for event in CATALOGUE}


def test_a_document_without_routes_is_valid_too() -> None:
    document = build_document(tables=[], events=[], version="1.2.3")

    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


async def test_the_explorers_files_are_local_and_no_others_are_served(client: Any) -> None:
    page = await (await client.get("/docs")).text()
    script = await client.get("/docs/swagger-ui-bundle.js")
    other = [(await client.get(f"/docs/{name}")).status for name in ("oauth2-redirect.html", "..%2f__init__.py")]

    assert "http://" not in page
    assert "https://" not in page
    assert (script.status, script.content_type) == (200, "text/javascript")
    assert other == [404, 404]


@pytest.mark.browser
async def test_the_explorer_lists_the_operations_in_a_browser_without_a_complaint(client: Any) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        missing("chromium", "Chromium is not installed")
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(str(client.make_url("/docs")))
        await page.get_by_text("Make a toy", exact=True).wait_for(timeout=20_000)
        await browser.close()

    assert complaints == []
