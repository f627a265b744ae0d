"""A program that was written for Meta's Cloud API works against a linked phone, on the real engine."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from aiohttp import FormData

from tests.journeys.house import House, Line, Phone, Receiver, poll
from tests.media.samples import jpeg

pytestmark = pytest.mark.long


class Bot:
    """Knows an address, a token and a phone number id, as such programs do."""

    def __init__(self, house: House, line: Line) -> None:
        self._http = house.api.http
        self._base = f"{house.api.url}/cloud/v21.0"
        self._line = f"{self._base}/{line.id}"
        self._bearer = {"Authorization": f"Bearer {house.api.key}"}

    async def ask(self, method: str, url: str, **more: Any) -> Any:
        async with self._http.request(method, url, headers=self._bearer, **more) as answer:
            told = await answer.json()
            assert answer.status == 200, told
            return told

    async def send(self, to: Phone, kind: str, part: Any, **more: Any) -> str:
        body = {"messaging_product": "whatsapp", "to": to.number, "type": kind, kind: part, **more}
        answer = await self.ask("POST", f"{self._line}/messages", json=body)
        assert answer["contacts"] == [{"input": to.number, "wa_id": to.number}]
        return str(answer["messages"][0]["id"])

    async def read(self, message_id: str) -> None:
        body = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
        assert await self.ask("POST", f"{self._line}/messages", json=body) == {"success": True}

    async def upload(self, content: bytes) -> str:
        form = FormData({"messaging_product": "whatsapp", "type": "image/jpeg"})
        form.add_field("file", content, filename="view.jpg", content_type="image/jpeg")
        return str((await self.ask("POST", f"{self._line}/media", data=form))["id"])

    async def download(self, media_id: str) -> bytes:
        url = (await self.ask("GET", f"{self._base}/{media_id}"))["url"]
        async with self._http.get(url, headers=self._bearer) as answer:
            assert answer.status == 200
            return await answer.read()


@pytest.fixture
async def bot(house: House, line: Line) -> Bot:
    return Bot(house, line)


@pytest.fixture
async def secret(house: House, line: Line, receiver: Receiver) -> str:
    """The app secret of an endpoint that hears of the line."""
    webhook = {
        "url": receiver.url,
        "sessions": [line.id],
        "payload": "cloud",
        "verify_token": receiver.verify_token,
    }
    return str((await house.api.post("/webhooks", webhook))["secret"])


def values(receiver: Receiver) -> list[dict[str, Any]]:
    return [call.event["entry"][0]["changes"][0]["value"] for call in receiver.calls]


async def hears(receiver: Receiver, kind: str, count: int = 1) -> list[Any]:
    """What the endpoint was told under ``messages`` or ``statuses``, once it is this much."""

    async def look() -> list[Any] | None:
        found = [one for value in values(receiver) for one in value.get(kind, [])]
        return found if len(found) >= count else None

    found: list[Any] = await poll(look)
    assert len(found) == count, found
    return found


def verify(receiver: Receiver, secret: str) -> None:
    """Fail unless every call is signed as Meta signs."""
    for call in receiver.calls:
        digest = hmac.new(secret.encode(), call.raw, hashlib.sha256).hexdigest()
        assert call.headers["x-hub-signature-256"] == f"sha256={digest}"


async def test_a_conversation_goes_to_and_fro(
    house: House, line: Line, bot: Bot, receiver: Receiver, secret: str
) -> None:
    anna = await house.phone("Anna")
    message_id = await bot.send(anna, "text", {"body": "Your bread is ready"}, biz_opaque_callback_data="order-7")
    await line.follow(message_id, "delivered")
    await house.phones.read(anna.number)
    await line.follow(message_id, "read")
    await house.phones.send_text(anna.number, line.phone.number, "Thank you")

    statuses = await hears(receiver, "statuses", 3)
    [message] = await hears(receiver, "messages")
    answer_id = await bot.send(anna, "text", {"body": "Gladly"}, context={"message_id": message["id"]})
    await bot.read(message["id"])
    await line.follow(answer_id, "delivered")

    assert [status["status"] for status in statuses] == ["sent", "delivered", "read"]
    assert {status["id"] for status in statuses} == {message_id}
    assert {status["biz_opaque_callback_data"] for status in statuses} == {"order-7"}
    assert (message["from"], message["text"]) == (anna.number, {"body": "Thank you"})
    about = next(value for value in values(receiver) if "messages" in value)
    assert about["metadata"] == {"display_phone_number": line.phone.number, "phone_number_id": line.id}
    [contact] = about["contacts"]
    assert (contact["profile"], contact["wa_id"]) == ({"name": "Anna"}, anna.number)
    shown = await house.phones.messages(anna.number)
    assert [one["text"]["body"] for one in shown] == ["Your bread is ready", "Gladly"]
    assert shown[1]["quoted"] == "Thank you"
    verify(receiver, secret)


async def test_pictures_go_both_ways(house: House, line: Line, bot: Bot, receiver: Receiver, secret: str) -> None:
    anna, picture = await house.phone("Anna"), jpeg(320, 200)
    sent = await bot.send(anna, "image", {"id": await bot.upload(picture), "caption": "The view"})
    await line.follow(sent, "delivered")
    [shown] = await house.phones.messages(anna.number)
    written = {"base64": base64.b64encode(jpeg(64, 48)).decode(), "mimetype": "image/jpeg", "caption": "Mine"}
    await house.phones.send(anna.number, line.phone.number, "image", image=written)

    [message] = await hears(receiver, "messages")

    assert await house.phones.file(shown["image"]["url"]) == picture
    assert message["image"]["caption"] == "Mine"
    content = await bot.download(message["image"]["id"])
    assert content == jpeg(64, 48)
    assert message["image"]["sha256"] == hashlib.sha256(content).hexdigest()
    verify(receiver, secret)


async def test_an_answer_to_a_choice_is_a_press_of_its_button(
    house: House, line: Line, bot: Bot, receiver: Receiver, secret: str
) -> None:
    anna = await house.phone("Anna")
    buttons = [{"type": "reply", "reply": {"id": name, "title": name.title()}} for name in ("today", "tomorrow")]
    asked = {"type": "button", "body": {"text": "When?"}, "action": {"buttons": buttons}}
    menu = await bot.send(anna, "interactive", asked)
    await line.follow(menu, "delivered")
    await house.phones.send_text(anna.number, line.phone.number, "2")

    [message] = await hears(receiver, "messages")

    assert message["interactive"] == {
        "type": "button_reply",
        "button_reply": {"id": "tomorrow", "title": "Tomorrow"},
    }
    assert message["context"]["id"] == menu
    verify(receiver, secret)
