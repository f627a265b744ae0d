"""Looks names up without ever holding anybody up who has nothing to do with the name."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

#: More than the requests to slow endpoints that webhooks have under way, so that some are left for others.
LOOKUPS_AT_A_TIME: Final = 192

#: As ``socket.getaddrinfo`` gives it.
_Found = list[Any]


class NameLookup:
    """Asks the system's resolver, on a thread for each look-up.

    A look-up cannot be called off. Names whose servers never answer would use up the few threads that everybody
    shares, and hold up the end of the process; these threads are nobody else's, and end with it.
    """

    def __init__(self, look_up: Callable[..., Any] = socket.getaddrinfo) -> None:
        self._look_up = look_up
        self._places = asyncio.Semaphore(LOOKUPS_AT_A_TIME)

    async def find(self, host: str, port: int, family: int = socket.AF_UNSPEC) -> _Found:
        """The addresses behind a name, as ``socket.getaddrinfo`` gives them; raises OSError."""
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_Found] = loop.create_future()

        def ask() -> None:
            found: _Found | OSError | UnicodeError
            try:
                found = self._look_up(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
            except (OSError, UnicodeError) as error:
                found = error
            with contextlib.suppress(RuntimeError):  # the loop has ended, and whoever asked with it
                loop.call_soon_threadsafe(self._hand_over, answer, found)

        threading.Thread(target=ask, name="name look-up", daemon=True).start()
        return await answer

    def _hand_over(self, answer: asyncio.Future[_Found], found: _Found | OSError | UnicodeError) -> None:
        self._places.release()
        if answer.done():
            return  # nobody waits any more
        if isinstance(found, UnicodeError):
            answer.set_exception(OSError(None, "not a name"))
        elif isinstance(found, OSError):
            answer.set_exception(found)
        else:
            answer.set_result(found)
