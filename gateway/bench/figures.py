"""What a measurement is and how it is printed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured figure. ``target`` is what is promised, ``bare`` what the machine allows with nothing of ours."""

    name: str
    value: float
    unit: str
    target: float | None = None
    bare: float | None = None
    bare_name: str = ""
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the promise is kept; None where nothing is promised. Every figure here is better when smaller."""
        return None if self.target is None else self.value <= self.target

    @property
    def ratio(self) -> float | None:
        """How many times the bare limit this is."""
        return self.value / self.bare if self.bare else None


def percentile(samples: Sequence[float], fraction: float) -> float:
    """The nearest-rank percentile; 0 of nothing would hide a measurement that did not happen, so that raises."""
    if not samples:
        raise ValueError("nothing was measured")
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(fraction * len(ordered)) - 1)]


def milliseconds(samples: Sequence[float]) -> list[float]:
    return [sample * 1000 for sample in samples]


def latency_figures(
    what: str,
    samples: Sequence[float],
    *,
    bare: Sequence[float],
    bare_name: str,
    p50_target: float,
    p99_target: float,
) -> list[Figure]:
    """p50 and p99 of a latency in milliseconds, each beside the bare limit's own percentile."""
    ours, limit = milliseconds(samples), milliseconds(bare)
    count = f"{len(ours)} samples"
    return [
        Figure(
            name=f"{what} {label}",
            value=percentile(ours, fraction),
            unit="ms",
            target=target,
            bare=percentile(limit, fraction),
            bare_name=bare_name,
            note=count,
        )
        for label, fraction, target in (("p50", 0.50, p50_target), ("p99", 0.99, p99_target))
    ]


def render(figures: Sequence[Figure]) -> str:
    """A plain table, one figure a line."""
    lines = [
        f"{'figure':<44} {'value':>10} {'promise':>10} {'':>5}  {'bare limit':>10} {'ratio':>7}  what is bare / note"
    ]
    for figure in figures:
        promise = f"{figure.target:.0f} {figure.unit}" if figure.target is not None else "-"
        verdict = {True: "ok", False: "MISS", None: ""}[figure.holds]
        bare = f"{figure.bare:.1f}" if figure.bare is not None else "-"
        ratio = f"{figure.ratio:.1f}x" if figure.ratio is not None else "-"
        told = "; ".join(part for part in (figure.bare_name, figure.note) if part)
        value = f"{figure.value:.1f} {figure.unit}"
        lines.append(f"{figure.name:<44} {value:>10} {promise:>10} {verdict:>5}  {bare:>10} {ratio:>7}  {told}")
    return "\n".join(lines)
