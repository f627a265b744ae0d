"""Commands about the tie between a session and its phone."""

from __future__ import annotations

from sessions.commands.base import Command, Result


class RequestPairCode(Command, frozen=True, tag="pair_code"):
    """Ask for a code to type on the phone; only while a pairing attempt is on."""

    phone: str


class LogOut(Command, frozen=True, tag="log_out"):
    """Unlink this device at WhatsApp; the key store is empty afterwards."""


class PairCodeIssued(Result, frozen=True, tag="pair_code"):
    code: str  #: XXXX-XXXX


LinkingCommand = RequestPairCode | LogOut
LinkingResult = PairCodeIssued
