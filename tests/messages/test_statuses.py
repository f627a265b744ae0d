"""Statuses through the gateway and the real engine: shown to others, and those of others told as events."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.errors import InvalidError
from gateway.messages.states import MessageState
from sessions.sandbox.phones.writing import OutgoingMessage, TextInput
from tests.media.samples import jpeg
from tests.messages.test_real_engine import Real, real, whatsapp

pytestmark = pytest.mark.long

__all__ = ["real", "whatsapp"]

STATUS = "status@broadcast"


def ignore_statuses(tx: Tx, session_id: int) -> None:
    row = tx.session.get(Session, session_id)
    assert row is not None
    row.settings = {"ignore": {"status": True}}


async def post(real: Real, **fields: Any) -> Any:
    return await real.world.queue(to=STATUS, **fields)


async def test_a_text_and_a_picture_are_shown_to_others(real: Real) -> None:
    picture = {"base64": base64.b64encode(jpeg(40, 30)).decode(), "caption": "fresh"}
    text = await post(real, body="We have bread")
    image = await post(real, type="image", text=None, image=picture)

    await real.world.when(text.message.id, "delivered")
    entry = await real.world.when(image.message.id, "delivered")

    assert (entry.chat.kind, entry.chat.jid, entry.contact) == ("status", STATUS, None)
    shown = [one for one in real.whatsapp.phones.get(real.anna).log if one.chat == STATUS and one.reached]
    assert [one.type for one in shown] == ["text", "image"]
    assert shown[0].fields["text"]["body"] == "We have bread"


async def test_a_status_of_a_contact_is_told_with_its_author(real: Real) -> None:
    phone = real.whatsapp.phones.get(real.anna)
    await phone.send(OutgoingMessage(to=STATUS, type="text", text=TextInput(body="at the sea")))

    [entry] = await real.world.incoming()

    assert (entry.chat.kind, entry.message.body, entry.message.state) == ("status", "at the sea", MessageState.RECEIVED)
    assert entry.contact is not None
    assert entry.contact.phone == real.anna
    assert entry.contact.last_interaction_at is None
    [told] = await real.world.told("message.received")
    assert told.data["from"]["group"] == STATUS


async def test_a_session_that_ignores_statuses_files_none(real: Real) -> None:
    session_id = real.session.id
    await real.world.database.write(lambda tx: ignore_statuses(tx, session_id))
    phone = real.whatsapp.phones.get(real.anna)
    await phone.send(OutgoingMessage(to=STATUS, type="text", text=TextInput(body="at the sea")))
    await real.write(text=TextInput(body="hello"))

    assert [entry.message.body for entry in await real.world.incoming()] == ["hello"]


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("type", {"type": "location", "text": None, "location": {"latitude": 1, "longitude": 2}}),
        ("mentions", {"mentions": ["+4915110000009"]}),
    ],
)
async def test_what_whatsapp_would_not_show_is_refused(real: Real, field: str, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidError) as refused:
        await post(real, **fields)

    assert refused.value.fields[0].path == field
