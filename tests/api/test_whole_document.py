"""The OpenAPI document of the whole gateway."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.blueprint import openapi_document


@pytest.fixture(scope="module")
async def document() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(await openapi_document())
    return told


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def test_it_is_valid(document: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


async def test_operations_are_named_once_in_one_way(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert len(names) == len(set(names))
    for name in names:
        noun, _, verb = name.partition(".")
        assert noun.replace("_", "").isalpha(), name
        assert verb.replace("_", "").isalpha(), name


async def test_whatever_changes_something_needs_a_caller(document: dict[str, Any]) -> None:
    public = {operation["operationId"] for _, _, operation in operations(document) if operation["security"] == []}

    assert public == {"auth.login", "auth.setup", "health.alive", "health.ready", "health.metrics", "media.linked"}


async def test_every_answer_with_content_says_what_it_holds(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        success = next(
            response for status, response in operation["responses"].items() if status.startswith(("101", "2"))
        )
        for kind, content in success.get("content", {}).items():
            assert content["schema"], f"{method} {path} {kind}"
