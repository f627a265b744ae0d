"""Says who is there and who types, and asks for it."""

from __future__ import annotations

from sessions.commands.presence import SetPresence, SetTyping, SubscribePresence
from sessions.worker.commands.area import Area, Desk
from sessions.worker.guard import presence
from sessions.worker.outbound.parts import chat_jid


def set_typing(desk: Desk, command: SetTyping) -> None:
    # Under the LID where there is one, as WhatsApp itself does.
    presence.set_typing(desk.handle, command.chat.primary, command.state)


def set_presence(desk: Desk, command: SetPresence) -> None:
    presence.set_presence(desk.handle, available=command.available)


def subscribe(desk: Desk, command: SubscribePresence) -> None:
    presence.subscribe_presence(desk.handle, chat_jid(command.who))


AREA = Area(does={SetTyping: set_typing, SetPresence: set_presence, SubscribePresence: subscribe})
