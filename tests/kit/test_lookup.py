"""Names whose servers never answer hold nobody up."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from gateway.kit.lookup import NameLookup


async def test_a_name_is_looked_up() -> None:
    [(*_, target), *_] = await NameLookup().find("localhost", 443, socket.AF_INET)

    assert target == ("127.0.0.1", 443)


@pytest.mark.parametrize("name", ["name-that-is-not-there.invalid", "\ud800.example", "a" * 70 + ".example"])
async def test_a_name_that_leads_nowhere_is_an_error_of_the_system(name: str) -> None:
    with pytest.raises(OSError, match=r".*"):
        await NameLookup().find(name, 443)


async def test_a_hundred_names_that_never_answer_delay_nobody() -> None:
    enough = threading.Event()

    def look_up(host: str, *rest: Any, **more: Any) -> Any:
        if host == "dead.example":
            enough.wait(10)
        return socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)

    names = NameLookup(look_up)
    dead = [asyncio.create_task(names.find("dead.example", 80)) for _ in range(100)]

    async with asyncio.timeout(5):
        assert await names.find("well.example", 80)
        await asyncio.to_thread(int)

    assert not any(task.done() for task in dead)
    enough.set()
    await asyncio.gather(*dead)
