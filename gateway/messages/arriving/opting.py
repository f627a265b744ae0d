"""Lets people leave and come back by a word: a whole message that says STOP or START, in many languages."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from gateway.contacts.consents import Consents, Evidence
from gateway.contacts.models import ConsentSource, Contact
from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.ids import render_id
from gateway.messages.models import Direction
from gateway.messages.requests import MessageIn
from gateway.messages.service import Messages
from gateway.messages.store import Entry
from gateway.pacing.words import WholeWords
from gateway.principal import Principal, PrincipalKind
from sessions.content import Text

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Words:
    """What is listened for, and what is answered; an empty answer is not sent."""

    stop: WholeWords
    start: WholeWords
    stop_answer: str
    start_answer: str


class OptingWords:
    """Hears every new message. A word that changes nothing is kept as evidence and not answered."""

    def __init__(self, *, consents: Consents, messages: Messages, words: Words) -> None:
        self._consents = consents
        self._messages = messages
        self._words = words

    def filed(self, tx: Tx, session: Session, entry: Entry) -> None:
        """A message was filed: see whether a person has said the word in a chat with us alone."""
        message, contact = entry.message, entry.contact
        is_said = message.direction == Direction.IN and message.type == "text"
        if contact is None or not is_said or entry.chat.contact_id is None:
            return
        evidence = Evidence(
            source=ConsentSource.KEYWORD, note=message.body[:100], session_id=session.id, message_id=message.id
        )
        if self._words.stop.match(message.body):
            if self._consents.opt_out(tx, contact, evidence):
                self._answer(tx, session, contact, self._words.stop_answer)
        elif self._words.start.match(message.body) and self._consents.opt_in(tx, contact, evidence):
            self._answer(tx, session, contact, self._words.start_answer)

    def _answer(self, tx: Tx, session: Session, contact: Contact, body: str) -> None:
        log.info("consent changed by a word", session_id=render_id("ses", session.id))
        if not body or not session.is_paired:
            return
        request = MessageIn.model_validate(
            {
                "session": render_id("ses", session.id),
                "to": render_id("con", contact.id),
                "type": "text",
                "text": {"body": body},
                "purpose": "reply",
            }
        )
        principal = Principal(org_id=session.org_id, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",))
        self._messages.queue(tx, principal, request, content=Text(body=body), media_id=None)
