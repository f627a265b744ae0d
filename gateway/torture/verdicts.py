"""What became of everything that customers sent: held against the phones and against the gateway's own event log."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.torture.contract import Claim
from gateway.torture.customers import Customer
from gateway.torture.world import World, until

SETTLE_SECONDS = 5.0
#: How long nothing but doubt is looked at.
DOUBT_SECONDS = 10.0
_MOVING = "queued,scheduled,sending,sent"
_FEW = 200
_CATCH_UP_SECONDS = 600.0
_ENDED = frozenset({"delivered", "read", "played"})
_PAGE = 200
_EVENTS_PAGE = 500


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The accounts of a whole run, once nothing moves any more."""

    accepted: dict[str, str]
    sent: dict[str, list[str]]  #: text -> ids of the messages that the gateway has with it
    states: dict[str, str]  #: id -> state
    reached: list[tuple[str, str, float]]  #: phone, text, when
    events: list[dict[str, Any]]

    @property
    def counts(self) -> Counter[str]:
        """How many messages ended in each state."""
        return Counter(self.states.values())

    def states_of(self, text: str) -> set[str]:
        """Where the messages with this text ended."""
        return {self.states[found] for found in self.sent.get(text, [])}

    def is_in_doubt(self, text: str) -> bool:
        """Whether the gateway says that it does not know."""
        return "uncertain" in self.states_of(text)


async def outgoing_claims(
    world: World,
    customers: Sequence[Customer],
    *,
    kills: Sequence[float],
    lost_receipts: float = 0.0,
    patience_seconds: float = 60.0,
) -> list[Claim]:
    """The promises about outgoing messages. ``kills`` are the times of the kills, seconds since 1970.

    ``lost_receipts``: how many receipts may be lost, where workers are killed: the engine acknowledges them first.
    """
    await until_quiet(world, patience_seconds)
    ledger = await _read(world, customers)
    reached = Counter(text for _, text, _ in ledger.reached)
    ids = [found for texts in ledger.sent.values() for found in texts]
    doubts = _doubts(ledger, kills)
    silent = [text for text in ledger.accepted if text not in reached and not ledger.is_in_doubt(text)]
    repeats, changed = sum(one.repeats for one in customers), sum(one.changed_ids for one in customers)
    return [
        Claim(name="accepted messages", measured=len(ledger.accepted), note=f"{repeats} requests had to be repeated"),
        Claim(name="neither at the phone nor uncertain", measured=len(silent), at_most=0, note=_first(silent)),
        Claim(name="reached the phone twice", measured=sum(reached.values()) - len(reached), at_most=0),
        Claim(name="keys that made two messages", measured=len(ids) - len(ledger.sent) + changed, at_most=0),
        Claim(name="overtaken in their chat", measured=_overtaken(ledger), at_most=0),
        Claim(name="most uncertain of one kill and session", measured=max(doubts.values(), default=0), at_most=1),
        *_doubt_claims(ledger, reached, doubts, lost_receipts),
    ]


def _doubt_claims(
    ledger: Ledger, reached: Counter[str], doubts: Counter[tuple[int, str]], lost_receipts: float
) -> list[Claim]:
    """What became of the uncertain ones, and what else did not end as delivered."""
    unheard = [text for text in reached if not ledger.states_of(text) & _ENDED]
    held = [text for text in ledger.accepted if text not in reached and ledger.is_in_doubt(text)]
    others = sum(count for state, count in ledger.counts.items() if state not in {*_ENDED, "uncertain", "sent"})
    return [
        Claim(name="uncertain in all", measured=sum(doubts.values())),
        Claim(name="of these never sent, rightly held back", measured=len(held)),
        Claim(
            name="longest from a receipt to its settling",
            measured=max(settling_times(ledger), default=0.0),
            unit="s",
            at_most=SETTLE_SECONDS,
        ),
        Claim(
            name="at the phone, its receipt lost", measured=len(unheard), at_most=lost_receipts, note=_first(unheard)
        ),
        Claim(name="ended in any other way", measured=others, at_most=0, note=_told(ledger.counts)),
    ]


async def until_quiet(world: World, patience_seconds: float) -> None:
    """Wait until no message is on its way any more, but not for ever: what hangs is then counted as such.

    What is uncertain may stay so, hence is only waited for while there is still movement.
    """
    deadline = time.monotonic() + patience_seconds
    previous = None
    while time.monotonic() < deadline:
        waiting = await world.ask(f"/messages?direction=out&state={_MOVING},uncertain&limit=200")
        if waiting is not None and not waiting["items"]:
            return
        # Lists begin with the newest, and what is newest moves last: what was delivered last tells of movement, too.
        moved = (_ids(waiting), _ids(await world.ask("/messages?direction=out&state=delivered&limit=1")))
        if moved != previous:
            previous, deadline = moved, time.monotonic() + patience_seconds
        elif waiting is not None and all(message["state"] == "uncertain" for message in waiting["items"]):
            deadline = min(deadline, time.monotonic() + DOUBT_SECONDS)
        await asyncio.sleep(0.2)


async def until_caught_up(world: World) -> None:
    """Wait until only a few messages wait, so that the next kill finds the gateway at work and not far behind."""

    async def is_caught_up() -> bool:
        page = await world.ask(f"/messages?direction=out&state=queued&limit={_FEW}")
        return page is not None and page["next"] is None

    await until(is_caught_up, what="end of the backlog", timeout_seconds=_CATCH_UP_SECONDS)


def _ids(page: Any) -> list[str]:
    return [] if page is None else [message["id"] for message in page["items"]]


async def _read(world: World, customers: Sequence[Customer]) -> Ledger:
    accepted = {text: found for customer in customers for text, found in customer.accepted.items()}
    sent: dict[str, list[str]] = {}
    states: dict[str, str] = {}
    for message in await world.every(f"/messages?direction=out&limit={_PAGE}"):
        sent.setdefault(message["text"]["body"], []).append(message["id"])
        states[message["id"]] = message["state"]
    events = await world.every(f"/events?types=message.status,session.status&limit={_EVENTS_PAGE}")
    return Ledger(accepted=accepted, sent=sent, states=states, reached=await _reached(world, customers), events=events)


async def _reached(world: World, customers: Sequence[Customer]) -> list[tuple[str, str, float]]:
    lines = {customer.line.number for customer in customers}
    found = []
    for phone in sorted({phone for customer in customers for phone in customer.recipients}):
        page = await world.client.control("GET", f"/phones/{phone}/messages?limit=100000")
        found += [(phone, one["text"]["body"], _time(one["at"])) for one in page["items"] if one["from"] in lines]
    return found


def _overtaken(ledger: Ledger) -> int:
    """Messages that reached a phone behind one that the gateway had accepted later, in the same chat."""
    newest: dict[tuple[str, str], str] = {}
    overtaken = 0
    for phone, text, _ in ledger.reached:
        message_id = ledger.sent.get(text, [""])[0]
        chat = (phone, text.rpartition(" ")[0])
        overtaken += message_id < newest.get(chat, "")
        newest[chat] = max(newest.get(chat, ""), message_id)
    return overtaken


def _doubts(ledger: Ledger, kills: Sequence[float]) -> Counter[tuple[int, str]]:
    """How many messages became uncertain, by the number of the kill before it and the session."""
    doubts: Counter[tuple[int, str]] = Counter()
    for event in _statuses(ledger, {"uncertain"}):
        kill = sum(at <= _time(event["at"]) for at in kills)
        doubts[kill, event["session"]] += 1
    return doubts


def settling_times(ledger: Ledger) -> list[float]:
    """For each message that was uncertain: from when its receipt could be heard to the end of the doubt.

    A gateway hears nothing before it connects; receipts that waited can be handled before `connected` is recorded.
    """
    arrived = {text: at for _, text, at in reversed(ledger.reached)}
    attempts: dict[str, list[float]] = {}
    for event in ledger.events:
        if event["type"] == "session.status" and event["data"]["status"] == "connecting":
            attempts.setdefault(event["session"], []).append(_time(event["at"]))
    doubted = {event["subject"]["id"]: _time(event["at"]) for event in _statuses(ledger, {"uncertain"})}
    times = []
    for event in _statuses(ledger, _ENDED):
        since = doubted.pop(event["subject"]["id"], None)
        if since is not None:
            settled = _time(event["at"])
            connecting = max((at for at in attempts.get(event["session"], []) if at <= settled), default=0.0)
            reached = arrived.get(event["data"]["text"]["body"], settled)
            times.append(settled - max(since, connecting, reached))
    return times


def _statuses(ledger: Ledger, states: set[str] | frozenset[str]) -> list[dict[str, Any]]:
    return [event for event in ledger.events if event["type"] == "message.status" and event["data"]["state"] in states]


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _first(texts: Sequence[str]) -> str:
    return f"the first: {texts[0]}" if texts else ""


def _told(states: Counter[str]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
