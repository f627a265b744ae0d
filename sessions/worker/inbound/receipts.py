"""Reads receipts: who has, read or played which messages."""

from __future__ import annotations

from typing import Any

from sessions.events import Event, ReceiptKind, ReceiptReceived
from sessions.protobuf import load
from sessions.worker.inbound.context import Reading
from sessions.worker.jids import address, text

_Receipt: Any = load("Neonize_pb2").Receipt

_KINDS = {
    _Receipt.DELIVERED: ReceiptKind.DELIVERED,
    _Receipt.INACTIVE: ReceiptKind.DELIVERED,  # delivered to a device that nobody looks at
    _Receipt.SENDER: ReceiptKind.SENDER,
    _Receipt.RETRY: ReceiptKind.RETRY,
    _Receipt.READ: ReceiptKind.READ,
    _Receipt.READ_SELF: ReceiptKind.READ_BY_SELF,
    _Receipt.PLAYED: ReceiptKind.PLAYED,
    _Receipt.PLAYED_SELF: ReceiptKind.PLAYED_BY_SELF,
    # The engine has these two mixed up: it reports "played on another device of ours" under this name, and dies of
    # what the name says.
    _Receipt.SERVER_ERROR: ReceiptKind.PLAYED_BY_SELF,
}


def read_receipt(data: bytes, reading: Reading) -> list[Event]:
    event = _Receipt.FromString(data)
    source = event.MessageSource
    by = address(source.Sender, source.SenderAlt)
    if source.IsGroup or address(source.Chat).other is not None:
        chat = address(source.Chat)
    else:
        chat = address(source.Chat, source.RecipientAlt if source.IsFromMe else source.SenderAlt)
    return [
        ReceiptReceived(
            chat=chat,
            by=by,
            wa_ids=tuple(text(wa_id) for wa_id in event.MessageIDs),
            receipt=_KINDS.get(event.Type, ReceiptKind.OTHER),
            timestamp=float(event.Timestamp),
        )
    ]
