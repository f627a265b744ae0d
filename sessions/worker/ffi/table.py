"""All functions of the library that we call on a session: a new area adds its own here."""

from __future__ import annotations

from sessions.worker.ffi import account, channels, files, groups, linking, messages, people, presence
from sessions.worker.ffi.function import Function

FUNCTIONS: tuple[Function, ...] = (
    *messages.FUNCTIONS,
    *files.FUNCTIONS,
    *presence.FUNCTIONS,
    *people.FUNCTIONS,
    *groups.FUNCTIONS,
    *linking.FUNCTIONS,
    *account.FUNCTIONS,
    *channels.FUNCTIONS,
)
