"""The table of capabilities against the code: its proofs stand, and nothing is left out."""

from __future__ import annotations

import ast
import json
import typing
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from gateway.blueprint import openapi_document
from gateway.capabilities.row import Verdict
from gateway.capabilities.table import ROWS
from gateway.messages.schemas import MessageType
from sessions.capabilities import UNSUPPORTED

ROOT = Path(__file__).parent.parent


@cache
def functions_of(path: str) -> frozenset[str]:
    file = ROOT / path
    tree = ast.parse(file.read_text("utf-8")) if file.is_file() else ast.Module(body=[], type_ignores=[])
    return frozenset(one.name for one in tree.body if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)))


def test_every_proof_is_a_test_that_exists() -> None:
    named = [proof.split("::") for row in ROWS for proof in row.proof]

    assert [f"{path}::{name}" for path, name in named if name not in functions_of(path)] == []
    assert all(name.startswith("test_") for _, name in named)


def test_what_can_be_done_is_proven_and_what_cannot_says_why() -> None:
    assert [row.name for row in ROWS if row.verdict is Verdict.CAN and not row.proof] == []
    assert [row.name for row in ROWS if row.verdict is not Verdict.CAN and not row.why] == []
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_every_sentence_of_what_the_engine_cannot_do_stands_in_the_table() -> None:
    said = {row.why for row in ROWS if row.verdict is Verdict.CANNOT}

    assert set(UNSUPPORTED.values()) - said == set()


def test_every_kind_of_message_is_claimed() -> None:
    claimed = [kind for row in ROWS for kind in row.kinds]

    assert sorted(claimed) == sorted(typing.get_args(MessageType))


async def test_every_operation_is_claimed_and_no_other() -> None:
    paths = json.loads(await openapi_document())["paths"]
    operations = {one["operationId"] for methods in paths.values() for one in methods.values()}
    globs = [glob for row in ROWS for glob in row.operations]

    assert sorted(one for one in operations if not any(fnmatchcase(one, glob) for glob in globs)) == []
    assert sorted(glob for glob in globs if not any(fnmatchcase(one, glob) for one in operations)) == []
