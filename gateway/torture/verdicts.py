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
from gateway.torture.world import World

SETTLE_SECONDS = 5.0
_ENDED = frozenset({"delivered", "read", "played"})
_PAGE = 200
_EVENTS_PAGE = 500


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The accounts of a whole run, once nothing moves any more."""

    accepted: dict[str, str]
    sent: dict[str, list[str]]  #: text -> ids of the messages that the gateway has with it
    states: Counter[str]
    reached: list[tuple[str, str, float]]  #: phone, text, when
    events: list[dict[str, Any]]


async def outgoing_claims(
    world: World, customers: Sequence[Customer], *, kills: Sequence[float], patience_seconds: float = 120.0
) -> list[Claim]:
    """The promises about outgoing messages. ``kills`` are the times of the kills, seconds since 1970."""
    await _until_quiet(world, patience_seconds)
    ledger = await _read(world, customers)
    reached = Counter(text for _, text, _ in ledger.reached)
    ids = [found for texts in ledger.sent.values() for found in texts]
    doubts = _doubts(ledger, kills)
    slowest = max(_settling_times(ledger), default=0.0)
    lost = [text for text in ledger.accepted if text not in reached]
    ended = sum(count for state, count in ledger.states.items() if state in _ENDED)
    repeats, changed = sum(one.repeats for one in customers), sum(one.changed_ids for one in customers)
    return [
        Claim(name="accepted messages", measured=len(ledger.accepted), note=f"{repeats} requests had to be repeated"),
        Claim(name="accepted, and never reached the phone", measured=len(lost), at_most=0, note=_first(lost)),
        Claim(name="reached the phone twice", measured=sum(reached.values()) - len(reached), at_most=0),
        Claim(name="keys that made two messages", measured=len(ids) - len(ledger.sent) + changed, at_most=0),
        Claim(name="overtaken in their chat", measured=_overtaken(ledger), at_most=0),
        Claim(name="ended as anything but delivered", measured=len(ids) - ended, at_most=0, note=_told(ledger.states)),
        Claim(name="most uncertain of one kill and session", measured=max(doubts.values(), default=0), at_most=1),
        Claim(name="uncertain in all", measured=sum(doubts.values())),
        Claim(name="longest from a receipt to its settling", measured=slowest, unit="s", at_most=SETTLE_SECONDS),
    ]


async def _until_quiet(world: World, patience_seconds: float) -> None:
    """Wait until no message is on its way any more, but not for ever: what hangs is then counted as such."""
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        page = await world.ask("/messages?direction=out&state=queued,scheduled,sending,sent,uncertain&limit=1")
        if page is not None and not page["items"]:
            return
        await asyncio.sleep(0.5)


async def _read(world: World, customers: Sequence[Customer]) -> Ledger:
    accepted = {text: found for customer in customers for text, found in customer.accepted.items()}
    sent: dict[str, list[str]] = {}
    states: Counter[str] = Counter()
    for message in await world.every(f"/messages?direction=out&limit={_PAGE}"):
        sent.setdefault(message["text"]["body"], []).append(message["id"])
        states[message["state"]] += 1
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


def _settling_times(ledger: Ledger) -> list[float]:
    """For each message that was uncertain: from when its receipt could be heard to the end of the doubt."""
    arrived = {text: at for _, text, at in reversed(ledger.reached)}
    connections: dict[str, list[float]] = {}
    for event in ledger.events:
        if event["type"] == "session.status" and event["data"]["status"] == "connected":
            connections.setdefault(event["session"], []).append(_time(event["at"]))
    doubted = {event["subject"]["id"]: _time(event["at"]) for event in _statuses(ledger, {"uncertain"})}
    times = []
    for event in _statuses(ledger, _ENDED):
        since = doubted.pop(event["subject"]["id"], None)
        if since is not None:
            settled = _time(event["at"])
            connected = max((at for at in connections.get(event["session"], []) if at <= settled), default=0.0)
            reached = arrived.get(event["data"]["text"]["body"], settled)
            times.append(settled - max(since, connected, reached))
    return times


def _statuses(ledger: Ledger, states: set[str] | frozenset[str]) -> list[dict[str, Any]]:
    return [event for event in ledger.events if event["type"] == "message.status" and event["data"]["state"] in states]


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _first(texts: Sequence[str]) -> str:
    return f"the first: {texts[0]}" if texts else ""


def _told(states: Counter[str]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
