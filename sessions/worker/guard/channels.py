"""Guarded calls about channels."""

from __future__ import annotations

import re
from typing import Any

from sessions.address import Address, AddressKind, Jid
from sessions.channels import LAST_VIEWABLE_ID, Channel, Post
from sessions.errors import EngineUnsupportedError, InvalidRequestError, RecipientUnknownError
from sessions.protobuf import load
from sessions.worker import jids
from sessions.worker.ffi import channels as ffi
from sessions.worker.guard import bounds
from sessions.worker.guard.handle import Handle
from sessions.worker.inbound.channels import read_channel, read_post
from sessions.worker.inbound.context import Reading

_neonize: Any = load("Neonize_pb2")

MAX_POSTS = 100
MAX_NAME, MAX_DESCRIPTION = 100, 2048
MAX_PICTURE_BYTES = 5 * 1024 * 1024
_MAX_SERVER_ID = 2**31 - 1
_MAX_EMOJI_BYTES = 64
_INVITE = re.compile(r"[A-Za-z0-9_-]{6,64}")
#: What WhatsApp wants to be agreed to before a channel is opened.
_TERMS = (b"20601218", b"5")
_NOT_FOUND = re.compile(r"graphql error: 404|info query returned status 404")


def followed(handle: Handle) -> list[Channel]:
    handle.gate.check_connected()
    answer = _neonize.GetSubscribedNewslettersReturnFunction.FromString(handle.call(ffi.FOLLOWED))
    _raise_for(answer.Error)
    return [read_channel(found) for found in answer.Newsletter]


def info(handle: Handle, channel: Jid) -> Channel:
    handle.gate.check_connected()
    return _one(handle.call(ffi.INFO, jids.encode(_channel(channel))))


def info_of_invite(handle: Handle, invite: str) -> Channel:
    handle.gate.check_connected()
    if not _INVITE.fullmatch(invite):
        raise InvalidRequestError("This is not the code of an invitation.")
    return _one(handle.call(ffi.INFO_OF_INVITE, invite.encode()))


def create(handle: Handle, name: str, description: str, jpeg: bytes) -> Channel:
    handle.gate.check_connected()
    if not 0 < len(name) <= MAX_NAME or len(description) > MAX_DESCRIPTION or len(jpeg) > MAX_PICTURE_BYTES:
        raise InvalidRequestError("The name, the description or the picture is too long, or there is no name.")
    _raise_for(handle.call(ffi.ACCEPT_TERMS, *_TERMS))
    wanted = _neonize.CreateNewsletterParams(Name=name, Description=description, Picture=jpeg)
    return _one(handle.call(ffi.CREATE, wanted.SerializeToString()))


def follow(handle: Handle, channel: Jid, *, follows: bool) -> None:
    handle.gate.check_connected()
    function = ffi.FOLLOW if follows else ffi.UNFOLLOW
    _raise_for(handle.call(function, jids.encode(_channel(channel))))


def mute(handle: Handle, channel: Jid, *, muted: bool) -> None:
    handle.gate.check_connected()
    _raise_for(handle.call(ffi.TOGGLE_MUTE, jids.encode(_channel(channel)), muted))


def posts(handle: Handle, channel: Jid, *, count: int, before: int) -> list[Post]:
    """The newest first, as WhatsApp gives them the oldest first."""
    handle.gate.check_connected()
    if not 0 < count <= MAX_POSTS or not 0 <= before <= _MAX_SERVER_ID:
        raise InvalidRequestError("Too many posts at once, or no such post.")
    raw = handle.call(ffi.MESSAGES, jids.encode(_channel(channel)), count, before)
    answer = _neonize.GetNewsletterMessageUpdateReturnFunction.FromString(raw)
    _raise_for(answer.Error)
    reading = Reading(me=Address.of(handle.gate.me))
    found = [read_post(message, Address.of(channel), reading) for message in answer.NewsletterMessage]
    return sorted(found, key=lambda post: post.server_id, reverse=True)


def react(handle: Handle, channel: Jid, server_id: int, emoji: str) -> None:
    handle.gate.check_connected()
    text = emoji.encode()
    if not 0 < server_id <= _MAX_SERVER_ID or len(text) > _MAX_EMOJI_BYTES or b"\x00" in text:
        raise InvalidRequestError("This is not an emoji, or there is no such post.")
    _raise_for(handle.call(ffi.REACT, jids.encode(_channel(channel)), server_id, text, b""))


def mark_viewed(handle: Handle, channel: Jid, server_ids: tuple[int, ...]) -> None:
    handle.gate.check_connected()
    if not 0 < len(server_ids) <= MAX_POSTS or not all(0 < one <= _MAX_SERVER_ID for one in server_ids):
        raise InvalidRequestError("Too many posts at once, or no such post.")
    if any(one > LAST_VIEWABLE_ID for one in server_ids):
        raise EngineUnsupportedError("The engine cannot say that a post after the first 255 ids was seen.")
    _raise_for(handle.call(ffi.MARK_VIEWED, jids.encode(_channel(channel)), bytes(server_ids)))


def watch(handle: Handle, channel: Jid) -> float:
    """For how many seconds WhatsApp will tell of views and reactions."""
    handle.gate.check_connected()
    raw = handle.call(ffi.WATCH, jids.encode(_channel(channel)))
    answer = _neonize.NewsletterSubscribeLiveUpdatesReturnFunction.FromString(raw)
    _raise_for(answer.Error)
    return float(answer.Duration) / 1_000_000_000


def _one(raw: bytes) -> Channel:
    answer = _neonize.CreateNewsLetterReturnFunction.FromString(raw)
    _raise_for(answer.Error)
    if not answer.HasField("NewsletterMetadata"):
        raise RecipientUnknownError("There is no such channel.")
    return read_channel(answer.NewsletterMetadata)


def _channel(jid: Jid) -> Jid:
    if jid.kind is not AddressKind.NEWSLETTER or not jid.user.isdecimal():
        raise InvalidRequestError("This is not the address of a channel.")
    return jid


def _raise_for(error: str | bytes) -> None:
    if error and _NOT_FOUND.search(jids.text(error)):
        raise RecipientUnknownError("There is no such channel.")
    bounds.raise_for(error)
