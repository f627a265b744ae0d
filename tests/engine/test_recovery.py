"""A message that the real engine cannot decrypt: told as such, asked for again, and read when it comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sessions.content import Text
from sessions.events import MessageReceived, MessageUndecryptable
from sessions.sandbox.phones.cipher import PhoneCipher
from sessions.sandbox.phones.writing import OutgoingMessage, TextInput
from sessions.sandbox.state.directory import Device
from sessions.sandbox.wire.node import Node
from tests.engine.worlds import RealWorld, link, spec_for


def spoil_first(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    """The first thing that anybody encrypts for a companion of this number is damaged on its way."""
    seal, spoilt = PhoneCipher.seal, []

    async def damaged(self: PhoneCipher, device: Device, message: Any, **more: Any) -> Node | None:
        enc = await seal(self, device, message, **more)
        if enc is None or spoilt or device.is_phone or f"+{device.account.number.removeprefix('+')}" != number:
            return enc
        spoilt.append(device)
        return Node("enc", enc.attrs, enc.data[:-8] + bytes(8))

    monkeypatch.setattr(PhoneCipher, "seal", damaged)


async def test_a_message_that_cannot_be_read_is_told_and_read_when_it_comes_again(
    real: RealWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, other = await real.phone("Ana"), await real.phone("Ben")
    await link(real, spec_for(tmp_path), number)
    phone = real.whatsapp.phones.get(other)
    await real.write(other, "ses_1", number, "before")
    await real.listener.until(lambda: real.listener.texts("ses_1") == ["before"])
    spoil_first(monkeypatch, number)

    sent = await phone.send(OutgoingMessage(to=number, type="text", text=TextInput(body="hello")))

    await real.listener.until(lambda: real.listener.texts("ses_1") == ["before", "hello"])
    [locked] = real.listener.events(MessageUndecryptable)
    read = real.listener.events(MessageReceived)[-1]
    assert locked.key.wa_id == read.key.wa_id == sent.id
    assert locked.sender == read.sender
    assert read.content == Text(body="hello")
