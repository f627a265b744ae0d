"""Messages of the fake: what is sent is kept, what arrives is told."""

from __future__ import annotations

import time

from sessions.commands.messages import MessageSent, SendMessage
from sessions.content import Content, Envelope, MessageKey, Sent
from sessions.errors import RecipientUnknownError, SessionError
from sessions.events import MessageReceived, ReceiptKind
from sessions.fake.parts import FakeSession
from sessions.fake.world import Answers, FakeWorld


class PlaysMessages:
    """Writes to sessions, and sees what they have sent."""

    _world: FakeWorld

    def incoming(self, session_id: str, sender: str, content: Content, *, wa_id: str | None = None) -> str:
        """The phone ``sender`` writes to the session; return the message's id."""
        phone = self._world.phone(sender)
        wa_id = wa_id or self._world.new_id()
        message = MessageReceived(
            key=MessageKey(chat=phone.address, wa_id=wa_id, from_me=False),
            sender=phone.address,
            push_name=phone.name,
            timestamp=time.time(),
            content=content,
        )
        self._world.report(self._world.sessions[session_id], message)
        return wa_id

    def receipt(self, session_id: str, wa_id: str, kind: ReceiptKind) -> None:
        """The recipient of a message that the session has sent says what happened to it."""
        self._world.receipt(self._world.sessions[session_id], wa_id, kind)

    def fail_next(self, session_id: str, error: SessionError, *, reached_wire: bool = False) -> None:
        """Let the next message of the session end like this; ``reached_wire``: its id is filed all the same."""
        self._world.sessions[session_id].failures.append((error, reached_wire))

    def file_as_sent(self, secret: bytes, wa_id: str) -> None:
        """The key store has it that a message with this secret went out, whoever sent it."""
        self._world.by_secret[secret] = wa_id

    def sent(self, session_id: str) -> list[tuple[Envelope, Sent]]:
        """Every message that the session has sent, in order."""
        return self._world.sessions[session_id].sent


def send(world: FakeWorld, session: FakeSession, command: SendMessage) -> MessageSent:
    envelope = command.envelope
    wa_id = world.new_id()
    error, reached_wire = session.failures.popleft() if session.failures else (None, True)
    chat = envelope.to if envelope.to.other is not None else world.known(envelope.to)
    if chat is None:
        raise RecipientUnknownError
    if reached_wire:
        world.by_secret[envelope.secret] = wa_id
    if error is not None:
        raise error
    assert session.phone is not None
    sent = Sent(wa_id=wa_id, chat=chat, sender=session.phone.address, timestamp=float(int(time.time())))
    session.sent.append((envelope, sent))
    if chat.other is None:
        world.receipt(session, wa_id, ReceiptKind.DELIVERED)
    return MessageSent(sent=sent)


ANSWERS: Answers = {SendMessage: send}
