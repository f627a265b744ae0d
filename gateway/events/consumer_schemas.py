"""How named consumers and their batches look from outside."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from gateway.api.fields import ConsumerId, EventId, SessionId, UtcTime
from gateway.api.paging import Page
from gateway.events.schemas import EventOut

Globs = Annotated[list[str], Field(min_length=1, max_length=100)]
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
NAME_PROBLEM: Final = "1 to 64 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit"
Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$", examples=["crm"])]


class ConsumerPut(BaseModel):
    """What a consumer is told of; the whole of it, also when it is there already."""

    model_config = ConfigDict(extra="forbid")

    types: Globs | None = Field(None, description="Globs over event types; all when absent.", examples=[["message.*"]])
    sessions: Globs | None = Field(None, description="Sessions by id or name; all when absent.")
    after: EventId | None = Field(
        None, description="Only for a new one: where it begins. `evt_0000000000000` is the oldest; now when absent."
    )


class Lag(BaseModel):
    """What waits for a consumer."""

    events: int = Field(description="How many events, counted up to 1000.")
    seconds: float = Field(description="The age of the oldest of them; 0 when there is none.")


class ConsumerOut(BaseModel):
    """A named consumer of events."""

    model_config = ConfigDict(title="EventConsumer")

    id: ConsumerId
    name: str = Field(examples=["crm"])
    types: list[str] | None
    sessions: list[SessionId] | None
    position: EventId = Field(description="Everything up to here is dealt with.")
    leased_until: UtcTime | None = Field(description="Until when a worker holds the next events; null when none does.")
    lag: Lag
    seen_at: UtcTime | None = Field(description="When a worker last asked or acknowledged.")
    created_at: UtcTime


class ConsumerPage(Page[ConsumerOut]):
    """Named consumers, oldest first."""


class PullRequest(BaseModel):
    """Who asks for how much, and how long it may take."""

    model_config = ConfigDict(extra="forbid")

    consumer: Name
    limit: int = Field(100, ge=1, le=500, description="How many events at most.")
    wait_seconds: float = Field(0.0, ge=0, le=30, description="How long to wait when there are none.")
    lease_seconds: int = Field(
        60, ge=1, le=3600, description="How long nobody else gets these events; each `ack` begins it anew."
    )


class BatchOut(BaseModel):
    """The next events of a consumer, in order. Empty when there are none, or when another worker holds them."""

    items: list[EventOut]
    position: EventId | None = Field(description="What to acknowledge when all of them are dealt with.")
    lease: str | None = Field(description="Proves at `ack` that the events are still yours.")
    leased_until: UtcTime | None
    more: bool = Field(description="Whether more waits behind these.")


class AckRequest(BaseModel):
    """How far a worker has come."""

    model_config = ConfigDict(extra="forbid")

    consumer: Name
    position: EventId = Field(description="The id of the last event that is dealt with.")
    lease: str | None = Field(
        None, max_length=64, description="With it, an `ack` that comes too late is refused with 409."
    )
    release: bool = Field(False, description="Give back what is left of the batch, for others to take at once.")


class SeekRequest(BaseModel):
    """Where a consumer goes on."""

    model_config = ConfigDict(extra="forbid")

    after: EventId | None = Field(
        None, description="`evt_0000000000000` is the oldest event that is kept; null is now: the rest is skipped."
    )
