"""What an endpoint wants to be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.events.interest import Interest
from gateway.events.models import Event
from gateway.webhooks.models import PayloadKind

#: Goes only to the endpoint it is about, whatever that one subscribes to.
TEST_EVENT: Final = "webhook.test"


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """The filters of one endpoint. None means no filter."""

    webhook_id: int
    globs: Sequence[str]
    session_ids: Sequence[int] | None
    chat_kinds: Sequence[str] | None
    payload: PayloadKind = PayloadKind.FULL

    def asks_for_chat(self, event: Event) -> bool:
        """Whether the answer of :meth:`wants` depends on what kind of chat the event is about."""
        return self.chat_kinds is not None and event.chat_id is not None

    def wants(self, event: Event, chat_kind: str | None) -> bool:
        """Whether the endpoint is told of the event. A chat of which nothing is known passes.

        No endpoint is told how it fares itself: it would be one more failure.
        """
        if event.subject_type == "webhook" and event.subject_id == self.webhook_id:
            return event.type == TEST_EVENT
        if event.type == TEST_EVENT:
            return False
        if self.chat_kinds is not None and not self._passes_chat(event, chat_kind):
            return False
        return Interest.of(org_id=event.org_id, globs=self.globs, session_ids=self.session_ids).covers(event)

    def _passes_chat(self, event: Event, chat_kind: str | None) -> bool:
        if event.chat_id is None:
            return True
        return chat_kind is None or chat_kind in (self.chat_kinds or ())


def strand_of(event: Event) -> int:
    """What deliveries are kept in order by: the chat, else the session, else what the event is about.

    Ids of different kinds differ, being made by one generator; should two meet, they merely wait for each other.
    """
    return event.chat_id or event.session_id or event.subject_id
