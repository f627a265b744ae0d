"""The three latencies a customer feels: linking a phone, sending, being answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from gateway.bench.bare import accepted_and_settled, http_round_trips, stored_and_pushed
from gateway.bench.client import BenchError, Client
from gateway.bench.figures import Figure, latency_figures, percentile
from gateway.bench.receiver import Connections, Receiver

#: The same load, not measured: what is done for the first time (statements, connections, modules) is done by then.
WARM_UP_SECONDS = 2


def number(index: int) -> str:
    """A virtual phone's number for the benchmark; the range is reserved for fiction."""
    return f"1555010{index:04d}"


async def new_phone(client: Client, index: int) -> str:
    await client.control("POST", "/phones", {"number": number(index), "name": f"Bench {index}"})
    return number(index)


async def linked_session(client: Client, index: int) -> str:
    """A session linked to a phone of its own, connected. Gives the session's name."""
    phone = await new_phone(client, index)
    name = f"bench-{index}"
    await client.api("POST", "/sessions", {"name": name})
    await client.link(name, phone)
    await client.until_status(name, "connected")
    return name


async def pairing(client: Client, *, count: int) -> list[Figure]:
    """From the QR code on the screen, scanned at once, to ``connected``."""
    async with Receiver() as receiver:
        connections = Connections(receiver)
        await connections.subscribe(client)
        samples = [await _pair(client, connections, index) for index in range(count)]
    bare = await http_round_trips(50)
    seconds = percentile(samples, 0.95)
    note = f"{count} pairings, p50 {percentile(samples, 0.5):.2f} s, max {max(samples):.2f} s"
    return [
        Figure(
            name="QR shown to connected p95",
            value=seconds,
            unit="s",
            target=2.0,
            bare=2 * percentile(bare, 0.95),
            bare_name="two empty HTTP round trips",
            note=note,
        )
    ]


async def _pair(client: Client, connections: Connections, index: int) -> float:
    phone = await new_phone(client, 1000 + index)
    name = f"pair-{index}"
    await client.api("POST", "/sessions", {"name": name})
    code = await client.qr(name)
    shown = time.perf_counter()
    await client.control("POST", f"/phones/{phone}/scan", {"qr": code})
    connected = await connections.until([name])
    await client.api("DELETE", f"/sessions/{name}")
    return connected - shown


async def sending(client: Client, folder: Path, *, per_second: int, seconds: int) -> list[Figure]:
    """From the POST leaving the client to the message ``sent``, told by the webhook."""
    session = await linked_session(client, 1)
    recipient = await new_phone(client, 2)
    async with Receiver() as receiver:
        await client.api("POST", "/webhooks", {"url": receiver.url, "events": ["message.status"]})
        await _first_message(client, session, recipient, receiver)
        await _send_steadily(client, session, recipient, receiver, per_second, WARM_UP_SECONDS)
        samples = await _send_steadily(client, session, recipient, receiver, per_second, seconds)
    bare = await accepted_and_settled(folder, 200)
    return latency_figures(
        f"POST to sent at {per_second}/s",
        samples,
        bare=bare,
        bare_name="empty POST + two durable commits",
        p50_target=30,
        p99_target=150,
    )


async def _first_message(client: Client, session: str, recipient: str, receiver: Receiver) -> None:
    """The first message to a new contact costs three more questions to WhatsApp; that is not what is measured."""
    message = {"session": session, "to": f"+{recipient}", "type": "text", "text": {"body": "warm-up"}}
    await client.api("POST", "/messages", message)
    await _state_of_next(receiver, "sent")


async def _state_of_next(receiver: Receiver, state: str) -> str:
    async with asyncio.timeout(30):
        while True:
            _, event = await receiver.arrivals.get()
            if event["data"]["state"] == state:
                return str(event["data"]["id"])


async def _send_steadily(
    client: Client, session: str, recipient: str, receiver: Receiver, per_second: int, seconds: int
) -> list[float]:
    begun: dict[str, float] = {}

    async def post(index: int) -> None:
        await _post_one(client, session, recipient, f"bench-{seconds}-{index}", begun)

    posts = asyncio.create_task(_steadily(post, per_second, seconds))
    return await _until_all_sent(receiver, begun, per_second * seconds, posts)


async def _steadily(act: Callable[[int], Coroutine[Any, Any, None]], per_second: int, seconds: int) -> None:
    """Act at a steady rate, whether or not earlier acts have ended: whoever is slow is not given more time."""
    start = time.perf_counter()
    acts = []
    for index in range(per_second * seconds):
        await asyncio.sleep(max(0.0, start + index / per_second - time.perf_counter()))
        acts.append(asyncio.create_task(act(index)))
    await asyncio.gather(*acts)


async def _post_one(client: Client, session: str, recipient: str, reference: str, begun: dict[str, float]) -> None:
    begun[reference] = time.perf_counter()
    await client.api(
        "POST",
        "/messages",
        {
            "session": session,
            "to": f"+{recipient}",
            "type": "text",
            "text": {"body": f"message {reference}"},
            "client_ref": reference,
        },
    )


async def _until_all_sent(
    receiver: Receiver, begun: dict[str, float], expected: int, posts: asyncio.Task[None]
) -> list[float]:
    samples: dict[str, float] = {}
    async with asyncio.timeout(120):
        while len(samples) < expected:
            arrived, event = await receiver.arrivals.get()
            reference = event["data"].get("client_ref")
            if reference in begun and event["data"]["state"] == "sent":
                samples.setdefault(reference, arrived - begun[reference])
        await posts
    return list(samples.values())


async def receiving(client: Client, folder: Path, *, per_second: int, seconds: int) -> list[Figure]:
    """From the phone's send to the arrival at the webhook, over five phones writing to one session."""
    session = await linked_session(client, 3)
    senders = [await new_phone(client, 10 + index) for index in range(5)]
    async with Receiver() as receiver:
        await client.api("POST", "/webhooks", {"url": receiver.url, "events": ["message.received"]})
        for sender in senders:
            await _say(client, sender, number(3), "first", {})
        await _bodies(receiver, {"first"}, len(senders))
        await _hear_steadily(client, senders, receiver, per_second, WARM_UP_SECONDS)
        samples = await _hear_steadily(client, senders, receiver, per_second, seconds)
    await client.api("DELETE", f"/sessions/{session}")
    bare = await stored_and_pushed(folder, 200)
    return latency_figures(
        f"phone to webhook at {per_second}/s",
        samples,
        bare=bare,
        bare_name="durable commit + empty POST",
        p50_target=30,
        p99_target=150,
    )


async def _say(client: Client, sender: str, to: str, body: str, begun: dict[str, float]) -> None:
    begun[body] = time.perf_counter()
    await client.control("POST", f"/phones/{sender}/messages", {"to": to, "type": "text", "text": {"body": body}})


async def _hear_steadily(
    client: Client, senders: list[str], receiver: Receiver, per_second: int, seconds: int
) -> list[float]:
    begun: dict[str, float] = {}

    async def say(index: int) -> None:
        await _say(client, senders[index % len(senders)], number(3), f"note {seconds} {index}", begun)

    talk = asyncio.create_task(_steadily(say, per_second, seconds))
    samples = await _arrivals(receiver, begun, per_second * seconds)
    await talk
    return samples


async def _bodies(receiver: Receiver, bodies: set[str], count: int) -> None:
    async with asyncio.timeout(30):
        seen = 0
        while seen < count:
            _, event = await receiver.arrivals.get()
            seen += event["data"]["text"]["body"] in bodies


async def _arrivals(receiver: Receiver, begun: dict[str, float], expected: int) -> list[float]:
    samples: dict[str, float] = {}
    try:
        async with asyncio.timeout(120):
            while len(samples) < expected:
                arrived, event = await receiver.arrivals.get()
                body = event["data"]["text"]["body"]
                if body in begun:
                    samples.setdefault(body, arrived - begun[body])
    except TimeoutError as error:
        raise BenchError(f"only {len(samples)} of {expected} messages reached the webhook") from error
    return list(samples.values())
