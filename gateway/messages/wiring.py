"""Connects the engine's reports with what the slice does about them."""

from __future__ import annotations

from gateway.fleet.intake import Intake
from gateway.messages.arriving.downloader import Downloader
from gateway.messages.arriving.inbound import Inbound
from gateway.messages.arriving.receipts import Receipts
from gateway.messages.outbox.dispatcher import Dispatcher
from sessions.events import (
    HistoryReceived,
    MessageReceived,
    MessageUndecryptable,
    PushNames,
    ReceiptReceived,
)


def listen(
    intake: Intake, *, inbound: Inbound, receipts: Receipts, dispatcher: Dispatcher, downloader: Downloader
) -> None:
    """Have reports filed, and lanes and downloads woken when a session comes up."""
    intake.register(MessageReceived, inbound.received)
    intake.register(MessageUndecryptable, inbound.undecryptable)
    intake.register(HistoryReceived, inbound.history)
    intake.register(PushNames, inbound.push_names)
    intake.register(ReceiptReceived, receipts.received)
    intake.observe_status(dispatcher.status_changed)
    intake.observe_status(downloader.status_changed)
