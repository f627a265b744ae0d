"""Keeps the classes of waiting messages true: who has written, or was written to, is no stranger any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.chats.models import Chat
from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.messages.outbox import class_store
from gateway.pacing.classes import REPLY_WINDOW


class Promotion:
    """Asked about every message that arrives, before its chat knows of it; acts on the first one in a day."""

    def __init__(self, *, wake_lane: Callable[[int], None]) -> None:
        self._wake_lane = wake_lane

    def heard(self, tx: Tx, chat: Chat, *, at: datetime) -> None:
        """They write to us: what waits for them may go as an answer."""
        if chat.last_in_at is None or chat.last_in_at <= at - REPLY_WINDOW:
            class_store.mark_as_replies(tx, chat)
            tx.after_commit(lambda: self._wake_lane(chat.session_id))

    def settings_changed(self, tx: Tx, session: Session) -> None:
        """What waits for the old pace may go by the new one."""
        class_store.end_holds_of_gate(tx, org_id=session.org_id, session_id=session.id)
        tx.after_commit(lambda: self._wake_lane(session.id))

    def written_on_phone(self, tx: Tx, chat: Chat) -> None:
        """Somebody wrote to them by hand: they are no stranger any more."""
        if chat.last_in_at is None and chat.last_out_at is None:
            class_store.mark_as_known(tx, chat)
            tx.after_commit(lambda: self._wake_lane(chat.session_id))
