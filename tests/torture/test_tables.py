"""What tortures tell: claims that notice when they are broken, tables, names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gateway.torture.catalogue import TORTURES
from gateway.torture.contract import Claim
from gateway.torture.table import render, render_json
from sessions.crash import CrashPoint


def test_a_claim_is_broken_beyond_its_bounds_alone() -> None:
    assert Claim(name="lost", measured=0, at_most=0).kept is True
    assert Claim(name="lost", measured=1, at_most=0).kept is False
    assert Claim(name="kept", measured=9, at_least=10).kept is False
    assert Claim(name="seen", measured=9).kept is None


def test_answers_are_a_table_for_people_and_one_line_for_programs() -> None:
    claims: Sequence[Claim] = (
        Claim(name="lost each time", measured=0.25, at_most=0.2),
        Claim(name="written", measured=120_000, note="200 a second"),
    )

    _, first, second = render(claims).splitlines()

    assert first.split() == ["lost", "each", "time", "<=", "0.2", "0.25", "BROKEN"]
    assert second.split() == ["written", "-", "120,000", "200", "a", "second"]
    assert '"kept":false' in render_json({"toy": claims})


def test_every_torture_is_listed_under_the_name_it_has() -> None:
    assert all(torture.name == name and torture.sentence for name, torture in TORTURES.items())


def test_every_crash_point_is_described() -> None:
    page = (Path(__file__).parents[2] / "docs" / "howto" / "torture.md").read_text("utf-8")
    described = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]

    assert described == [point.value for point in CrashPoint]
