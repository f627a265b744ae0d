"""The check of the WhatsApp library."""

from __future__ import annotations

from gateway.examining.finding import Finding, Subject, fine, wrong


async def engine(subject: Subject) -> Finding:
    """The WhatsApp library is there, whole, and answers."""
    problems = await subject.engine.self_check()
    if problems:
        return wrong("engine", "; ".join(problems), "Install wagate again: pip install --force-reinstall wagate")
    return fine("engine", "The WhatsApp library is whole and answers.")
