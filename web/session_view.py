"""How a session reads for a person: a word for its status, a tone, and the one thing to do next."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
import phonenumbers

from gateway.events.models import Event
from gateway.fleet.models import Desired, Session
from gateway.fleet.render import render_reason, render_restriction, session_id
from gateway.kit.times import from_epoch
from sessions.liveness import Liveness, LivenessState
from sessions.status import SessionStatus

_WORDS: dict[str, tuple[str, str]] = {
    SessionStatus.STOPPED: ("Stopped", "calm"),
    SessionStatus.STARTING: ("Starting", "busy"),
    SessionStatus.PAIRING: ("Waiting for a scan", "busy"),
    SessionStatus.CONNECTING: ("Connecting", "busy"),
    SessionStatus.CONNECTED: ("Connected", "good"),
    SessionStatus.RECONNECTING: ("Reconnecting", "busy"),
    SessionStatus.LOGGED_OUT: ("Unlinked", "bad"),
    SessionStatus.BANNED: ("Banned by WhatsApp", "bad"),
    SessionStatus.REPLACED: ("Runs elsewhere", "bad"),
    SessionStatus.OUTDATED: ("Gateway too old", "bad"),
    SessionStatus.PASSKEY_REQUIRED: ("Passkey needed", "bad"),
    SessionStatus.FAILED: ("Failed", "bad"),
}


_LIFE_WORDS: dict[LivenessState, tuple[str, str]] = {
    LivenessState.LIVE: ("Alive", "good"),
    LivenessState.DEGRADED: ("WhatsApp does not answer", "busy"),
    LivenessState.DEAF: ("Hears nothing, being restarted", "busy"),
}

_HAPPENINGS = {
    "session.degraded": "Connected, but without a sign of life",
    "session.recovered": "Alive again",
    "session.restricted": "New chats refused by WhatsApp",
    "session.unrestricted": "Restriction ended",
    "session.created": "Session created",
    "session.paired": "Phone linked",
    "session.qr": "QR code shown",
    "session.deleted": "Session deleted",
    "message.queued": "Message queued",
    "message.received": "Message received",
    "message.sent": "Message sent from the phone",
    "message.status": "Message now",
    "message.edited": "Message edited",
    "message.revoked": "Message deleted for everyone",
    "message.reaction": "Reaction",
    "media.available": "File received",
    "media.failed": "File could not be fetched",
}


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a connected session is alive, in words."""

    word: str
    tone: str
    proved_at: datetime | None
    heard_at: datetime | None
    answer_ms: int | None


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """One session as pages show it."""

    id: str
    name: str
    word: str
    tone: str  #: good, busy, bad or calm
    paired: bool
    desired: str
    phone: str | None
    push_name: str | None
    platform: str | None
    reason: str | None
    until: datetime | None
    connected_at: datetime | None
    created_at: datetime
    restriction: str | None  #: what WhatsApp does not let it do, in a sentence
    restricted_until: datetime | None
    life: Life | None  #: None while it is not connected
    may_start: bool
    may_restart: bool
    may_stop: bool
    connected: bool


def view(session: Session, liveness: Liveness | None = None) -> SessionView:
    """The session in words; without ``liveness`` nothing is said of its life."""
    word, tone = _WORDS[session.status]
    if session.status == SessionStatus.STOPPED and not session.is_paired:
        word = "No phone linked"
    if session.status == SessionStatus.CONNECTED and not session.live:
        word, tone = "Connected, but silent", "busy"
    reason = render_reason(session.reason)
    restriction = render_restriction(session)
    waits_for_end = session.status == SessionStatus.BANNED and session.restricted_until is not None
    running = session.desired == Desired.RUN and tone != "bad"
    return SessionView(
        id=session_id(session),
        name=session.name,
        word=word,
        tone=tone,
        paired=session.is_paired,
        desired=session.desired,
        phone=spoken_phone(session.phone),
        push_name=session.push_name,
        platform=session.platform,
        reason=reason["sentence"] if reason and restriction is None else None,
        until=session.until,
        connected_at=session.connected_at,
        created_at=session.created_at,
        restriction=str(restriction["sentence"]) if restriction is not None else None,
        restricted_until=session.restricted_until or session.timelocked_until,
        life=_life(liveness) if liveness is not None else None,
        may_start=session.is_paired and not waits_for_end and (not running or session.status == SessionStatus.STOPPED),
        may_restart=session.is_paired and not waits_for_end,
        may_stop=session.is_paired and running,
        connected=session.status == SessionStatus.CONNECTED,
    )


def _life(liveness: Liveness) -> Life | None:
    if liveness.state not in _LIFE_WORDS:
        return None
    word, tone = _LIFE_WORDS[liveness.state]
    return Life(
        word=word,
        tone=tone,
        proved_at=_moment(liveness.last_proof_at),
        heard_at=_moment(liveness.last_frame_at),
        answer_ms=None if liveness.probe_ms is None else max(1, round(liveness.probe_ms)),
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else from_epoch(seconds)


def happenings(events: Iterable[Event]) -> list[tuple[datetime, str]]:
    """Lines for events, newest first; of the same thing in a row only the newest, so that codes do not fill the page."""
    lines: list[tuple[datetime, str]] = []
    for event in events:
        line = happening(event)
        if not lines or lines[-1][1] != line[1]:
            lines.append(line)
    return lines


def spoken_phone(phone: str | None) -> str | None:
    """A number with the spaces that people of its country put there."""
    if phone is None:
        return None
    return phonenumbers.format_number(phonenumbers.parse(phone), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def happening(event: Event) -> tuple[datetime, str]:
    """One event of a session as a line: when, and what in words. What a message says is not told here."""
    if event.type == "session.status" or _says_what_the_status_says(event):
        return event.at, _WORDS[event.data["status"]][0]
    words = _HAPPENINGS.get(event.type, event.type)
    return event.at, f"{words} {event.data['state']}" if event.type == "message.status" else words


def _says_what_the_status_says(event: Event) -> bool:
    return event.type == "session.restricted" and event.data["restriction"]["scope"] == "all"
