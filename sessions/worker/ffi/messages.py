"""Functions of the library about messages."""

from __future__ import annotations

from sessions.worker.ffi.function import Function, Gives, Takes

SEND_MESSAGE = Function("SendMessage", Gives.MESSAGE, (Takes.DATA, Takes.DATA))
MARK_READ = Function("MarkRead", Gives.TEXT, (Takes.TEXT, Takes.NUMBER, Takes.DATA, Takes.DATA, Takes.TEXT))

FUNCTIONS = (SEND_MESSAGE, MARK_READ)
