"""Keeps the classes of waiting messages true: who has written, or was written to, is no stranger any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.chats.models import Chat
from gateway.db.tx import Tx
from gateway.messages.outbox import class_store
from gateway.pacing.classes import REPLY_WINDOW


class Promotion:
    """Called once a chat knows of a message that arrived, so that nothing can be queued for it meanwhile."""

    def __init__(self, *, wake_lane: Callable[[int], None]) -> None:
        self._wake_lane = wake_lane

    def heard(self, tx: Tx, chat: Chat, *, in_before: datetime | None, at: datetime) -> None:
        """They write to us, for the first time in a day: what waits for them may go as an answer."""
        if in_before is None or in_before <= at - REPLY_WINDOW:
            class_store.mark_as_replies(tx, chat)
            tx.after_commit(lambda: self._wake_lane(chat.session_id))

    def written_on_phone(self, tx: Tx, chat: Chat) -> None:
        """Somebody wrote to them by hand for the first time: they are no stranger any more."""
        class_store.mark_as_known(tx, chat)
        tx.after_commit(lambda: self._wake_lane(chat.session_id))
