"""The pace in force for a session: its own settings over the gateway's."""

from __future__ import annotations

from datetime import time

import msgspec

from gateway.fleet.models import Session
from gateway.fleet.pace import Reach, read_hours
from gateway.pacing.classes import MARKETING_ONES, PLAIN_ONES, UNASKED, PaceClass


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, as it applies. What each means stands in :mod:`gateway.fleet.pace`; here 0 is no limit."""

    timezone: str = ""
    per_minute: float = 0.0
    burst: int = 10
    marketing_per_minute: float = 0.0
    jitter: float = 0.0
    chat_gap_seconds: float = 0.0
    per_day: int = 0
    first_contacts_per_day: int = 0
    warm_up: str = "off"
    warm_up_plan: tuple[int, ...] = ()
    marketing_per_contact: int = 0
    marketing_days: int = 7
    quiet_hours: str = ""
    quiet_for: Reach = "marketing"
    opt_out_for: Reach = "marketing"
    typing: bool = False
    typing_characters_per_second: float = 20.0
    typing_most_seconds: float = 6.0

    @property
    def quiet(self) -> tuple[time, time] | None:
        """Begin and end of the quiet hours."""
        return read_hours(self.quiet_hours) if self.quiet_hours else None


class Paces:
    """Knows the pace of every session."""

    def __init__(self, *, defaults: Pace) -> None:
        self._defaults = defaults

    def of(self, session: Session) -> Pace:
        """The pace of one session."""
        own = session.settings.get("pace")
        if not own:
            return self._defaults
        return msgspec.convert(msgspec.structs.asdict(self._defaults) | dict(own), Pace)  # type: ignore[call-overload]


_REACHES: dict[str, frozenset[PaceClass]] = {
    "off": frozenset(),
    "marketing": MARKETING_ONES,
    "unlabelled": MARKETING_ONES | PLAIN_ONES,
    "all": UNASKED,
}


def reached(reach: str) -> frozenset[PaceClass]:
    """The classes that a setting such as ``quiet_for`` names."""
    return _REACHES[reach]
