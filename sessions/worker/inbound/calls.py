"""Reads incoming calls."""

from __future__ import annotations

from typing import Any

from sessions.events import CallReceived, Event
from sessions.protobuf import load
from sessions.worker.inbound.context import Reading
from sessions.worker.jids import address, text

_neonize: Any = load("Neonize_pb2")


def read_offer(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.CallOffer.FromString(data)
    video = any(text(node.Tag) == "video" for node in event.data.Nodes)
    return [_call(event.basicCallMeta, "offer", video=video)]


def read_offer_notice(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.CallOfferNotice.FromString(data)
    return [_call(event.basicCallMeta, "offer", video=text(event.media) == "video")]


def read_accept(data: bytes, reading: Reading) -> list[Event]:
    return [_call(_neonize.CallAccept.FromString(data).basicCallMeta, "accept")]


def read_terminate(data: bytes, reading: Reading) -> list[Event]:
    event = _neonize.CallTerminate.FromString(data)
    return [_call(event.basicCallMeta, "terminate", reason=text(event.reason))]


def _call(meta: Any, phase: str, *, video: bool = False, reason: str = "") -> CallReceived:
    return CallReceived(
        call_id=text(meta.callID),
        caller=address(meta.callCreator, meta.callCreatorAlt),
        phase=phase,
        video=video,
        timestamp=float(meta.timestamp),
        reason=reason,
    )
