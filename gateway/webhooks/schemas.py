"""What the webhooks API takes and gives."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gateway.api.fields import DeliveryId, EventId, SessionId, UtcTime, WebhookId
from gateway.api.paging import Page, PageQuery
from gateway.events.catalogue import matching
from gateway.webhooks.models import PayloadKind
from gateway.webhooks.redelivery import ReplayOnly
from gateway.webhooks.states import DeliveryState, EndpointState

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
ChatKinds = Annotated[
    list[Literal["person", "group", "newsletter", "status", "broadcast"]] | None,
    Field(
        min_length=1,
        description="Only what happens in chats of these kinds, such as `person` to leave groups out; null for all. "
        "Events that are about no chat are sent all the same.",
    ),
]
Payload = Annotated[
    PayloadKind,
    Field(
        description="`full`: the whole event. `thin`: without `data`, for receivers that ask for what they need. "
        "`cloud`: as Meta's Cloud API tells it; what that has no words for is not told."
    ),
]
VerifyToken = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=200,
        description="For the payload `cloud`, and never kept: the endpoint is asked with it, as Meta asks, whether it "
        "expects us, before anything is saved.",
    ),
]
Ordered = Annotated[
    bool,
    Field(
        description="True: as long as an event of a chat has to be tried again, the later ones of this chat wait "
        "behind it, until it is delivered or given up after ten tries."
    ),
]


class WebhookCreate(BaseModel):
    """A new endpoint."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    events: EventGlobs = ["*"]
    sessions: SessionRefs = None
    chat_kinds: ChatKinds = None
    payload: Payload = PayloadKind.FULL
    verify_token: VerifyToken = None
    ordered: Ordered = False
    headers: Headers = {}
    description: Description = ""
    active: bool = True


class WebhookUpdate(BaseModel):
    """Changes; what is left out stays. ``headers`` replaces all of them."""

    model_config = ConfigDict(extra="forbid")

    url: Url = ""
    events: EventGlobs = ["*"]
    sessions: SessionRefs = None
    chat_kinds: ChatKinds = None
    payload: Payload = PayloadKind.FULL
    verify_token: VerifyToken = None
    ordered: Ordered = False
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
    chat_kinds: list[str] | None
    payload: PayloadKind
    ordered: bool
    header_names: list[str]
    active: bool = Field(description="Whether it is told what happens: in the states `active` and `failing`.")
    state: EndpointState = Field(
        description="`off`: by request. `gone`: it answered 410. `disabled`: nothing but failures for days."
    )
    problem: Literal["secret_unreadable"] | None = Field(
        description="`secret_unreadable`: nothing can be signed, because the key in the data folder is not the one "
        "that the secret or the headers were sealed with. Deliveries wait until the key is back, or until the secret "
        "is rotated and the headers are set again."
    )
    disabled_at: UtcTime | None = Field(description="When it was switched off, by whatever.")
    failing_since: UtcTime | None = Field(description="The first failure since the last success.")
    disabled_from: UtcTime | None = Field(
        description="A failure after this time switches it off, unless something is delivered before."
    )
    failures: int = Field(description="Failed requests since the last success.")
    last_error: str | None
    pending: int = Field(description="Deliveries that wait.")
    dead: int = Field(description="Deliveries that were given up, and kept.")
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


class RotateRequest(BaseModel):
    """How to replace the secret."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: float = Field(
        24,
        ge=0,
        le=168,
        description="How long requests carry signatures of the secrets before, too. 0 when one has leaked.",
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
    event: EventId | None = Field(None, description="Only of this event.")
    event_type: str | None = Field(None, max_length=64, description="Only of events of this type.")


class AnyDeliveryQuery(DeliveryQuery):
    """Which deliveries to list, over all endpoints."""

    webhook: WebhookId | None = Field(None, description="Only to this endpoint.")


class TestQuery(BaseModel):
    """How long to wait for what comes of it."""

    model_config = ConfigDict(extra="forbid")

    wait_seconds: float = Field(
        5.0, ge=0, le=30, description="Longest wait for the endpoint's answer; 0 to be answered at once."
    )


class ReplayRequest(BaseModel):
    """A stretch of the event log: from a time or after an event, up to now or up to a time."""

    model_config = ConfigDict(extra="forbid")

    since: UtcTime | None = None
    after: EventId | None = None
    until: UtcTime | None = None
    only: ReplayOnly = Field(
        ReplayOnly.UNDELIVERED,
        description="`failed`: what was given up. `missing`: what the endpoint was never told, because it was off or "
        "not there yet. `undelivered`: both. `all`: also what it had answered with 200.",
    )
    dry_run: bool = Field(False, description="Only count.")

    @model_validator(mode="after")
    def _one_start(self) -> ReplayRequest:
        if self.since is not None and self.after is not None:
            raise ValueError("give either since or after")
        if self.since is None and self.after is None and self.only is ReplayOnly.ALL:
            raise ValueError("give since or after, to tell everything again")
        return self


class ReplayOut(BaseModel):
    """What a replay did, or would do."""

    model_config = ConfigDict(title="Replay")

    queued: int = Field(description="All together.")
    failed: int = Field(description="Had been given up.")
    missing: int = Field(description="Had never been queued.")
    delivered: int = Field(description="Had been delivered.")
    dry_run: bool = Field(description="Nothing was queued, only counted.")
    next: EventId | None = Field(description="Go on with `after` this event; null when it is done.")
