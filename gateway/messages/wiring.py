"""Connects the engine's reports with what the slice does about them."""

from __future__ import annotations

from gateway.fleet.intake import Intake
from gateway.messages.arriving.downloader import Downloader
from gateway.messages.arriving.history import History
from gateway.messages.arriving.inbound import Inbound
from gateway.messages.arriving.receipts import Receipts
from gateway.messages.outbox.control import QueueControl
from gateway.messages.outbox.dispatcher import Dispatcher
from gateway.messages.outbox.doubts import Doubts
from sessions.events import (
    HistoryReceived,
    MessageReceived,
    MessageUndecryptable,
    OfflineSyncCompleted,
    Paired,
    PushNames,
    ReceiptReceived,
)


def listen(
    intake: Intake,
    *,
    inbound: Inbound,
    history: History,
    receipts: Receipts,
    dispatcher: Dispatcher,
    downloader: Downloader,
    doubts: Doubts,
    control: QueueControl,
) -> None:
    """Have reports filed, and lanes and downloads woken when a session comes up."""
    intake.register(MessageReceived, inbound.received)
    intake.register(MessageUndecryptable, inbound.undecryptable)
    intake.register(HistoryReceived, history.received)
    intake.register(PushNames, history.push_names)
    intake.register(ReceiptReceived, receipts.received)
    # After the fleet's own handler: the session's row says by then who is linked.
    intake.register(Paired, control.linked)
    intake.observe(OfflineSyncCompleted, doubts.caught_up)
    intake.observe_status(doubts.status_changed)
    intake.observe_status(dispatcher.status_changed)
    intake.observe_status(downloader.status_changed)
