"""Every error is one problem document, and says nothing that it should not."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from aiohttp import web

from gateway.api.problems import Problem, problem_of
from gateway.kit import errors as gateway_errors
from sessions import errors as session_errors
from tests.api.toys import ToyRoutes
from tests.serving import ClientFactory, Parts

MEMBERS = {"type", "title", "status", "code", "detail", "fields", "request_id"}


@pytest.fixture
def toys(parts: Parts) -> ToyRoutes:
    return ToyRoutes(database=parts.database)


@pytest.fixture
async def client(parts: Parts, toys: ToyRoutes, aiohttp_client: ClientFactory) -> Any:
    return await parts.serve(aiohttp_client, tables=[toys])


async def test_an_unknown_address_and_a_wrong_method_are_problems(client: Any) -> None:
    unknown = await client.get("/api/v1/nothing")
    wrong = await client.put("/api/v1/toys")

    assert set(await unknown.json()) == MEMBERS
    assert (unknown.status, (await unknown.json())["code"]) == (404, "route_not_found")
    assert (wrong.status, (await wrong.json())["code"]) == (405, "method_not_allowed")
    assert wrong.headers["Allow"] == "GET,HEAD,POST"


async def test_a_fault_of_ours_says_only_where_to_look(
    client: Any, toys: ToyRoutes, caplog: pytest.LogCaptureFixture
) -> None:
    toys.failure = RuntimeError("secret of the house")

    with caplog.at_level(logging.ERROR):
        answer = await client.get("/api/v1/toys-broken")

    problem = await answer.json()
    assert (answer.status, problem["code"]) == (500, "internal_error")
    assert "secret" not in await answer.text()
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert "RuntimeError" in caplog.text


async def test_a_callers_own_request_id_is_kept_and_an_unsound_one_is_not(client: Any) -> None:
    kept = await client.get("/api/v1/nothing", headers={"X-Request-Id": "order-4711-abc"})
    unsound = await client.get("/api/v1/nothing", headers={"X-Request-Id": "<script>alert(1)</script>"})

    assert kept.headers["X-Request-Id"] == "order-4711-abc"
    assert unsound.headers["X-Request-Id"].startswith("req_")


async def test_the_log_names_the_operation_and_never_the_address(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await client.get("/api/v1/toys/cht_0000000000001?token=hidden")

    ours = [record.getMessage() for record in caplog.records if record.name.startswith("gateway.")]
    assert any("toys.read" in line for line in ours)
    assert not any("hidden" in line or "cht_0000000000001" in line for line in ours)


async def test_a_wait_is_said_in_whole_seconds(client: Any, toys: ToyRoutes) -> None:
    toys.failure = gateway_errors.UnavailableError("Soon.", retry_after_seconds=1.2)

    answer = await client.get("/api/v1/toys-broken")

    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")


@pytest.mark.parametrize("error", session_errors.by_code().values())
def test_every_error_of_the_engine_is_a_problem_with_its_code(error: type[session_errors.SessionError]) -> None:
    problem = problem_of(error())

    assert problem is not None
    assert problem.code == error.code
    assert 400 <= problem.status < 600
    assert problem.status != 500
    assert problem.title
    assert problem.detail


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (session_errors.NotRunningError, 409),
        (session_errors.NotPairedError, 409),
        (session_errors.NotConnectedError, 409),
        (session_errors.EngineUnsupportedError, 501),
        (session_errors.BusyError, 503),
        (session_errors.NewChatsRefusedError, 502),
        (session_errors.OutcomeUnknownError, 504),
    ],
)
def test_the_engines_errors_have_fitting_statuses(error: type[session_errors.SessionError], status: int) -> None:
    problem = problem_of(error())

    assert problem is not None
    assert problem.status == status


def test_a_redirect_is_no_problem() -> None:
    assert problem_of(web.HTTPFound("/elsewhere")) is None


async def test_people_get_a_page_and_programs_a_document(
    parts: Parts, toys: ToyRoutes, aiohttp_client: ClientFactory
) -> None:
    def page(request: web.Request, problem: Problem, request_id: str) -> web.Response:
        return web.Response(status=problem.status, text=f"Sorry: {problem.code}", content_type="text/html")

    client = await parts.serve(aiohttp_client, tables=[toys], error_page=page)
    browser = {"Accept": "text/html,application/xhtml+xml"}

    person = await client.get("/nothing", headers=browser)
    program = await client.get("/nothing")
    api = await client.get("/api/v1/nothing", headers=browser)

    assert (person.status, await person.text()) == (404, "Sorry: route_not_found")
    assert program.content_type == "application/problem+json"
    assert api.content_type == "application/problem+json"


async def test_every_answer_is_safe_for_browsers(client: Any) -> None:
    for path in ("/api/v1/toys-public", "/api/v1/nothing", "/docs", "/openapi.json"):
        headers = (await client.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert "default-src 'none'" in headers["Content-Security-Policy"], path
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
        assert headers["Server"] == "wagate", path
