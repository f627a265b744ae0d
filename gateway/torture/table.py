"""How the answers of tortures are shown: a plain table, or JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from gateway.torture.contract import Claim

_VERDICTS = {True: "kept", False: "BROKEN", None: ""}


def render(claims: Sequence[Claim]) -> str:
    """A plain table, one claim a line."""
    lines = [f"{'figure':<52} {'promise':>12} {'measured':>12}  {'':<6}  note"]
    for claim in claims:
        measured = _with_unit(claim.measured, claim.unit)
        lines.append(
            f"{claim.name:<52} {_promise(claim):>12} {measured:>12}  {_VERDICTS[claim.kept]:<6}  {claim.note}".rstrip()
        )
    return "\n".join(lines)


def render_json(answers: Mapping[str, Sequence[Claim]]) -> str:
    """Every claim of every torture in one line."""
    told = {
        name: [msgspec.to_builtins(claim) | {"kept": claim.kept} for claim in claims]
        for name, claims in answers.items()
    }
    return msgspec.json.encode(told).decode()


def _promise(claim: Claim) -> str:
    if claim.at_most is not None:
        return f"<= {_with_unit(claim.at_most, claim.unit)}" if claim.at_most else "0"
    return f">= {_with_unit(claim.at_least, claim.unit)}" if claim.at_least is not None else "-"


def _with_unit(value: float, unit: str) -> str:
    shown = f"{value:,.0f}" if value == int(value) else f"{value:,.3g}" if value < 100 else f"{value:,.0f}"
    return f"{shown} {unit}".rstrip()
