"""The gate: when messages may go; and the words by which people leave."""

from __future__ import annotations

from gateway.assembly.fleet import Fleet
from gateway.assembly.ground import Ground
from gateway.chats.service import Chats
from gateway.config.pacing import ConsentSection, PaceSection
from gateway.contacts.service import Contacts
from gateway.messages.arriving.opting import Words
from gateway.pacing.gate import Gate
from gateway.pacing.settings import Pace, Paces
from gateway.pacing.words import START_WORDS, STOP_WORDS, WholeWords


def build_gate(ground: Ground, fleet: Fleet, contacts: Contacts, chats: Chats) -> Gate:
    """Build it with the pace that applies where a session says nothing else."""
    return Gate(
        ids=ground.ids,
        chance=ground.chance,
        sessions=fleet.sessions,
        contacts=contacts,
        chats=chats,
        paces=Paces(defaults=_default_pace(ground.config.pace)),
        on_verdict=ground.metrics.gate_judged,
    )


def build_words(chosen: ConsentSection) -> Words | None:
    """What is listened for; None where nobody wants that."""
    if not chosen.keywords:
        return None
    return Words(
        stop=WholeWords([*STOP_WORDS, *chosen.more_stop_words], but=chosen.not_words),
        start=WholeWords([*START_WORDS, *chosen.more_start_words], but=chosen.not_words),
        stop_answer=chosen.stop_answer,
        start_answer=chosen.start_answer,
    )


def _default_pace(chosen: PaceSection) -> Pace:
    return Pace(
        timezone=chosen.timezone,
        per_minute=chosen.per_minute,
        burst=chosen.burst,
        marketing_per_minute=chosen.marketing_per_minute,
        jitter=chosen.jitter,
        chat_gap_seconds=chosen.chat_gap_seconds,
        per_day=chosen.per_day,
        first_contacts_per_day=chosen.first_contacts_per_day,
        warm_up=chosen.warm_up,
        warm_up_plan=chosen.warm_up_plan,
        marketing_per_contact=chosen.marketing_per_contact,
        marketing_days=chosen.marketing_days,
        quiet_hours=chosen.quiet_hours,
        quiet_for=chosen.quiet_for,
        opt_out_for=chosen.opt_out_for,
        typing=chosen.typing,
        typing_characters_per_second=chosen.typing_characters_per_second,
        typing_most_seconds=chosen.typing_most_seconds,
    )
