"""STOP and START: who says the word alone leaves or comes back, and whoever says more is just talking."""

from __future__ import annotations

import pytest

from gateway.contacts.models import ConsentEvent
from gateway.pacing.settings import Pace
from gateway.pacing.words import START_WORDS, STOP_WORDS, WholeWords
from sessions.address import Address, Jid
from sessions.content import MessageKey, Text
from sessions.events import MessageReceived
from tests.messages.world import ANNA, World, name_of
from tests.pacing.conftest import MakeWorld

GROUP = Address.of(Jid.parse("120363000000000001@g.us"))
STOP, START = WholeWords(STOP_WORDS), WholeWords(START_WORDS)


@pytest.mark.parametrize(
    "text",
    [
        *("STOP", "stop", " Stop! ", "*STOP*", "stop 🙏", "“Stop.”", "UNSUBSCRIBE", "Opt-out", "opt out", "CANCEL"),
        *(
            "Abmelden",
            "ARRÊT",
            "arret",
            "Désabonner",
            "Baja",
            "İPTAL",
            "iptal",
            "Стоп",
            "إيقاف",
            "الغاء",
            "退订",
            "停止",
        ),
        *("रोकें", "Sitisha", "ＳＴＯＰ"),
    ],
)
def test_a_word_is_known_however_it_is_written(text: str) -> None:
    assert STOP.match(text)
    assert not START.match(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "please stop by",
            "stop it",
            "don't stop",
            "Stop & Shop opens at 9",
            "non stop",
            "stopped",
            "",
            "🛑",
            "...",
            "START",
        ),
        *("Can I cancel tomorrow?", "सेब", "st op"),
    ],
)
def test_whoever_says_more_is_just_talking(text: str) -> None:
    assert not STOP.match(text)


def test_no_word_means_both() -> None:
    assert [word for word in STOP_WORDS if START.match(word)] == []


def test_a_known_word_can_be_left_out_and_another_added() -> None:
    words = WholeWords([*STOP_WORDS, "Genug"], but=["cancel"])

    assert words.match("genug!")
    assert words.match("stop")
    assert not words.match("Cancel")


async def say(world: World, body: str) -> None:
    before = len(await world.all(direction="in"))
    session = (await world.sessions_all())[0]
    world.engine.incoming(name_of(session), ANNA, Text(body=body))
    await world.incoming(before + 1)


async def answers(world: World) -> list[str]:
    return [entry.message.body for entry in await world.all(direction="out") if entry.message.purpose == "reply"]


async def test_stop_opts_out_with_one_answer_and_start_comes_back(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace(opt_out_for="all"))
    await world.start()
    await say(world, "please stop by")
    assert await world.told("contact.opted_out") == []

    await say(world, "STOP")
    await say(world, "stop!!")

    assert await answers(world) == ["No more."]
    skipped = await world.queue(purpose="marketing")
    assert (await world.when(skipped.message.id, "skipped")).message.reason == "opted_out"
    assert [event.data["source"] for event in await world.told("contact.opted_out")] == ["keyword"]

    await say(world, "Start")

    assert await answers(world) == ["No more.", "Welcome back."]
    await world.when((await world.queue(purpose="marketing")).message.id, "delivered")
    assert len(await world.told("contact.opted_in")) == 1


async def test_every_word_is_kept_as_evidence(any_world_at: MakeWorld) -> None:
    world = await any_world_at(Pace())
    for body in ("Stop.", "STOP", "start", "hello"):
        await say(world, body)

    rows = await world.database.read(lambda tx: tx.session.query(ConsentEvent).order_by(ConsentEvent.id).all())

    assert [(row.consent, row.source, row.note) for row in rows] == [
        ("opted_out", "keyword", "Stop."),
        ("opted_out", "keyword", "STOP"),
        ("opted_in", "keyword", "start"),
    ]
    said = {entry.message.id for entry in await world.all(direction="in")}
    assert {row.message_id for row in rows} < said


async def test_a_word_in_a_group_is_for_the_group(world_at: MakeWorld) -> None:
    world = await world_at(Pace())
    session = (await world.sessions_all())[0]
    anna = world.engine.phone(ANNA).address
    in_group = MessageReceived(
        key=MessageKey(chat=GROUP, wa_id="G1", from_me=False),
        sender=anna,
        push_name="Anna",
        timestamp=world.clock.now().timestamp(),
        content=Text(body="STOP"),
    )

    world.engine.report(name_of(session), in_group)
    await world.incoming()

    assert await world.told("contact.opted_out") == []
