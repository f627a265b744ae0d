"""The small tables and pure functions that sending stands on."""

from __future__ import annotations

import random
from itertools import pairwise

import msgspec
import pytest

from gateway.kit.errors import ConflictError
from gateway.messages.codec import body_of, decode_content, encode_content
from gateway.messages.models import Message
from gateway.messages.outbox.outcomes import MOST_ATTEMPTS, Fate, backoff, judge
from gateway.messages.schemas import MessageOut
from gateway.messages.states import STEPS, MessageState, demand_step, may_follow
from sessions.address import Address, Jid
from sessions.content import (
    Audio,
    ContactCard,
    Contacts,
    Content,
    Image,
    Location,
    MessageKey,
    OutgoingFile,
    Poll,
    Reaction,
    RemoteFile,
    Text,
)
from sessions.errors import SessionError, by_code
from tests.pictures import assert_shows, read_picture

ANNA = Address.of(Jid.from_phone("+4915110000002"), Jid("77001", "lid"))
REMOTE = RemoteFile(
    direct_path="/v/1", media_key=b"\x00\xff" * 16, sha256=b"s" * 32, encrypted_sha256=b"e" * 32, size=3, mimetype="image/jpeg"
)  # fmt: skip


def test_every_state_has_its_steps() -> None:
    assert set(STEPS) == set(MessageState)


def test_receipts_only_lead_forward() -> None:
    order = [MessageState.SENT, MessageState.DELIVERED, MessageState.READ, MessageState.PLAYED]
    for earlier, later in pairwise(order):
        assert may_follow(earlier, later)
        assert not may_follow(later, earlier)
    assert may_follow("sent", "played")


def test_a_receipt_overrules_the_word_of_a_person() -> None:
    assert may_follow("failed", "delivered")
    assert not may_follow("failed", "sent")


def test_the_picture_in_the_documentation_is_the_table() -> None:
    picture = read_picture("message-states.md")

    assert_shows(picture, STEPS)
    assert picture.beginnings == {"scheduled", "queued", "received"}


def test_a_step_that_does_not_exist_is_a_conflict() -> None:
    with pytest.raises(ConflictError) as refused:
        demand_step("sent", "queued")

    assert refused.value.code == "message_state_conflict"


@pytest.mark.parametrize("error", [error() for error in by_code().values()], ids=lambda error: error.code)
def test_no_error_that_may_have_reached_the_wire_leads_to_a_second_try(error: SessionError) -> None:
    judgement = judge(error, attempts=1, chance=random.Random(1))

    if error.wire == "maybe":
        assert judgement.fate is Fate.LOOK
    if judgement.fate in (Fate.AGAIN, Fate.WAIT):
        assert error.wire == "no" or error.code == "whatsapp_busy"


def test_tries_end() -> None:
    busy = by_code()["whatsapp_busy"]()

    assert judge(busy, attempts=MOST_ATTEMPTS - 1, chance=random.Random(1)).fate is Fate.AGAIN
    assert judge(busy, attempts=MOST_ATTEMPTS, chance=random.Random(1)).fate is Fate.FAIL


def test_waits_grow_up_to_a_limit() -> None:
    chance = random.Random(1)
    waits = [backoff(attempts, 60, 3600, chance) for attempts in range(1, 12)]

    assert 48 <= waits[0] <= 72
    assert 96 <= waits[1] <= 144
    assert max(waits) <= 3600 * 1.2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (Text(body="hello"), "hello"),
        (Image(file=REMOTE, caption="look"), "look"),
        (Audio(file=REMOTE, voice=True), ""),
        (Location(latitude=52, longitude=13, name="Shop", address="Main street"), "Shop Main street"),
        (Contacts(cards=(ContactCard(name="Ben", vcard="BEGIN:VCARD"),)), "Ben"),
        (Poll(question="When?", options=("now", "later")), "When?"),
        (Reaction(target=MessageKey(chat=ANNA, wa_id="A", from_me=True), emoji="👍"), "👍"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_content_survives_the_column_and_shows_its_words(content: Content, words: str) -> None:
    stored = msgspec.json.decode(msgspec.json.encode(encode_content(content)))

    assert decode_content(stored) == content
    assert body_of(content) == words


def test_a_file_of_ours_is_stored_without_its_path() -> None:
    file = OutgoingFile(path="/data/media/x", size=3, mimetype="image/png", sha256="s", thumbnail=b"t")

    stored = encode_content(Image(file=file))

    assert "/data/media/x" not in msgspec.json.encode(stored).decode()
    assert stored["file"]["thumbnail"] is None


def test_secrets_are_never_shown() -> None:
    shown = set(MessageOut.model_fields)
    assert not shown & {"secret", "content", "media_key", "claimed_by"}
    assert "secret" in Message.__table__.columns
