"""Reads the state pictures of the documentation, so that tests can hold them to the code's own tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

EXPLANATIONS = Path(__file__).parent.parent / "docs/explanation"
_PICTURE = re.compile(r"```mermaid\n\s*stateDiagram-v2\n(.*?)```", re.DOTALL)
_ARROW = re.compile(r"(\[\*\]|\w+) --> (\[\*\]|\w+)(?: ?: ?.+)?")
_EDGE = "[*]"


@dataclass(frozen=True)
class StatePicture:
    """What a picture shows: where things begin, the steps, and the states that it draws as ends."""

    beginnings: frozenset[str]
    steps: Mapping[str, frozenset[str]]
    ends: frozenset[str]


def read_picture(page: str, *, number: int = 0) -> StatePicture:
    """One ``stateDiagram-v2`` of a page in ``docs/explanation``; every line of it must be an arrow or a comment."""
    drawings = _PICTURE.findall((EXPLANATIONS / page).read_text("utf-8"))
    arrows = [_arrow(line.strip()) for line in drawings[number].splitlines() if _says_something(line)]
    assert len(set(arrows)) == len(arrows), "an arrow is drawn twice"
    states = {state for arrow in arrows for state in arrow} - {_EDGE}
    return StatePicture(
        beginnings=frozenset(after for before, after in arrows if before == _EDGE),
        steps={state: frozenset(b for a, b in arrows if a == state and b != _EDGE) for state in states},
        ends=frozenset(before for before, after in arrows if after == _EDGE),
    )


def assert_shows(picture: StatePicture, steps: Mapping[str, Set[str]]) -> None:
    """The picture has exactly the steps of a table, and draws as ends exactly the states that nothing follows."""
    table = {str(state): frozenset(map(str, following)) for state, following in steps.items()}
    missing = [f"{a} --> {b}" for a in table for b in table[a] - picture.steps.get(a, frozenset())]
    too_much = [f"{a} --> {b}" for a in picture.steps for b in picture.steps[a] - table.get(a, frozenset())]
    assert (missing, too_much) == ([], [])
    assert set(picture.steps) == set(table)
    assert picture.ends == {state for state, following in table.items() if not following}


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.strip().startswith("%%")


def _arrow(line: str) -> tuple[str, str]:
    found = _ARROW.fullmatch(line)
    assert found is not None, f"not an arrow: {line}"
    return found[1], found[2]
