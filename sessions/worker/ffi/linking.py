"""Functions of the library about the tie between a session and its phone."""

from __future__ import annotations

from sessions.worker.ffi.function import Function, Gives, Takes

PAIR_PHONE = Function("PairPhone", Gives.MESSAGE, (Takes.DATA,))
LOG_OUT = Function("Logout", Gives.TEXT)

FUNCTIONS = (PAIR_PHONE, LOG_OUT)
