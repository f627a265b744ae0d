"""The sections of ``config.toml`` on pace and consent: what applies to sessions that say nothing else."""

from __future__ import annotations

from pydantic import Field

from gateway.config.sections import Section
from gateway.fleet import pace


class PaceSection(Section):
    """How fast, how often and when sessions write. Each session may have its own, under `settings.pace`."""

    timezone: pace.TimeZone = ""
    per_minute: pace.PerMinute = 0.0
    burst: pace.Burst = 10
    marketing_per_minute: pace.MarketingPerMinute = 20.0
    jitter: pace.Jitter = 0.5
    chat_gap_seconds: pace.ChatGap = 0.0
    per_day: pace.PerDay = 0
    first_contacts_per_day: pace.FirstContactsPerDay = 0
    warm_up: pace.WarmUp = "marketing"
    warm_up_plan: pace.WarmUpPlan = (20, 30, 45, 70, 100, 150, 200, 300, 400, 550, 700, 850, 1000, 1000)
    marketing_per_contact: pace.MarketingPerContact = 0
    marketing_days: pace.MarketingDays = 7
    quiet_hours: pace.QuietHours = ""
    quiet_for: pace.QuietFor = "marketing"
    opt_out_for: pace.OptOutFor = "marketing"
    typing: pace.Typing = False
    typing_characters_per_second: pace.TypingSpeed = 20.0
    typing_most_seconds: pace.TypingMost = 6.0


class ConsentSection(Section):
    """People who leave and come back by a word, such as STOP and START."""

    keywords: bool = Field(
        default=True,
        description="A whole message that is one of the known words of many languages opts its sender out or in.",
    )
    more_stop_words: tuple[str, ...] = Field(default=(), description="Words that opt out, beside the known ones.")
    more_start_words: tuple[str, ...] = Field(default=(), description="Words that opt in, beside the known ones.")
    not_words: tuple[str, ...] = Field(
        default=(), description='Known words that mean something else to your customers, such as ["cancel"].'
    )
    stop_answer: str = Field(
        default="You will get no more marketing messages from us. Send START to get them again.",
        max_length=4096,
        description="Sent once to who has opted out. Empty: nothing.",
    )
    start_answer: str = Field(
        default="You will get our messages again. Send STOP to leave.",
        max_length=4096,
        description="Sent once to who has come back. Empty: nothing.",
    )
