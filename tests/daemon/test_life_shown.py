"""A linked session's life and a ban, as the API, the metrics and the event log of a real gateway tell of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.sandbox.rig import Sandbox
from sessions.sandbox.control.client import SandboxClient
from tests.daemon.test_joined import Caller, connected, link

pytestmark = pytest.mark.long


async def test_a_gateway_shows_whether_its_sessions_live_and_what_restricts_them(tmp_path: Path) -> None:
    sandbox = Sandbox(data=tmp_path / "sandbox")
    await sandbox.start()
    caller = Caller(sandbox.rig)
    try:
        async with SandboxClient(url=sandbox.rig.control) as phones:
            await link(caller, phones, sandbox.rig.phones[0].number)
            session = await caller.until("/sessions/line", lambda one: one["liveness"]["last_proof_at"] is not None)
            metrics = await _metrics(sandbox)

            assert session["live"]
            assert session["liveness"]["state"] == "live"
            assert session["restriction"] is None
            assert f'wagate_session_live{{session="{session["id"]}"}} 1.0' in metrics
            assert f'wagate_session_last_proof_age_seconds{{session="{session["id"]}"}}' in metrics
            ban = {"kind": "ban", "number": sandbox.rig.phones[0].number, "code": 101, "expire": 2}
            await phones._call("POST", "/faults", ban)
            banned = await caller.until("/sessions/line", lambda one: one["restriction"] is not None)
            assert (banned["restriction"]["kind"], banned["restriction"]["code"]) == ("temporary_ban", 101)
            assert 'wagate_sessions_restricted{kind="temporary_ban"} 1.0' in await _metrics(sandbox)

            free = await caller.until("/sessions/line", connected, timeout_seconds=45)

            assert free["restriction"] is None
            types = [event["type"] for event in await _events(caller)]
            assert types.index("session.restricted") < types.index("session.unrestricted")
    finally:
        await caller.close()
        await sandbox.stop()


async def _metrics(sandbox: Sandbox) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"{sandbox.rig.gateway}/metrics") as answer:
        return await answer.text()


async def _events(caller: Caller) -> list[dict[str, Any]]:
    page = await caller.call("GET", "/events?types=session.*&limit=200")
    items: list[dict[str, Any]] = page["items"]
    return items
