"""Problems of ours in the shape and with the codes of Meta's Graph API."""

from __future__ import annotations

from typing import Any, Final

from gateway.api.problems import Problem, ProblemShape
from gateway.cloud.schemas import GraphError

#: Graph's codes for what a status means; whoever knows better names the code of the problem below.
_BY_STATUS: Final = {
    400: 100,
    401: 190,
    403: 10,
    404: 100,
    415: 100,
    422: 100,
    429: 130429,
    501: 131051,
    503: 131016,
}
_BY_CODE: Final = {"recipient_unknown": 131026}
_ANYTHING_ELSE: Final = 131000


def graph_error(problem: Problem, request_id: str) -> dict[str, Any]:
    """The document that stands for a problem; its HTTP status is the problem's. Subcodes are no more since v16."""
    code = _BY_CODE.get(problem.code) or _BY_STATUS.get(problem.status, _ANYTHING_ELSE)
    error = {
        "message": f"(#{code}) {problem.title}",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": _details(problem)},
        "fbtrace_id": request_id,
    }
    return {"error": error}


def graph_code(code: str) -> int:
    """Graph's code for what a message failed of."""
    return _BY_CODE.get(code, _ANYTHING_ELSE)


def _details(problem: Problem) -> str:
    named = [f"{field.path}: {field.problem}" for field in problem.fields]
    return "; ".join(named) or problem.detail


#: How the gateway refuses below the addresses of this slice, whatever it is that it refuses.
GRAPH_SHAPE: Final = ProblemShape(prefix="/cloud/", document=graph_error, model=GraphError)
