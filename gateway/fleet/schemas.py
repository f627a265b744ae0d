"""What the sessions API takes and gives."""

from __future__ import annotations

from typing import Annotated, Literal

import phonenumbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.api.fields import SessionId, UtcTime
from gateway.api.paging import Page, PageQuery
from gateway.fleet.restrictions import RestrictionKind
from gateway.fleet.settings import SessionSettings
from sessions.liveness import LivenessState
from sessions.status import SessionStatus

_ID_PREFIX = "ses_"


def _session_name(name: str) -> str:
    if name.startswith(_ID_PREFIX):
        raise ValueError("a name must not look like an id")
    return name


def _e164(text: str) -> str:
    """Tolerant of spaces and of a missing plus sign; gives ``+4915112345678``."""
    digits = text.strip()
    if not digits.startswith("+"):
        digits = f"+{digits.removeprefix('00')}"
    try:
        number = phonenumbers.parse(digits, None)
    except phonenumbers.NumberParseException as error:
        raise ValueError("this is not a phone number with its country code, such as +49 151 12345678") from error
    if not phonenumbers.is_possible_number(number):
        raise ValueError("a phone number of this length does not exist in that country")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


SessionName = Annotated[
    str,
    Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", examples=["shop"]),
    AfterValidator(_session_name),
]
PhoneNumber = Annotated[str, Field(max_length=32, examples=["+4915112345678"]), AfterValidator(_e164)]


class SessionCreate(BaseModel):
    """A new session. It waits for its phone to be linked."""

    model_config = ConfigDict(extra="forbid")

    name: SessionName = Field(description="Unique; usable wherever a session is asked for.")
    expected_phone: PhoneNumber | None = Field(default=None, description="Accept only this phone when linking.")
    settings: SessionSettings = SessionSettings()


class SessionUpdate(BaseModel):
    """What to change; what is absent stays."""

    model_config = ConfigDict(extra="forbid")

    name: SessionName | None = None
    expected_phone: PhoneNumber | None = None
    settings: SessionSettings | None = None


class StartQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    force: bool = Field(
        default=False,
        description="Connect even before a temporary ban has ended, which may make the ban longer. Only for when "
        "WhatsApp has lifted it.",
    )


class SessionQuery(PageQuery):
    status: SessionStatus | None = Field(default=None, description="Only sessions with this status.")


class ReasonOut(BaseModel):
    """Why a session is where it is: a stable code, and what a person should know and do."""

    code: str = Field(examples=["unlinked_from_phone"])
    sentence: str


class PastReason(BaseModel):
    status: SessionStatus
    reason: ReasonOut
    at: UtcTime


class RestrictionOut(BaseModel):
    """What WhatsApp does not let a session do, and what a person should know and do."""

    kind: RestrictionKind
    scope: Literal["all", "first_contacts"] = Field(
        description="`all`: the session cannot connect. `first_contacts`: only messages to people it never wrote with."
    )
    code: int | None = Field(description="WhatsApp's own number for it.", examples=[101])
    sentence: str
    since: UtcTime
    until: UtcTime | None = Field(description="Its end, or for a time-lock when a new chat is tried again.")


class SessionOut(BaseModel):
    """One linked phone."""

    id: SessionId
    name: str
    status: SessionStatus
    live: bool = Field(description="Whether frames are proven to flow to and from WhatsApp.")
    desired: Literal["run", "stop"]
    paired: bool = Field(description="Whether a phone is linked. The phone below may be the last one that was.")
    reason: ReasonOut | None
    until: UtcTime | None = Field(description="End of a temporary ban, or time of the next try.")
    restriction: RestrictionOut | None = Field(description="What WhatsApp does not let the session do now.")
    phone: str | None = Field(description="E.164.")
    lid: str | None
    jid: str | None
    push_name: str | None
    platform: str | None
    expected_phone: str | None
    settings: SessionSettings
    created_at: UtcTime
    status_at: UtcTime
    paired_at: UtcTime | None
    connected_at: UtcTime | None = Field(description="When it was connected last.")


class LivenessOut(BaseModel):
    """Whether frames really flow, as far as this gateway has seen since it started."""

    state: LivenessState = Field(
        description="`degraded`: connected, but proof is missing. `deaf`: the engine stopped listening and is being "
        "replaced. `down`: not connected."
    )
    since: UtcTime | None
    reason: ReasonOut | None = Field(description="What speaks against it.")
    last_frame_at: UtcTime | None = Field(description="When WhatsApp sent something by itself.")
    last_proof_at: UtcTime | None = Field(description="When something arrived or was answered.")
    keepalive_failures: int
    probe_ms: float | None = Field(description="How long WhatsApp took to answer the last probe.")
    recycles: int = Field(description="How often the session's process was replaced for missing proof or connection.")


class SessionDetail(SessionOut):
    """One linked phone, with what is known beyond the list."""

    liveness: LivenessOut

    reasons: list[PastReason] = Field(description="The last reasons, newest first.")
    capabilities: list[str] = Field(description="What the engine can do.")


class SessionPage(Page[SessionOut]):
    """Sessions, oldest first."""


class LogoutRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    force: bool = Field(
        default=False,
        description="Delete the keys even when WhatsApp cannot be told; the phone then keeps listing a dead device.",
    )


class QrOut(BaseModel):
    """The QR code on offer. Anybody who scans it links the phone: treat it as a secret."""

    code: str = Field(description="The text that the QR code holds.")
    index: int = Field(description="0 for an attempt's first code.")
    valid_seconds: float = Field(description="How long this code is shown in all.")
    expires_at: UtcTime
    svg: str = Field(description="The picture, ready to be put on a page.")


class PairCodeRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    phone: PhoneNumber = Field(description="The phone that is to be linked.")


class PairCodeOut(BaseModel):
    code: str = Field(description="To be typed on the phone.", examples=["ABCD-1234"])


class PairingLinkRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    valid_seconds: int | None = Field(
        default=None, ge=60, le=30 * 86_400, description="Null takes the gateway's default."
    )


class PairingLinkOut(BaseModel):
    """A page for the person with the phone. It works once, and its address is given only here.

    A repeat under the same Idempotency-Key has null instead: the address is not kept.
    """

    url: str | None
    expires_at: UtcTime
