"""Why a message waits or is skipped: stable codes, each with a sentence for people, in the order they are asked."""

from __future__ import annotations

from typing import Final

EXPIRED: Final = "expired"
BLOCKED: Final = "blocked"
OPTED_OUT: Final = "opted_out"
FREQUENCY_CAP: Final = "frequency_cap"
QUIET_HOURS: Final = "quiet_hours"
TIMELOCK: Final = "timelock"
FIRST_CONTACT_CAP: Final = "first_contact_cap"
WARM_UP: Final = "warm_up"
DAILY_CAP: Final = "daily_cap"
RATE: Final = "rate"
MARKETING_RATE: Final = "marketing_rate"
CHAT_GAP: Final = "chat_gap"

SENTENCES: Final[dict[str, str]] = {
    EXPIRED: "Its `expires_at` passed before it could go.",
    BLOCKED: "The contact is blocked here: nothing is sent to them.",
    OPTED_OUT: "The contact wants no marketing.",
    FREQUENCY_CAP: "The contact has had as much marketing as is allowed in so many days.",
    QUIET_HOURS: "It is night where the contact lives. It goes when the quiet hours end there.",
    TIMELOCK: "WhatsApp refuses new chats from this number for now. Messages to people it has written with go.",
    FIRST_CONTACT_CAP: "This session has written to as many new people today as it may. It goes on tomorrow.",
    WARM_UP: "This phone was linked a short time ago and sends a little more each day. It goes on tomorrow.",
    DAILY_CAP: "This session has sent as many messages today as it may. Replies still go; the rest goes on tomorrow.",
    RATE: "The session sends at a steady pace; this one goes within moments.",
    MARKETING_RATE: "Marketing is sent at a steady pace; this one goes within moments of its turn.",
    CHAT_GAP: "There is a least time between two messages to the same chat.",
}
#: What is not sent at all for these; everything else waits.
SKIPS: Final = frozenset({EXPIRED, BLOCKED, OPTED_OUT, FREQUENCY_CAP})
