"""A repeated request to make or change a group is answered from memory, and WhatsApp is not asked again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.groups.conftest import ANNA, BEN, Api

Request = tuple[str, dict[str, Any]]


async def create(api: Api) -> Request:
    return "/groups", {"session": "shop", "subject": "Bread", "participants": [ANNA]}


async def change_participants(api: Api) -> Request:
    made = await api.create(ANNA)
    return f"/groups/{made['id']}/participants", {"action": "add", "participants": [BEN]}


async def revoke_invite(api: Api) -> Request:
    made = await api.create(ANNA)
    return f"/groups/{made['id']}/invite/revoke", {}


async def join(api: Api) -> Request:
    hers = api.world.outside.create(api.world.engine.phone(ANNA).address, "Hers", [])
    return "/groups/join", {"session": "shop", "invite": hers.code}


async def link(api: Api) -> Request:
    community = await api.create(is_community=True)
    group = await api.create(ANNA)
    return f"/groups/{community['id']}/groups", {"group": group["id"]}


@pytest.mark.parametrize("prepare", [create, change_participants, revoke_invite, join, link])
async def test_a_repeat_gets_the_same_answer_and_asks_whatsapp_nothing(api: Api, prepare: Any) -> None:
    path, body = await prepare(api)
    [session_id] = api.world.engine.session_ids
    before = len(api.world.engine.asked(session_id))

    async def call(raw: str) -> tuple[int, str, str | None]:
        headers = {"Idempotency-Key": "once", "Content-Type": "application/json"}
        answer = await api.client.post(f"/api/v1{path}", data=raw, headers=headers)
        return answer.status, await answer.text(), answer.headers.get("Idempotency-Replayed")

    first = await call(json.dumps(body))
    asked = len(api.world.engine.asked(session_id))
    again = await call(json.dumps(body))
    other = await call(json.dumps(body) + " ")

    assert first[0] in (200, 201), first[1]
    assert again == (first[0], first[1], "true")
    assert len(api.world.engine.asked(session_id)) == asked > before
    assert (other[0], "idempotency_key_reused" in other[1]) == (422, True)
