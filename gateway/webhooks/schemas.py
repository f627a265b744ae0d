"""What the webhooks API takes and gives."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gateway.api.fields import DeliveryId, EventId, SessionId, UtcTime, WebhookId
from gateway.api.paging import Page, PageQuery
from gateway.events.catalogue import matching
from gateway.webhooks.models import DeliveryState, DisabledReason
from gateway.webhooks.redelivery import ReplayOnly

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]{0,1024}")
_MOST_HEADERS: Final = 20
#: Ours to set, or of no business to the receiver.
_RESERVED_HEADERS: Final = frozenset(
    [
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)


def _known_glob(glob: str) -> str:
    if not matching([glob]):
        raise ValueError("no event type matches this; see the list of events")
    return glob


def _sound_headers(headers: dict[str, str]) -> dict[str, str]:
    if len(headers) > _MOST_HEADERS:
        raise ValueError(f"at most {_MOST_HEADERS} headers")
    for name, value in headers.items():
        lowered = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError("a header's name is not valid")
        if lowered in _RESERVED_HEADERS or lowered.startswith(("webhook-", "proxy-")):
            raise ValueError(f"the header {lowered} cannot be set")
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"the value of the header {lowered} must be up to 1024 printable ASCII characters")
    return headers


EventGlob = Annotated[
    str,
    Field(max_length=64, pattern=r"^[a-z_.*]+$", examples=["message.*"]),
    AfterValidator(_known_glob),
]
EventGlobs = Annotated[
    list[EventGlob], Field(min_length=1, max_length=50, description="Event types; `*` stands for anything.")
]
Url = Annotated[str, Field(min_length=1, max_length=2048, examples=["https://example.com/whatsapp"])]
SessionRefs = Annotated[
    list[Annotated[str, Field(max_length=64)]] | None,
    Field(min_length=1, max_length=500, description="Ids or names; null for all, and for events of no session."),
]
Headers = Annotated[
    dict[str, str],
    AfterValidator(_sound_headers),
    Field(description="Sent with every request. Write-only.", examples=[{"Authorization": "Bearer token"}]),
]
Description = Annotated[str, Field(max_length=200)]


class WebhookCreate(BaseModel):
    """A new endpoint."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    events: EventGlobs = ["*"]
    sessions: SessionRefs = None
    headers: Headers = {}
    description: Description = ""
    active: bool = True


class WebhookUpdate(BaseModel):
    """Changes; what is left out stays. ``headers`` replaces all of them."""

    model_config = ConfigDict(extra="forbid")

    url: Url = ""
    events: EventGlobs = ["*"]
    sessions: SessionRefs = None
    headers: Headers = {}
    description: Description = ""
    active: bool = Field(True, description="True also switches on an endpoint that was disabled for failing.")


class WebhookOut(BaseModel):
    """An endpoint."""

    model_config = ConfigDict(title="Webhook")

    id: WebhookId
    url: str
    description: str
    events: list[str]
    sessions: list[SessionId] | None
    header_names: list[str]
    active: bool
    disabled_reason: DisabledReason | None
    disabled_at: UtcTime | None
    failing_since: UtcTime | None = Field(description="The first failure since the last success.")
    failures: int = Field(description="Failed requests since the last success.")
    last_error: str | None
    pending: int = Field(description="Deliveries that wait.")
    created_at: UtcTime
    updated_at: UtcTime


class WebhookWithSecret(WebhookOut):
    """An endpoint with its new secret."""

    model_config = ConfigDict(title="WebhookWithSecret")

    secret: str | None = Field(
        description="For checking signatures. Shown here only; null when an Idempotency-Key repeats the call, since "
        "secrets are not stored with answers: rotate the secret to get one.",
        examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
    )


class WebhookPage(Page[WebhookOut]):
    """Endpoints, oldest first."""


class AttemptOut(BaseModel):
    """One request."""

    model_config = ConfigDict(title="DeliveryAttempt")

    number: int
    at: UtcTime
    duration_ms: int
    status: int | None
    error: str | None = Field(description="What went wrong; null when it was delivered.")
    excerpt: str | None = Field(description="The beginning of the answer.")


class DeliveryOut(BaseModel):
    """An event on its way to an endpoint."""

    model_config = ConfigDict(title="Delivery")

    id: DeliveryId
    webhook: WebhookId
    event: EventId
    event_type: str
    state: DeliveryState
    due_at: UtcTime | None = Field(description="When it is tried next.")
    created_at: UtcTime
    finished_at: UtcTime | None
    attempts: list[AttemptOut]


class DeliveryPage(Page[DeliveryOut]):
    """Deliveries, newest first."""


class DeliveryQuery(PageQuery):
    """Which deliveries to list."""

    state: DeliveryState | None = None


class ReplayRequest(BaseModel):
    """A stretch of the event log: from a time, or after an event."""

    model_config = ConfigDict(extra="forbid")

    since: UtcTime | None = None
    after: EventId | None = None
    only: ReplayOnly = Field(
        ReplayOnly.UNDELIVERED, description="`undelivered`: what never arrived. `all`: everything once more."
    )

    @model_validator(mode="after")
    def _exactly_one_start(self) -> ReplayRequest:
        if (self.since is None) == (self.after is None):
            raise ValueError("give either since or after")
        return self


class ReplayOut(BaseModel):
    """What a replay did."""

    model_config = ConfigDict(title="Replay")

    queued: int
    next: EventId | None = Field(description="Go on with `after` this event; null when it is done.")
