"""The few protobuf messages of the Signal protocol, which no library here describes: numbers and byte strings only."""

from __future__ import annotations

from collections.abc import Mapping

_VARINT = 0
_LENGTH_DELIMITED = 2
_LONGEST_VARINT_BITS = 70


class MalformedFieldsError(ValueError):
    """The bytes are not a message of numbers and byte strings."""


def encode_fields(fields: Mapping[int, int | bytes | None]) -> bytes:
    """Write the fields in the order given; a field of None is left out."""
    out = bytearray()
    for number, value in fields.items():
        if value is None:
            continue
        if isinstance(value, int):
            out += _varint(number << 3 | _VARINT) + _varint(value)
        else:
            out += _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(value)) + value
    return bytes(out)


def decode_fields(data: bytes) -> dict[int, int | bytes]:
    """Read numbers and byte strings by field number; the last one wins, as protobuf says."""
    fields: dict[int, int | bytes] = {}
    position = 0
    while position < len(data):
        key, position = _read_varint(data, position)
        value, position = _read_varint(data, position)
        if key & 7 == _VARINT:
            fields[key >> 3] = value
        elif key & 7 == _LENGTH_DELIMITED and position + value <= len(data):
            fields[key >> 3] = data[position : position + value]
            position += value
        else:
            raise MalformedFieldsError("neither a number nor a byte string")
    return fields


def bytes_field(fields: Mapping[int, int | bytes], number: int) -> bytes:
    """A byte string that must be there."""
    value = fields.get(number)
    if not isinstance(value, bytes):
        raise MalformedFieldsError(f"field {number} is missing")
    return value


def number_field(fields: Mapping[int, int | bytes], number: int, default: int | None = None) -> int:
    """A number, or the default where the sender left it out; without a default it must be there."""
    value = fields.get(number, default)
    if not isinstance(value, int):
        raise MalformedFieldsError(f"field {number} is missing")
    return value


def _varint(value: int) -> bytes:
    if value < 0:
        raise MalformedFieldsError("negative numbers have no place here")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift < _LONGEST_VARINT_BITS:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise MalformedFieldsError("cut off in the middle of a number")
