"""How the pace of a session looks at the edge."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from gateway.api.fields import SessionId, UtcTime


class PaceCounts(BaseModel):
    """Messages sent today, by what they were."""

    replies: int = Field(description="To chats that wrote to the session within the last 24 hours.")
    awaited: int = Field(description="Others with a purpose that somebody waits for.")
    plain: int = Field(description="Without a purpose.")
    marketing: int
    first_contacts: int = Field(description="Of all these, to people the session had never written with.")


class CapOut(BaseModel):
    """One limit of the day."""

    most: int
    used: int
    left: int


class PaceCaps(BaseModel):
    """The limits in force today; null where there is none."""

    per_day: CapOut | None
    first_contacts_per_day: CapOut | None
    warm_up: CapOut | None


class PaceReason(BaseModel):
    """Why messages wait: a stable code, and what it means."""

    code: str = Field(examples=["warm_up"])
    sentence: str


class NextOut(BaseModel):
    """When the next message of a class may go, as far as the session is concerned."""

    class_: Literal["reply", "awaited", "awaited_new", "plain", "plain_new", "marketing", "marketing_new"] = Field(
        alias="class", description="`_new`: to somebody the session has never written with."
    )
    free_at: UtcTime
    reason: PaceReason | None = Field(description="Why not now.")


class PaceOut(BaseModel):
    """How a session stands."""

    session: SessionId
    timezone: str = Field(examples=["Europe/Berlin"])
    day: str = Field(description="The session's today.", examples=["2026-03-01"])
    next_day_at: UtcTime = Field(description="When the counts begin anew.")
    today: PaceCounts
    caps: PaceCaps
    next: list[NextOut]
    settings: dict[str, Any] = Field(description="What is in force: the session's own settings over the gateway's.")
