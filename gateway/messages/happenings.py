"""What happened to a message after it was sent, as it is shown."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.db.tx import Tx
from gateway.kit.ids import render_id
from gateway.kit.times import render_time
from gateway.messages import answer_store, store
from gateway.messages.codec import decode_content
from gateway.messages.models import MessageReceipt
from gateway.messages.render import render_doer, render_receipts
from gateway.messages.service import Messages
from gateway.messages.states import MessageState
from gateway.messages.tally import tally
from gateway.principal import Principal

_RECEIPT_KINDS = (MessageState.DELIVERED, MessageState.READ, MessageState.PLAYED)


def show_happenings(tx: Tx, messages: Messages, principal: Principal, message_id: int) -> dict[str, object]:
    """Receipts, reactions, votes, the pin and earlier versions; raise MessageNotFoundError."""
    message = messages.get(tx, principal, message_id).message
    which = {"org_id": principal.org_id, "message_id": message_id}
    receipts = _in_order(store.list_receipts(tx, **which))
    reactions = store.list_reactions(tx, **which)
    answers = answer_store.list_answers(tx, **which)
    pin = answer_store.find_pin(tx, **which)
    parts = answer_store.parts_of_album(tx, org_id=principal.org_id, album_id=message_id)
    voters = {row.author_id for row in answers}
    authors = voters | {row.author_id for row in reactions} | ({pin.author_id} if pin is not None else set())
    doers = answer_store.doers(tx, org_id=principal.org_id, contact_ids=authors)
    return {
        "results": tally(decode_content(message.content), answers),
        "people": [render_doer(contact) for one, contact in sorted(doers.items()) if one in voters],
        "pinned_until": render_time(pin.until) if pin is not None else None,
        "pinned_by": render_doer(doers.get(pin.author_id)) if pin is not None else None,
        "album": [render_id("msg", part_id) for part_id in parts],
        "receipts": render_receipts(receipts, messages.people(tx, principal, receipts)),
        "reactions": [
            {
                "by": render_id("con", row.author_id) if row.author_id else None,
                "who": render_doer(doers.get(row.author_id)),
                "emoji": row.emoji,
                "at": render_time(row.at),
            }
            for row in reactions
        ],
        "versions": [
            {"body": row.body, "replaced_at": render_time(row.replaced_at)} for row in store.list_versions(tx, **which)
        ],
    }


def _in_order(receipts: Sequence[MessageReceipt]) -> list[MessageReceipt]:
    """By time, and within a second in the only order in which they can have happened."""
    return sorted(receipts, key=lambda receipt: (receipt.at, _RECEIPT_KINDS.index(receipt.kind)))
