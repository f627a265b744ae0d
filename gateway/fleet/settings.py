"""How one session runs: everything that a caller may set, with what each setting allows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.fleet.pace import PaceSettings

_PATTERN = re.compile(r"[+0-9A-Za-z@._:*?-]{1,80}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
#: These are merged key by key; the others are replaced.
_MERGED = ("pace", "ignore", "calls")


def _pattern(text: str) -> str:
    if not _PATTERN.fullmatch(text):
        raise ValueError("this is not a number or address, with * and ? for what may differ")
    return text


def _named(metadata: dict[str, str]) -> dict[str, str]:
    for name in metadata:
        if not _NAME.fullmatch(name):
            raise ValueError("names are letters, digits, dots, dashes and underscores, at most 64 of them")
    return metadata


Metadata = Annotated[
    dict[str, Annotated[str, Field(max_length=256)]],
    Field(max_length=20, examples=[{"customer": "4711"}]),
    AfterValidator(_named),
]
ChatPattern = Annotated[str, Field(examples=["+4930*"]), AfterValidator(_pattern)]


class IgnoreSettings(BaseModel):
    """What a session does not want to hear of: such messages and calls are not stored, and nobody is told of them."""

    model_config = ConfigDict(extra="forbid")

    groups: bool | None = Field(default=None, description="Messages in groups.")
    status: bool | None = Field(default=None, description="Status updates of other people.")
    channels: bool | None = Field(default=None, description="Posts and news of channels.")
    broadcasts: bool | None = Field(default=None, description="What people sent to a broadcast list of theirs.")
    chats: list[ChatPattern] | None = Field(
        default=None,
        max_length=100,
        description="Chats, and who calls, by number (`+4930*`) or address (`120363*@g.us`); `*` stands for anything, "
        "`?` for one character.",
    )


class CallSettings(BaseModel):
    """What a session does with incoming calls."""

    model_config = ConfigDict(extra="forbid")

    reject: bool | None = Field(
        default=None, description="Decline every call at once, but for those of people who are ignored."
    )
    text: str | None = Field(
        default=None, min_length=1, max_length=4096, description="What the caller is then written."
    )


class SessionSettings(BaseModel):
    """How one session runs; null takes the gateway's default. What needs a new worker process makes one."""

    model_config = ConfigDict(extra="forbid")

    device_name: str | None = Field(
        default=None,
        min_length=1,
        max_length=50,
        description="Shown on the phone under linked devices. Counts when a phone is linked.",
    )
    platform: Literal["chrome", "firefox", "edge", "safari", "opera", "desktop"] | None = Field(
        default=None, description="What kind of device the phone lists it as. Counts when a phone is linked."
    )
    history: Literal["none", "recent", "full"] | None = Field(
        default=None, description="How much history the phone shares when it is linked."
    )
    history_days: int | None = Field(
        default=None, ge=1, le=1095, description="How many days of it, where the three words are not enough."
    )
    proxy: str | None = Field(
        default=None,
        max_length=500,
        description="The way to WhatsApp: `http://`, `https://` or `socks5://`, with user and password if need be. "
        "The password is never shown again. The session connects anew when this changes.",
        examples=["socks5://user:***@proxy.example.com:1080"],
    )
    typing_events: bool | None = Field(default=None, description="Whether typing and presence are reported.")
    ignore: IgnoreSettings | None = Field(default=None, description="What is not listened to; applies at once.")
    auto_read: bool | None = Field(
        default=None, description="Mark every message as read, on WhatsApp too, as soon as it is stored."
    )
    calls: CallSettings | None = Field(default=None, description="What becomes of calls; applies at once.")
    metadata: Metadata | None = Field(default=None, description="Your own words, told with every event of the session.")
    on_uncertain: Literal["hold", "resend"] | None = Field(
        default=None, description="What becomes of messages when nobody can know whether they were sent."
    )
    media_days: int | None = Field(
        default=None,
        ge=0,
        le=36_500,
        description="How long files of its messages are kept; 0: for ever. Applies at once.",
    )
    media_quota_bytes: int | None = Field(
        default=None,
        ge=0,
        description="Most room that files of its messages may take; more that arrives is not fetched. 0: no limit.",
    )
    pace: PaceSettings | None = Field(
        default=None, description="How fast, how often and when it writes; applies at once."
    )

    def chosen(self) -> dict[str, object]:
        """Only what was set; the proxy is kept apart, as it may hold a password."""
        return self.model_dump(exclude_none=True, exclude={"proxy"})

    def changes(self) -> dict[str, object]:
        """What is to be changed; null takes a setting back."""
        return self.model_dump(exclude_unset=True, exclude={"proxy"})


def merge_settings(settings: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """A session's settings after a change: null goes back to the default; what has parts is merged part by part."""
    merged = {**settings, **changes}
    for name in _MERGED:
        own = changes.get(name)
        if isinstance(own, dict):
            before = settings.get(name)
            parts = {**(before if isinstance(before, dict) else {}), **own}
            merged[name] = {part: value for part, value in parts.items() if value is not None} or None
    return {name: value for name, value in merged.items() if value is not None}
