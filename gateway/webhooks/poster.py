"""One POST to an endpoint, and what came of it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

import msgspec

from gateway.events.models import Event
from gateway.events.schemas import encode_envelope, envelope
from gateway.kit.clock import Clock
from gateway.kit.guard import AddressRefusedError
from gateway.kit.guarded_http import GuardedHttp, GuardedResponse, RequestFailedError
from gateway.kit.ids import render_id
from gateway.webhooks.dialect import Dialect, Dialects
from gateway.webhooks.models import PayloadKind
from gateway.webhooks.retries import is_busy, parse_retry_after
from gateway.webhooks.signing import signature_headers
from gateway.webhooks.target import Target

EXCERPT_BYTES: Final = 1_000
#: Bodies up to this are read to the end, so that the connection can be used again; longer ones are cut off.
_READ_BYTES: Final = 65_536
_SHORTEST_SHARE: Final = 0.85


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one POST. ``error`` is a stable code, None when it was delivered."""

    duration_ms: int
    status: int | None = None
    error: str | None = None
    excerpt: str | None = None
    retry_after_seconds: float | None = None

    @property
    def delivered(self) -> bool:
        return self.error is None

    @property
    def kind(self) -> str:
        """``delivered``, ``refused`` (an answer that says no), ``timed_out`` or ``failed`` (no answer)."""
        if self.delivered:
            return "delivered"
        if self.status is not None:
            return "refused"
        return "timed_out" if self.error == "timeout" else "failed"

    @property
    def busy(self) -> bool:
        """The endpoint says that it is too much at the moment."""
        return self.error == "busy"

    @property
    def gone(self) -> bool:
        """The endpoint says that nothing may be sent there ever again."""
        return self.status == 410


def encode(event: Event, payload: PayloadKind) -> bytes:
    """The body: what every reader of the log gets, or as little of it as tells what to ask for."""
    if payload is PayloadKind.FULL:
        return encode_envelope(event)
    return msgspec.json.encode({name: value for name, value in envelope(event).items() if name != "data"})


class Poster:
    """Signs events and posts them through the guard."""

    def __init__(
        self, *, http: GuardedHttp, clock: Clock, chance: random.Random, timeout_seconds: float, dialects: Dialects
    ) -> None:
        self._http = http
        self._clock = clock
        self._chance = chance
        self._timeout_seconds = timeout_seconds
        self._dialects = dialects

    async def post(self, target: Target, event: Event) -> Outcome:
        """Try once; whatever happens out there is an outcome, not an exception."""
        began = self._clock.monotonic()
        dialect = self._dialects.get(target.payload)
        body = encode(event, target.payload) if dialect is None else await dialect.encode(event)
        headers = self._headers(target, event, body, dialect)
        # Many that began to hang with the same event must not all be given up in the same moment.
        timeout_seconds = self._timeout_seconds * self._chance.uniform(_SHORTEST_SHARE, 1.0)
        try:
            async with self._http.request(
                "POST", target.url, headers=headers, body=body, timeout_seconds=timeout_seconds
            ) as response:
                excerpt = await _excerpt(response)
                return self._judge(response, excerpt, self._since(began))
        except AddressRefusedError as error:
            return Outcome(error=error.code, duration_ms=self._since(began))
        except RequestFailedError as error:
            return Outcome(error=error.code, duration_ms=self._since(began))

    def _headers(self, target: Target, event: Event, body: bytes, dialect: Dialect | None) -> dict[str, str]:
        now = self._clock.now()
        name = render_id("evt", event.id)
        signed = signature_headers(event=name, at=now, body=body, secrets=target.secrets_at(now))
        if dialect is not None:
            signed |= dialect.sign(body=body, secret=target.secret)
        return {**target.headers, "Content-Type": "application/json", **signed}

    def _judge(self, response: GuardedResponse, excerpt: str, duration_ms: int) -> Outcome:
        status = response.status
        retry_after = None
        if is_busy(status):
            retry_after = parse_retry_after(response.headers.get("Retry-After"), now=self._clock.now())
        return Outcome(
            status=status,
            error=_error_of(status),
            duration_ms=duration_ms,
            excerpt=excerpt,
            retry_after_seconds=retry_after,
        )

    def _since(self, began: float) -> int:
        return round((self._clock.monotonic() - began) * 1000)


async def _excerpt(response: GuardedResponse) -> str:
    """The beginning of the answer. The status has been heard: a body that breaks off changes nothing."""
    try:
        body, _ = await response.read(_READ_BYTES)
    except RequestFailedError:
        return ""
    # PostgreSQL takes no NUL in text.
    return body[:EXCERPT_BYTES].decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _error_of(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return "redirected"
    if is_busy(status):
        return "busy"
    return "gone" if status == 410 else "answered_error"
