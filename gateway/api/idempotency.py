"""Idempotency-Key: a repeated call gets the stored answer instead of happening again.

The answer is stored in the very transaction of the effect (``call.remember``), so a crash leaves both or neither, and
a repeat after it either replays or happens for the first time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import msgspec
from aiohttp import web

from gateway.api import store
from gateway.api.answering import encode, respond, status_of
from gateway.api.route import Answer, Call, Remembering, Route
from gateway.db.tx import Database, Tx
from gateway.kit.clock import Clock
from gateway.kit.errors import ConflictError, FieldError, InvalidError
from sessions.crash import CrashPoint, crash_point

HEADER: Final = "Idempotency-Key"
KEPT: Final = timedelta(hours=24)
_LONGEST_KEY: Final = 255
SWEEP_AT_ONCE: Final = 1000


class Idempotency:
    """Keeps answers for a day, or as long as it is told, per organization, caller, operation and key.

    Only what happened is kept. A refusal changed nothing, so a repeat is judged anew: whoever sends an order again under
    its own key, once the phone is linked, means that order and not yesterday's refusal.
    """

    def __init__(self, *, database: Database, clock: Clock, keep: timedelta = KEPT) -> None:
        self._database = database
        self._clock = clock
        self._keep = keep
        self._running: set[bytes] = set()

    def attempt(self, route: Route, call: Call, raw: bytes) -> Attempt:
        """Prepare one call that came with a key."""
        key = call.request.headers[HEADER]
        if not 1 <= len(key) <= _LONGEST_KEY or not key.isascii() or not key.isprintable():
            raise InvalidError(
                "The Idempotency-Key must be 1 to 255 printable ASCII characters.",
                code="idempotency_key_invalid",
                fields=(FieldError(path=HEADER, problem="1 to 255 printable ASCII characters"),),
            )
        return Attempt(
            route=route,
            org_id=call.caller.org_id,
            slot=_slot(route, call, key),
            fingerprint=_fingerprint(call.request, raw),
            database=self._database,
            clock=self._clock,
            keep=self._keep,
            running=self._running,
        )

    async def sweep(self) -> int:
        """Forget answers whose time is over; give how many went."""
        now = self._clock.now()
        return await self._database.write(lambda tx: store.drop_old_answers(tx, now=now, limit=SWEEP_AT_ONCE))


class Attempt(Remembering):
    """One call with a key: replayed, refused, or done and remembered."""

    def __init__(
        self,
        *,
        route: Route,
        org_id: int,
        slot: bytes,
        fingerprint: bytes,
        database: Database,
        clock: Clock,
        keep: timedelta,
        running: set[bytes],
    ) -> None:
        self._route = route
        self._org_id = org_id
        self._slot = slot
        self._fingerprint = fingerprint
        self._database = database
        self._clock = clock
        self._keep = keep
        self._running = running
        self._remembered = False
        self._is_slot_stale = False
        self._earlier: store.StoredAnswer | None = None

    async def run(self, handle: Callable[[Remembering], Awaitable[Any]]) -> web.StreamResponse:
        """Answer from the store, or let the handler answer and remember it."""
        if self._slot in self._running:
            raise _in_progress()
        self._running.add(self._slot)
        try:
            self._earlier = await self._stored()
            if self._earlier is not None and not self._route.raw_body:
                return self._replay(self._earlier)
            return await self._answer(handle)
        except _RepeatedError as repeated:
            return self._replay(repeated.stored)
        except store.SlotTakenError as error:
            raise _in_progress() from error
        finally:
            self._running.discard(self._slot)

    def remember(self, tx: Tx, answer: object) -> None:
        """Store the answer within the transaction of its effect."""
        now = self._clock.now()
        body = answer.body if isinstance(answer, Answer) else answer
        if self._is_slot_stale:
            store.empty_slot(tx, org_id=self._org_id, slot=self._slot, now=now)
        answer_row = store.NewAnswer(
            org_id=self._org_id,
            slot=self._slot,
            operation=self._route.operation,
            fingerprint=self._fingerprint,
            status=status_of(self._route, answer),
            body=b"" if body is None else encode(body),
            created_at=now,
            expires_at=now + self._keep,
        )
        store.store_answer(tx, answer_row)
        self._remembered = True

    def body_is(self, digest: bytes) -> None:
        """Learn what a body was that only its handler has read; ends the handler where this is a repeat."""
        self._fingerprint = hashlib.sha256(self._fingerprint + digest).digest()
        if self._earlier is not None:
            raise _RepeatedError(self._earlier)

    def remember_part(self, tx: Tx, name: str, outcome: object) -> None:
        """Store one step's outcome within its own transaction."""
        now, slot = self._clock.now(), self._part(name)
        store.empty_slot(tx, org_id=self._org_id, slot=slot, now=now)
        part = store.NewAnswer(
            org_id=self._org_id,
            slot=slot,
            operation=self._route.operation,
            fingerprint=self._fingerprint,
            status=self._route.status,
            body=encode(outcome),
            created_at=now,
            expires_at=now + self._keep,
        )
        store.store_answer(tx, part)

    async def recall_part(self, name: str) -> Any:
        """The outcome of a step, if it was done; raises when the key was used for another request."""
        slot = self._part(name)
        found = await self._database.read(lambda tx: store.find_answer(tx, org_id=self._org_id, slot=slot))
        if found is None or found.expires_at <= self._clock.now():
            return None
        if found.fingerprint != self._fingerprint:
            raise _reused()
        return msgspec.json.decode(found.body)

    def _part(self, name: str) -> bytes:
        return hashlib.sha256(self._slot + name.encode()).digest()

    async def _stored(self) -> store.StoredAnswer | None:
        found = await self._database.read(lambda tx: store.find_answer(tx, org_id=self._org_id, slot=self._slot))
        self._is_slot_stale = found is not None and found.expires_at <= self._clock.now()
        return None if self._is_slot_stale else found

    async def _answer(self, handle: Callable[[Remembering], Awaitable[Any]]) -> web.StreamResponse:
        answer = await handle(self)
        crash_point(CrashPoint.API_COMMITTED)
        response = respond(self._route, answer)
        if not self._remembered and not isinstance(answer, web.StreamResponse) and response.status < 300:
            await self._database.write(lambda tx: self.remember(tx, answer))
        return response

    def _replay(self, stored: store.StoredAnswer) -> web.Response:
        if stored.fingerprint != self._fingerprint:
            raise _reused()
        return web.Response(
            status=stored.status,
            body=stored.body or None,
            content_type="application/json" if stored.body else None,
            charset="utf-8" if stored.body else None,
            headers={"Idempotency-Replayed": "true"},
        )


class _RepeatedError(Exception):
    """The handler of a repeat need not go on."""

    def __init__(self, stored: store.StoredAnswer) -> None:
        super().__init__("answered before")
        self.stored = stored


def _slot(route: Route, call: Call, key: str) -> bytes:
    caller = call.caller
    named = f"{caller.org_id}\n{caller.kind}\n{caller.subject_id}\n{route.operation}\n{key}"
    return hashlib.sha256(named.encode()).digest()


def _fingerprint(request: web.Request, raw: bytes) -> bytes:
    digest = hashlib.sha256(f"{request.method} {request.raw_path}\n".encode())
    digest.update(raw)
    return digest.digest()


def _reused() -> InvalidError:
    return InvalidError(
        "This Idempotency-Key was used for another request. Use a new key for a new request.",
        code="idempotency_key_reused",
        fields=(FieldError(path=HEADER, problem="Used before, with another body"),),
    )


def _in_progress() -> ConflictError:
    return ConflictError(
        "A request with this Idempotency-Key is still running.",
        code="idempotency_in_progress",
        retry_after_seconds=1.0,
    )
