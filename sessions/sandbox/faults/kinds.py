"""What can be made to go wrong, as the control API takes it: one model per kind, and stanzas as JSON trees."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from sessions.address import GROUP_SERVER, PN_SERVER, InvalidJidError, Jid
from sessions.sandbox.wire.node import GROUPS, SERVER, Node, Value

DEFAULT_BAN_CODE = 101
DEFAULT_BAN_SECONDS = 3600
_LONGEST_SECONDS = 7 * 24 * 3600
_DEEPEST_STANZA = 20


class Fault(BaseModel):
    """What every fault has: whom it strikes, how often and how long. Without a number it strikes everybody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: str | None = None
    count: int | None = Field(default=None, ge=1, le=1_000_000)
    seconds: float | None = Field(default=None, gt=0, le=_LONGEST_SECONDS)

    @field_validator("number")
    @classmethod
    def _digits(cls, number: str | None) -> str | None:
        return None if number is None else phone_digits(number)


class Drop(Fault):
    """Cut the connections now; with a count or a time, cut new ones too as soon as they are up."""

    kind: Literal["drop"]


class Outage(Fault):
    """Cut the connections and refuse new ones until cleared."""

    kind: Literal["outage"]


class NoAck(Fault):
    """Deliver messages, but never tell the sender."""

    kind: Literal["no_ack"]


class LateAck(Fault):
    """Tell the sender only after so many seconds."""

    kind: Literal["late_ack"]
    seconds: float = Field(gt=0, le=600)


class Refuse(Fault):
    """Refuse messages with a code, and deliver them to nobody."""

    kind: Literal["refuse"]
    code: int = Field(ge=400, le=599)


class Ban(Fault):
    """The number is banned for a while: connections end and logins fail."""

    kind: Literal["ban"]
    code: int = Field(default=DEFAULT_BAN_CODE, ge=1, le=9999)
    expire: int = Field(default=DEFAULT_BAN_SECONDS, ge=1, le=_LONGEST_SECONDS)


class LoggedOut(Fault):
    """The phone removes its linked devices."""

    kind: Literal["logged_out"]


class Replaced(Fault):
    """Somebody else has connected with the same keys."""

    kind: Literal["replaced"]


class Outdated(Fault):
    """The client's version is no longer accepted."""

    kind: Literal["outdated"]


class LoginFailure(Fault):
    """Logins fail with this reason code."""

    kind: Literal["failure"]
    reason: int = Field(ge=100, le=999)


class Mute(Fault):
    """The service takes what a device sends and never looks at it."""

    kind: Literal["mute"]


class Freeze(Fault):
    """Connections stand, but nothing goes through them either way; new ones are accepted and never answered."""

    kind: Literal["freeze"]


class Slow(Fault):
    """Everything that a device is sent arrives so many seconds late."""

    kind: Literal["slow"]
    delay: float = Field(gt=0, le=600)


class Passkey(Fault):
    """The account links devices with a passkey only; scanning asks the client for it."""

    kind: Literal["passkey"]


class Stanza(BaseModel):
    """One element of a crafted stanza."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tag: str = Field(min_length=1, max_length=200)
    attrs: dict[str, str | int] = {}
    content: list[Stanza] | str | Base64 | None = None

    def node(self, depth: int = 0) -> Node:
        """The stanza as it goes onto the wire."""
        if depth > _DEEPEST_STANZA:
            raise ValueError("a stanza this deep cannot be sent")
        content: list[Node] | bytes | None
        if isinstance(self.content, list):
            content = [child.node(depth + 1) for child in self.content]
        elif isinstance(self.content, Base64):
            content = self.content.data
        else:
            content = None if self.content is None else self.content.encode()
        return Node(self.tag, {name: _value(value) for name, value in self.attrs.items()}, content)


class Base64(BaseModel):
    """Bytes in JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base64: str

    @field_validator("base64")
    @classmethod
    def _valid(cls, text: str) -> str:
        try:
            base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise ValueError("not base64") from error
        return text

    @property
    def data(self) -> bytes:
        """What the text stands for."""
        return base64.b64decode(self.base64)


class CraftedStanza(Fault):
    """Send a stanza of your own making to the linked devices."""

    kind: Literal["stanza"]
    stanza: Stanza

    @field_validator("stanza")
    @classmethod
    def _can_be_sent(cls, stanza: Stanza) -> Stanza:
        stanza.node()
        return stanza


AnyFault = Annotated[
    Drop
    | Outage
    | NoAck
    | LateAck
    | Refuse
    | Ban
    | LoggedOut
    | Replaced
    | Outdated
    | LoginFailure
    | Mute
    | Freeze
    | Slow
    | Passkey
    | CraftedStanza,
    Field(discriminator="kind"),
]
_FAULT: TypeAdapter[AnyFault] = TypeAdapter(AnyFault)


def parse_fault(body: Any) -> AnyFault:
    """Read a fault; pydantic's ValidationError says what is wrong with it."""
    return _FAULT.validate_python(body)


def phone_digits(number: str) -> str:
    """A phone number as digits; ValueError where it is none."""
    digits = number.strip().removeprefix("+").replace(" ", "").replace("-", "")
    if not digits.isascii() or not digits.isdecimal() or not 5 <= len(digits) <= 15 or digits.startswith("0"):
        raise ValueError("not a phone number in international form")
    return digits


def _value(value: str | int) -> Value:
    """Attributes that are addresses must go onto the wire as addresses; clients ignore them as text."""
    if isinstance(value, int):
        return str(value)
    if value == PN_SERVER:
        return SERVER
    if value == GROUP_SERVER:
        return GROUPS
    try:
        return Jid.parse(value) if "@" in value else value
    except InvalidJidError:
        return value
