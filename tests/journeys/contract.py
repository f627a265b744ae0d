"""Holds every answer of the API against what /openapi.json promises: schemas, names, times, problem documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_TIME_NAMES = ("at", "until", "failing_since")
_METHODS = ("get", "post", "put", "patch", "delete")
PROBLEM_TYPE = "application/problem+json"


class Contract:
    """The OpenAPI document, read by somebody who believes it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._validators: dict[tuple[str, str, str], Draft202012Validator] = {}

    def check(self, method: str, path: str, *, status: int, kind: str, body: Any) -> None:
        """Fail unless an answer is one that the document promises."""
        if status >= 400:
            check_refusal = _check_graph_error if path.startswith("/cloud/") else _check_problem
            check_refusal(status, kind, body)
        operation = self._operation(method, path)
        if operation is None:
            assert status in (404, 405), f"{method} {path} answered {status}, and no document says that it exists"
            return
        name, responses = operation
        promised = responses.get(str(status), responses["default"] if status >= 400 else None)
        assert promised is not None, f"{name} promises {sorted(responses)}, not {status}"
        if status < 400 and body is not None:
            kinds = promised.get("content", {})
            assert kind in kinds or "*/*" in kinds, f"{name} promises no {kind} for {status}"
        if kind in ("application/json", PROBLEM_TYPE) and body is not None:
            _check_times(body)
            self._check_schema(name, str(status), kind, body)

    def check_event(self, event: dict[str, Any]) -> None:
        """Fail unless an event is one that the document promises to webhooks."""
        promised = self._document["webhooks"][event["type"]]["post"]["requestBody"]["content"]["application/json"]
        schema = {"components": self._closed["components"], **_closed(promised["schema"])}
        found = [str(error) for error in Draft202012Validator(schema).iter_errors(event)]
        assert not found, f"{event['type']} breaks its promise:\n" + "\n".join(found)
        _check_times(event)

    def _check_schema(self, name: str, status: str, kind: str, body: Any) -> None:
        found = [str(error) for error in self._validator(name, status, kind).iter_errors(body)]
        assert not found, f"{name} {status} breaks its promise:\n" + "\n".join(found)

    def _validator(self, name: str, status: str, kind: str) -> Draft202012Validator:
        key = (name, status, kind)
        if key not in self._validators:
            responses = next(responses for one, _, responses in self._operations if one == name)
            response = self._resolve(responses.get(status, responses["default"]))
            schema = {"components": self._closed["components"], **_closed(response["content"][kind]["schema"])}
            self._validators[key] = Draft202012Validator(schema)
        return self._validators[key]

    @cached_property
    def _closed(self) -> Any:
        return _closed({"components": {"schemas": self._document["components"]["schemas"]}})

    @cached_property
    def _operations(self) -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
        found = []
        for path, methods in self._document["paths"].items():
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))
            for method in _METHODS:
                if method in methods:
                    found.append((f"{method} {path}", re.compile(f"{method} {pattern}"), methods[method]["responses"]))
        return found

    def _operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        asked = f"{method.lower()} {path.partition('?')[0]}"
        for name, pattern, responses in self._operations:
            if pattern.fullmatch(asked):
                return name, responses
        return None

    def _resolve(self, value: dict[str, Any]) -> dict[str, Any]:
        reference = value.get("$ref")
        if reference is None:
            return value
        found: Any = self._document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        return dict(found)


def _closed(schema: Any) -> Any:
    """The schema, refusing what it does not name: a field that nobody documents is a promise that nobody keeps."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        closed.setdefault("additionalProperties", False)
    return closed


def _check_problem(status: int, kind: str, body: Any) -> None:
    assert kind == PROBLEM_TYPE, f"a refusal ({status}) that is {kind}, no problem document: {body!r}"
    assert body["status"] == status
    assert body["type"] == f"urn:wagate:problem:{body['code']}"
    assert body["title"]
    assert body["detail"]
    assert body["request_id"]
    assert re.fullmatch(r"[a-z][a-z0-9_]+", body["code"])
    for field in body["fields"]:
        assert field["path"]
        assert field["problem"]


def _check_graph_error(status: int, kind: str, body: Any) -> None:
    assert kind == "application/json", f"a refusal ({status}) that is {kind}, no error of the Graph API: {body!r}"
    error = body["error"]
    assert error["type"] == "OAuthException"
    assert error["message"].startswith(f"(#{error['code']}) ")
    assert error["error_data"]["details"]
    assert error["fbtrace_id"]


def _check_times(body: Any) -> None:
    for path, value in _walk(body, ""):
        name = path.rpartition(".")[2]
        if (name in _TIME_NAMES or name.endswith("_at")) and value is not None:
            assert _TIME.fullmatch(str(value)), f"{path} is {value!r}, unlike every other time"


def _walk(body: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(body, dict):
        for name, value in body.items():
            yield from _walk(value, f"{path}.{name}")
    elif isinstance(body, list):
        for value in body:
            yield from _walk(value, path)
    else:
        yield path, body
