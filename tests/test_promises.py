"""Every promise names what proves it, and everything that is named exists."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from gateway.torture.catalogue import TORTURES

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "explanation" / "delivery-guarantees.md"
PARTS = ("Not meant", "Figure", "Proof")


@dataclass(frozen=True)
class Promise:
    """One section of the page: its number, its sentence, and its three lines."""

    number: int
    sentence: str
    text: str

    def part(self, name: str) -> str:
        """What stands behind ``- **name**:``; empty when there is no such line."""
        found = re.search(rf"^- \*\*{name}\*\*: (.*?)(?=^- \*\*|\Z)", self.text, re.DOTALL | re.MULTILINE)
        return found[1].strip() if found else ""

    @property
    def tests(self) -> list[tuple[str, str]]:
        """The files and names of its tests."""
        return [(file, name) for name, file in re.findall(r"\[`(test_\w+)`\]\(\.\./\.\./([\w/]+\.py)\)", self.text)]

    @property
    def tortures(self) -> list[str]:
        return re.findall(r"`wagate torture ([\w-]+)`", self.text)


def promises() -> list[Promise]:
    sections = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    found = []
    for section in sections:
        head, _, text = section.partition("\n")
        if numbered := re.fullmatch(r"P(\d+)\. (.+)", head):
            found.append(Promise(int(numbered[1]), numbered[2], text))
    return found


@cache
def names_in(file: str) -> frozenset[str]:
    """The names of the tests in a file, as its source says."""
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, functions))


def test_there_are_fourteen_promises() -> None:
    assert [promise.number for promise in promises()] == list(range(1, 15))


@pytest.mark.parametrize("promise", promises(), ids=lambda promise: f"P{promise.number}")
def test_a_promise_says_what_is_not_meant_its_figure_and_its_proof(promise: Promise) -> None:
    assert [part for part in PARTS if not promise.part(part)] == []
    assert promise.text.strip().partition("- **")[0].strip(), "what it means comes first"
    assert set(promise.tests) == set(Promise(0, "", promise.part("Proof")).tests), "tests stand behind Proof"


@pytest.mark.parametrize("promise", promises(), ids=lambda promise: f"P{promise.number}")
def test_what_proves_a_promise_exists(promise: Promise) -> None:
    missing = [f"{file}::{name}" for file, name in promise.tests if name not in names_in(file)]

    assert promise.tests, "a promise without a test is a wish"
    assert missing == []
    assert [name for name in promise.tortures if name not in TORTURES] == []


def test_every_torture_holds_a_promise() -> None:
    named = {name for promise in promises() for name in promise.tortures}

    assert set(TORTURES) - named == set(), "name them on the page"


def test_a_test_that_is_gone_would_be_missed() -> None:
    assert "test_that_never_was" not in names_in("tests/test_promises.py")
    assert "test_there_are_fourteen_promises" in names_in("tests/test_promises.py")
    assert names_in("tests/that_never_was.py") == frozenset()
