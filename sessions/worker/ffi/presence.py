"""Functions of the library about who is there and who types."""

from __future__ import annotations

from sessions.worker.ffi.function import Function, Gives, Takes

SEND_CHAT_PRESENCE = Function("SendChatPresence", Gives.TEXT, (Takes.DATA, Takes.NUMBER, Takes.NUMBER))
SEND_PRESENCE = Function("SendPresence", Gives.TEXT, (Takes.TEXT,))
SUBSCRIBE_PRESENCE = Function("SubscribePresence", Gives.TEXT, (Takes.DATA,))

FUNCTIONS = (SEND_CHAT_PRESENCE, SEND_PRESENCE, SUBSCRIBE_PRESENCE)
