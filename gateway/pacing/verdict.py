"""What the gate says of a message, and what it is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.chats.models import Chat
from gateway.contacts.models import Contact
from gateway.fleet.models import Session
from gateway.pacing.classes import PaceClass


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A message that wants to go, as far as the rules care. ``contact`` is None in groups and channels."""

    org_id: int
    session: Session
    chat: Chat
    contact: Contact | None
    purpose: str | None
    pace_class: PaceClass
    expires_at: datetime | None = None


class Answer(StrEnum):
    """The three things that a gate can say."""

    NOW = "now"
    WAIT = "wait"
    SKIP = "skip"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Now, later, or not at all. ``reason`` is a stable code; it is stored with the message, shown and counted."""

    answer: Answer
    reason: str | None = None
    wait_until: datetime | None = None
    closes: frozenset[PaceClass] = frozenset()  #: the session's classes that all wait for the same thing

    @classmethod
    def wait(cls, reason: str, until: datetime, *, closes: frozenset[PaceClass] = frozenset()) -> Verdict:
        """Not before a time; nor any other of the closed classes of this session."""
        return cls(answer=Answer.WAIT, reason=reason, wait_until=until, closes=closes)

    @classmethod
    def skip(cls, reason: str) -> Verdict:
        """Not at all."""
        return cls(answer=Answer.SKIP, reason=reason)


NOW = Verdict(answer=Answer.NOW)
