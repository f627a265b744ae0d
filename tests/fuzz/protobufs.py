"""Protobufs made up from a seed: every field may hold anything its type allows, and the bytes may be damaged after."""

from __future__ import annotations

import random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

_DEEPEST = 6
_INTS = (0, 1, -1, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63), 2**64 - 1, 1_700_000_000)
_TEXTS = (
    "",
    "a",
    "15550000002",
    "s.whatsapp.net",
    "lid",
    "g.us",
    "status",
    "\x00",
    "\u202e",
    "é" * 300,
    "1" * 5000,
    "😀",
    "15550000002@s.whatsapp.net",
    "900:3@lid",
    "120363000000000001@g.us",
    "status@broadcast",
    "1:99999999999999999999@lid",
    "1:" + "9" * 5000 + "@lid",
    "1:٣@lid",
)
#: Addresses are mostly right, or hardly anything behind them would be reached.
_USERS = ("15550000001", "15550000002", "900", "120363000000000001", "status")
_SERVERS = ("s.whatsapp.net", "lid", "g.us", "broadcast", "newsletter")
_FLOATS = (0.0, -1.0, 1e308, -1e308, float("nan"), float("inf"), float("-inf"), 91.0)
_UNSIGNED_32 = {FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_FIXED32}
_UNSIGNED_64 = {FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64}
_SIGNED_32 = {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_SINT32, FieldDescriptor.TYPE_SFIXED32}


def made_up(kind: Any, chance: random.Random) -> Any:
    """A message of a type, with some of its fields filled in."""
    message = kind()
    _fill(message, chance, 0)
    return message


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The same bytes with some of them changed, cut off or doubled."""
    body = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(body))
        match chance.randrange(4):
            case 0 if at < len(body):
                body[at] = chance.randrange(256)
            case 1:
                del body[at:]
            case 2:
                body[at:at] = chance.randbytes(chance.randint(1, 8))
            case _:
                body[at:at] = body[: chance.randint(0, 64)]
    return bytes(body)


def with_field(message: Any, name: str, chance: random.Random) -> Any:
    """The same message with this field set, whatever else it holds."""
    _set(message, message.DESCRIPTOR.fields_by_name[name], chance, 0)
    return message


def _fill(message: Any, chance: random.Random, depth: int) -> None:
    if message.DESCRIPTOR.name == "JID" and chance.random() < 0.8:
        message.User, message.Server = chance.choice(_USERS), chance.choice(_SERVERS)
        return
    fields = message.DESCRIPTOR.fields
    share = 0.9 if len(fields) < 8 else 4 / len(fields)
    for field in fields:
        if chance.random() < share:
            _set(message, field, chance, depth)


def _set(message: Any, field: Any, chance: random.Random, depth: int) -> None:
    if field.message_type is not None:
        if depth >= _DEEPEST or field.message_type.GetOptions().map_entry:
            return
        there = getattr(message, field.name)
        part = there.add() if field.is_repeated else there
        part.SetInParent()
        _fill(part, chance, depth + 1)
    elif field.is_repeated:
        getattr(message, field.name).extend(_scalar(field, chance) for _ in range(chance.randint(0, 3)))
    else:
        setattr(message, field.name, _scalar(field, chance))


def _scalar(field: Any, chance: random.Random) -> Any:
    if field.enum_type is not None:
        return chance.choice(field.enum_type.values).number
    if field.cpp_type in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return chance.choice(_FLOATS)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return chance.random() < 0.5
    if field.type == FieldDescriptor.TYPE_STRING:
        return chance.choice(_TEXTS)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return chance.randbytes(chance.choice((0, 1, 16, 32, 500)))
    return chance.choice([number for number in _INTS if _fits(field.type, number)])


def _fits(kind: int, number: int) -> bool:
    if kind in _UNSIGNED_32:
        return 0 <= number < 2**32
    if kind in _UNSIGNED_64:
        return 0 <= number < 2**64
    if kind in _SIGNED_32:
        return -(2**31) <= number < 2**31
    return -(2**63) <= number < 2**63
