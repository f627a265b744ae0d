"""Votes and answers to appointments, which a phone seals under the secret of the message that they are about."""

from __future__ import annotations

import hashlib
import itertools
import secrets
import time
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sessions.address import Jid
from sessions.sandbox.crypto.keys import derive
from sessions.sandbox.phones.reading import E2E
from sessions.sandbox.phones.shown import Json
from sessions.sandbox.state.directory import Account

_WORDS = {1: "going", 2: "not_going", 3: "maybe"}


@dataclass(frozen=True)
class Asked:
    """The poll or appointment that is answered."""

    id: str
    secret: bytes
    author: Account
    options: tuple[str, ...] = ()


def seal_vote(asked: Asked, options: list[str], voter: Account) -> Any:
    """The part of the message that holds a vote."""
    vote = E2E.PollVoteMessage(selectedOptions=[hashlib.sha256(option.encode()).digest() for option in options])
    payload, iv = _seal("Poll Vote", asked, voter, vote.SerializeToString())
    return E2E.PollUpdateMessage(
        vote=E2E.PollEncValue(encPayload=payload, encIV=iv), senderTimestampMS=int(time.time() * 1000)
    )


def seal_reply(asked: Asked, answer: str, guests: int, guest: Account) -> Any:
    """The part of the message that holds an answer to an appointment."""
    number = next(number for number, word in _WORDS.items() if word == answer)
    reply = E2E.EventResponseMessage(response=number, timestampMS=int(time.time() * 1000), extraGuestCount=guests)
    payload, iv = _seal("Event Response", asked, guest, reply.SerializeToString())
    return E2E.EncEventResponseMessage(encPayload=payload, encIV=iv)


def open_vote(asked: Asked, part: Any, by: Account) -> dict[str, Json] | None:
    """What was voted; None where it was sealed for another message."""
    plain = _open("Poll Vote", asked, by, part.vote.encPayload, part.vote.encIV)
    if plain is None:
        return None
    chosen = set(E2E.PollVoteMessage.FromString(plain).selectedOptions)
    options: list[Json] = [one for one in asked.options if hashlib.sha256(one.encode()).digest() in chosen]
    return {"options": options}


def open_reply(asked: Asked, part: Any, by: Account) -> dict[str, Json] | None:
    """What was answered; None where it was sealed for another message."""
    plain = _open("Event Response", asked, by, part.encPayload, part.encIV)
    if plain is None:
        return None
    reply = E2E.EventResponseMessage.FromString(plain)
    return {"answer": _WORDS.get(reply.response), "guests": reply.extraGuestCount}


def _seal(purpose: str, asked: Asked, by: Account, plain: bytes) -> tuple[bytes, bytes]:
    iv = secrets.token_bytes(12)
    return _cipher(purpose, asked, asked.author.lid, by.lid).encrypt(iv, plain, _bound(asked, by.lid)), iv


def _open(purpose: str, asked: Asked, by: Account, payload: bytes, iv: bytes) -> bytes | None:
    for author, other in itertools.product((asked.author.lid, asked.author.pn), (by.lid, by.pn)):
        try:
            return _cipher(purpose, asked, author, other).decrypt(iv, payload, _bound(asked, other))
        except InvalidTag:
            continue
    return None


def _cipher(purpose: str, asked: Asked, author: Jid, by: Jid) -> AESGCM:
    info = b"".join(part.encode() for part in (asked.id, str(author), str(by), purpose))
    return AESGCM(derive(asked.secret, info=info, size=32))


def _bound(asked: Asked, by: Jid) -> bytes:
    return asked.id.encode() + b"\x00" + str(by).encode()
