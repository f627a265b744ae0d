"""Texts in channels through the gateway and the real engine."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.kit.errors import InvalidError
from sessions.protobuf import load
from tests.messages.test_real_engine import Real, real, whatsapp

pytestmark = pytest.mark.long

__all__ = ["real", "whatsapp"]

e2e: Any = load("waE2E.WAWebProtobufsE2E_pb2")


async def channel_of(real: Real, number: str) -> Any:
    """A channel that this phone has opened."""
    newsletters = real.whatsapp.service.newsletters
    return await newsletters.create(real.whatsapp.phones.get(number).account, "Offers", "", by=None)


async def test_a_text_is_published_in_a_channel_of_ones_own(real: Real) -> None:
    channel = await channel_of(real, real.shop)

    queued = await real.world.queue(to=str(channel.jid), body="Bread from six")
    entry = await real.world.when(queued.message.id, "sent")

    [post] = channel.posts.values()
    assert e2e.Message.FromString(post.body).conversation == "Bread from six"
    assert (entry.chat.kind, entry.message.wa_id, entry.contact) == ("newsletter", post.id, None)
    states = [told.data["state"] for told in await real.world.told("message.status")]
    assert states == ["sent"]
    assert entry.message.secret is not None
    spec = real.world.specs.of(real.session)
    assert await real.world.engine.find_by_secret(spec, entry.message.secret) == post.id


async def test_a_channel_of_somebody_else_takes_nothing(real: Real) -> None:
    channel = await channel_of(real, real.anna)
    await real.whatsapp.service.newsletters.follow(real.whatsapp.phones.get(real.shop).account, channel, by=None)

    queued = await real.world.queue(to=str(channel.jid), body="Mine!")
    entry = await real.world.when(queued.message.id, "failed")

    assert entry.message.error_code == "refused"
    assert channel.posts == {}


async def test_only_texts_go_to_channels(real: Real) -> None:
    channel = await channel_of(real, real.shop)
    place = {"latitude": 1, "longitude": 2}

    with pytest.raises(InvalidError) as refused:
        await real.world.queue(to=str(channel.jid), type="location", text=None, location=place)

    assert refused.value.fields[0].path == "type"
