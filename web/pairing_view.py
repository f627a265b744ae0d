"""What the pairing page is told of an attempt: enough to draw it, in words a customer understands."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway.fleet.attempt import PairingPhase, PairingState
from gateway.fleet.models import Session
from gateway.fleet.qr import QrDrawing
from sessions.status import Reason, sentence

_NOBODY_WAITED = "This page was away for a while, so the code was withdrawn."

#: For the person with the phone some reasons read differently than for the operator.
_FOR_CUSTOMERS: dict[Reason, tuple[str, str]] = {
    Reason.QR_EXPIRED: (
        "The codes have run out.",
        "Nobody scanned one for a while. Show a new code when you are ready.",
    ),
    Reason.PAIRING_REFUSED: (
        "WhatsApp did not link the phone.",
        "Close WhatsApp on the phone, open it again, and scan a new code.",
    ),
    Reason.WRONG_PHONE: (
        "That was another phone than the one expected here.",
        "Scan a new code with the right phone, or ask whoever sent you this link.",
    ),
    Reason.ALREADY_LINKED: (
        "This phone is already linked here.",
        "There is nothing to do. To link another phone, scan a new code with that one.",
    ),
    Reason.PASSKEY_DEMANDED: (
        "Your WhatsApp account asks for a passkey.",
        "This page cannot answer it yet. On the phone open Settings, Account, Passkeys, turn the passkey off, and scan "
        "a new code.",
    ),
    Reason.CONNECTION_REFUSED: ("WhatsApp cannot be reached just now.", "Wait a minute, then show a new code."),
    Reason.CONNECTION_LOST: (
        "The phone was linked, but WhatsApp has not answered yet.",
        "Leave the phone on. Reload this page in a minute.",
    ),
    Reason.ENGINE_OUTDATED: (
        "WhatsApp wants a newer version of this service.",
        "You cannot do anything about it. Tell whoever sent you this link.",
    ),
    Reason.TEMPORARY_BAN: (
        "WhatsApp has paused this number for a while.",
        "Open WhatsApp on the phone to see how long. Link it when the pause is over.",
    ),
    Reason.ACCOUNT_BANNED: (
        "WhatsApp has banned this number.",
        "Open WhatsApp on the phone to ask for a review.",
    ),
}


class PairingView(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One moment of the page."""

    phase: PairingPhase
    qr_path: str | None = None
    qr_size: int | None = None
    valid_seconds: float | None = None
    seconds_left: float | None = None
    phone_code: str | None = None
    problem: str | None = None
    advice: str | None = None
    phone: str | None = None
    code_text: str | None = None  #: only beside the virtual phones of the sandbox


def view_of(state: PairingState, drawing: QrDrawing | None, *, now: datetime, code_text: str | None) -> PairingView:
    """The attempt as it stands."""
    view = PairingView(phase=state.phase, phone_code=state.phone_code)
    if drawing is not None and state.expires_at is not None:
        view.qr_path = drawing.svg_path()
        view.qr_size = drawing.size
        view.valid_seconds = state.valid_seconds
        left = (state.expires_at - now).total_seconds()
        view.seconds_left = min(max(0.0, left), state.valid_seconds)
        view.code_text = code_text
    if state.phase == PairingPhase.ENDED:
        view.problem, view.advice = explain(state.reason)
    return view


def linked_view(session: Session) -> PairingView:
    """The phone is linked."""
    return PairingView(phase=PairingPhase.CONNECTED, phone=masked(session.phone))


def refused_view(problem: str) -> PairingView:
    """The link stopped working while the page was open."""
    return PairingView(phase=PairingPhase.ENDED, problem=problem, advice="Ask whoever sent you here for a new link.")


def explain(reason: Reason | None) -> tuple[str, str]:
    """What went wrong and what to do about it."""
    if reason is None:
        return _NOBODY_WAITED, "Show a new code when you are ready."
    return _FOR_CUSTOMERS.get(reason, (sentence(reason), "Show a new code and try again."))


def masked(phone: str | None) -> str | None:
    """Enough of a number for its owner to know it."""
    if phone is None:
        return None
    return f"{phone[:3]} ••• {phone[-3:]}"
