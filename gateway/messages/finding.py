"""Gives messages that another slice knows by their ids, as far as the caller may see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.db.tx import Tx
from gateway.messages import store
from gateway.messages.models import Message
from gateway.messages.render import render_message
from gateway.principal import Principal


@dataclass(frozen=True, kw_only=True)
class FoundMessage:
    """A message, and how it looks at the edge."""

    message: Message
    shown: dict[str, object]


def find_messages(tx: Tx, principal: Principal, ids: Sequence[int]) -> list[FoundMessage]:
    """In the order of their ids as given; those that are gone, or another's, are left out."""
    entries = store.list_by_ids(tx, org_id=principal.org_id, message_ids=ids, session_ids=principal.session_ids)
    known = {entry.message.id: entry for entry in entries}
    return [
        FoundMessage(
            message=known[message_id].message,
            shown=render_message(
                known[message_id].message, chat=known[message_id].chat, contact=known[message_id].contact
            ),
        )
        for message_id in ids
        if message_id in known
    ]
