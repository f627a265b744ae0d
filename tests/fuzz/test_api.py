"""Whatever is asked of the API gets an answer that the OpenAPI document promises, and the gateway goes on.

Requests are made up from the document itself, for every operation: such as follow its schemas, and such as break them.
Half of them name things that there are, so that they get as far as the store and the engine. Asserted of every answer:
it is no fault of ours (no 500; a 501, 502, 503 or 504 only with a code that the operation names), its status and content
type are documented, its body fits the documented schema, and every refusal is a problem document with a code, or
an error as the Graph API has them. Afterwards the same process still answers, and its log holds no fault, such as a
worker that died.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.core import NOT_SET
from schemathesis.generation import GenerationMode

from tests.fuzz.conftest import Target
from tests.journeys.conftest import check_log
from tests.journeys.contract import PROBLEM_TYPE, Contract

pytestmark = pytest.mark.long

CASES = {GenerationMode.POSITIVE: 21, GenerationMode.NEGATIVE: 15}
ANSWER_SECONDS = 30
#: What takes things away comes last, or there would be nothing left to ask about.
LAST = ("auth.logout", "sessions.logout", "sessions.delete", "sessions.restart", "sessions.stop", "api_keys.revoke")
URL = re.compile(r"^(?i:https?|wss?|ftp)://[^/]*")
REQUEST_ID = re.compile(r"'request_id': '[^']*'")
#: Parts of requests that name things of ours, wherever they stand.
NAMES = {
    "reply_to": "message",
    "media_id": "media",
    "to": "phone",
    "who": "phone",
    "participants": "phone",
    "mentions": "phone",
    "community": "group",
    "phone_number_id": "session",
}


class Fuzzer:
    """Asks one gateway and keeps what is to complain about."""

    def __init__(self, target: Target, document: dict[str, Any]) -> None:
        self.asked = 0
        self.complaints: dict[str, str] = {}
        self._target = target
        self._contract = Contract(document)
        self._document = document
        self._schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig())
        self._client = requests.Session()
        self._chance = random.Random(1)

    def run(self) -> None:
        operations = [found.ok() for found in self._schema.get_all_operations()]
        operations.sort(key=lambda one: (_name(one) in LAST, one.method == "delete", one.label))
        for operation in operations:
            for mode, cases in CASES.items():
                self._run(operation, mode, cases)

    def _run(self, operation: Any, mode: GenerationMode, cases: int) -> None:
        @settings(
            max_examples=cases,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Case) -> None:
            self._ask(_name(operation), self._tamed(case))

        try:
            ask()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, f"{operation.label} can never be asked rightly"

    def _ask(self, name: str, case: Case) -> None:
        self.asked += 1
        try:
            self._check(name, case, self._call(case))
        except (AssertionError, ValueError, requests.RequestException) as complaint:
            said = REQUEST_ID.sub("", str(complaint))[:300]
            self.complaints.setdefault(f"{name}: {said}", case.as_curl_command()[:600])

    def _call(self, case: Case) -> Response:
        security = case.operation.definition.raw.get("security", [])
        headers = self._target.owner if security == [{"signIn": []}] else self._target.program
        return case.call(
            base_url=self._target.house.api.url,
            session=self._client,
            headers={"Accept": "application/json", **headers},
            timeout=ANSWER_SECONDS,
        )

    def _check(self, name: str, case: Case, answer: Response) -> None:
        kind = "".join(answer.headers.get("content-type", [])[:1]).partition(";")[0]
        body: Any = answer.content or None
        if body is not None and kind in ("application/json", PROBLEM_TYPE):
            body = json.loads(body)
        path = str(answer.request.path_url)
        self._contract.check(case.method, path, status=answer.status_code, kind=kind, body=body)
        if answer.status_code >= 500:
            told = case.operation.definition.raw.get("description", "")
            assert answer.status_code > 500, f"a fault: {body}"
            # An error of the Graph API names no code of ours.
            named = case.path.startswith("/cloud/") or f"`{body['code']}`" in told
            assert named, f"{answer.status_code} {body['code']} is not documented"

    def _tamed(self, case: Case) -> Case:
        """The same request, without waiting and without a word to anybody beyond this machine; half name what is there."""
        if self._chance.random() < 0.5:
            case.path_parameters = {
                name: self._known(_noun(case.path, name), value) for name, value in (case.path_parameters or {}).items()
            }
            case.query = {name: self._known(name, value) for name, value in (case.query or {}).items()}
            case.body = self._naming(case.body)
        if "wait_seconds" in (case.query or {}):
            case.query["wait_seconds"] = 0
        if case.body is not NOT_SET:
            case.body = _at_home(case.body)
        return case

    def _naming(self, body: Any) -> Any:
        if isinstance(body, dict):
            return {name: self._known(name, self._naming(value)) for name, value in body.items()}
        return body

    def _known(self, name: str, value: Any) -> Any:
        known = self._target.ids.get(NAMES.get(name, name))
        if known is None:
            return value
        return [known] if isinstance(value, list) else known


def _name(operation: Any) -> str:
    return str(operation.definition.raw["operationId"])


def _noun(path: str, parameter: str) -> str:
    """What ``{id}`` is of: what the path begins with."""
    return path.split("/")[3].removesuffix("s") if parameter == "id" else parameter


def _at_home(body: Any) -> Any:
    if isinstance(body, dict):
        waits = {"wait_seconds": 0} if "wait_seconds" in body else {}
        return {name: _at_home(value) for name, value in body.items()} | waits
    if isinstance(body, list):
        return [_at_home(value) for value in body]
    return URL.sub("http://127.0.0.1:9", body) if isinstance(body, str) else body


def _failing(complaints: dict[str, str]) -> Iterator[str]:
    for complaint, request in complaints.items():
        yield f"{complaint}\n    {request}"


@pytest.mark.timeout(900)
async def test_every_made_up_request_gets_an_answer_that_is_documented(target: Target) -> None:
    async with target.house.api.http.get(f"{target.house.api.url}/openapi.json") as answer:
        fuzzer = Fuzzer(target, await answer.json())
    pid = target.house.sandbox.rig.pids["gateway"]

    await asyncio.to_thread(fuzzer.run)

    assert not fuzzer.complaints, f"{len(fuzzer.complaints)}\n" + "\n".join(_failing(fuzzer.complaints))
    assert fuzzer.asked >= 5000
    assert target.house.sandbox.rig.pids["gateway"] == pid
    assert "items" in await target.house.api.get("/sessions")
    check_log(target.log.read_text(errors="replace"))
