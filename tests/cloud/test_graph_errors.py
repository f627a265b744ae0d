"""What goes wrong is told as Meta tells it."""

from __future__ import annotations

import pytest

from gateway.api.problems import Problem, problem_of
from gateway.cloud.graph_errors import graph_error
from gateway.kit.errors import FieldError, UnauthorizedError
from sessions.errors import EngineUnsupportedError, RecipientUnknownError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnauthorizedError(), 190),
        (RecipientUnknownError("nobody"), 131026),
        (EngineUnsupportedError("no"), 131051),
    ],
)
def test_an_error_of_ours_has_the_code_that_meta_documents(error: Exception, code: int) -> None:
    problem = problem_of(error)
    assert problem is not None
    assert graph_error(problem, "req_1")["error"]["code"] == code


def test_a_refused_field_is_named_in_the_details() -> None:
    problem = Problem(
        status=422, code="invalid", title="Invalid", detail="", fields=(FieldError(path="to", problem="is missing"),)
    )
    error = graph_error(problem, "req_1")["error"]
    assert error["error_data"] == {"messaging_product": "whatsapp", "details": "to: is missing"}
    assert (error["code"], error["fbtrace_id"]) == (100, "req_1")


def test_what_is_not_there_has_the_code_of_a_wrong_parameter() -> None:
    problem = Problem(status=404, code="session_not_found", title="Not found", detail="There is none.")
    assert graph_error(problem, "req_1")["error"]["code"] == 100
