"""One line of the table of capabilities."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sessions.capabilities import UNSUPPORTED, Capability


class Verdict(StrEnum):
    CAN = "can"
    CANNOT = "cannot"
    NOT_YET = "not yet"


@dataclass(frozen=True, kw_only=True)
class Row:
    """``operations`` and ``kinds`` are the operations (globs) and types of messages that the row speaks for."""

    name: str
    verdict: Verdict
    why: str = ""  #: why not, or what is missing
    proof: tuple[str, ...] = ()  #: tests, as ``file::function``
    operations: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Section:
    title: str
    rows: tuple[Row, ...]


def can(name: str, *proof: str, ops: str = "", kinds: str = "", why: str = "") -> Row:
    """It can be done, and these tests prove it. ``why`` is for what one should know."""
    return Row(
        name=name, verdict=Verdict.CAN, why=why, proof=proof, operations=tuple(ops.split()), kinds=tuple(kinds.split())
    )


def cannot(name: str, reason: Capability | str, *proof: str, ops: str = "") -> Row:
    """The engine or WhatsApp has no such thing."""
    why = UNSUPPORTED[reason] if isinstance(reason, Capability) else reason
    return Row(name=name, verdict=Verdict.CANNOT, why=why, proof=proof, operations=tuple(ops.split()))


def not_yet(name: str, missing: str, *, ops: str = "") -> Row:
    """It could be done, and is not, or nothing proves it."""
    return Row(name=name, verdict=Verdict.NOT_YET, why=missing, operations=tuple(ops.split()))
