"""XEdDSA: signatures with Curve25519 keys, as Signal makes them."""

from __future__ import annotations

import hashlib
import os
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SIGNATURE_SIZE = 64

_PRIME = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_SIGN_BIT = 0x80
_CURVE_D = -121665 * pow(121666, _PRIME - 2, _PRIME) % _PRIME
_ROOT_OF_MINUS_ONE = pow(2, (_PRIME - 1) // 4, _PRIME)
# The prefix that tells the hash of the nonce from every other hash of the scheme: 2^256 - 2, little-endian.
_NONCE_PREFIX = b"\xfe" + b"\xff" * 31

#: A point of the twisted Edwards curve in extended coordinates (X, Y, Z, T).
_Point: TypeAlias = tuple[int, int, int, int]


def sign(private: bytes, message: bytes) -> bytes:
    """Sign with a Curve25519 private key. The signature verifies under the matching Curve25519 public key."""
    scalar = _clamp(private)
    public = _compress(_multiply_base(scalar))
    if public[31] & _SIGN_BIT:
        scalar = -scalar
    scalar %= _ORDER
    public = _without_sign(public)
    nonce = _hash(_NONCE_PREFIX, scalar.to_bytes(32, "little"), message, os.urandom(64))
    commitment = _compress(_multiply_base(nonce))
    challenge = _hash(commitment, public, message)
    return commitment + ((nonce + challenge * scalar) % _ORDER).to_bytes(32, "little")


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature was made over the message with the private half of this Curve25519 key."""
    if len(signature) != SIGNATURE_SIZE or len(public) != 32:
        return False
    montgomery = int.from_bytes(public, "little") & ((1 << 255) - 1)
    if (montgomery + 1) % _PRIME == 0:
        return False
    edwards = (montgomery - 1) * pow(montgomery + 1, _PRIME - 2, _PRIME) % _PRIME
    # libsignal carries the sign of the Edwards point in the free top bit of the signature.
    key = bytearray(edwards.to_bytes(32, "little"))
    key[31] |= signature[63] & _SIGN_BIT
    try:
        Ed25519PublicKey.from_public_bytes(bytes(key)).verify(_without_sign(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % _ORDER


def _clamp(private: bytes) -> int:
    scalar = bytearray(private)
    scalar[0] &= 248
    scalar[31] = scalar[31] & 127 | 64
    return int.from_bytes(scalar, "little")


def _without_sign(value: bytes) -> bytes:
    return value[:-1] + bytes((value[-1] & ~_SIGN_BIT & 0xFF,))


def _recover_x(y: int) -> int:
    square = (y * y - 1) * pow(_CURVE_D * y * y + 1, _PRIME - 2, _PRIME) % _PRIME
    x = pow(square, (_PRIME + 3) // 8, _PRIME)
    if (x * x - square) % _PRIME:
        x = x * _ROOT_OF_MINUS_ONE % _PRIME
    return _PRIME - x if x & 1 else x


def _add(left: _Point, right: _Point) -> _Point:
    a = (left[1] - left[0]) * (right[1] - right[0]) % _PRIME
    b = (left[1] + left[0]) * (right[1] + right[0]) % _PRIME
    c = 2 * left[3] * right[3] * _CURVE_D % _PRIME
    d = 2 * left[2] * right[2] % _PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _PRIME, g * h % _PRIME, f * g % _PRIME, e * h % _PRIME


def _powers_of_base() -> list[_Point]:
    y = 4 * pow(5, _PRIME - 2, _PRIME) % _PRIME
    x = _recover_x(y)
    powers: list[_Point] = [(x, y, 1, x * y % _PRIME)]
    while len(powers) < 256:
        powers.append(_add(powers[-1], powers[-1]))
    return powers


# The base point doubled again and again: halves the cost of a signature, and takes a millisecond to make.
_BASE_POWERS = _powers_of_base()


def _multiply_base(scalar: int) -> _Point:
    total: _Point = (0, 1, 1, 0)
    for power in _BASE_POWERS:
        if scalar & 1:
            total = _add(total, power)
        scalar >>= 1
        if not scalar:
            break
    return total


def _compress(point: _Point) -> bytes:
    inverse = pow(point[2], _PRIME - 2, _PRIME)
    x, y = point[0] * inverse % _PRIME, point[1] * inverse % _PRIME
    return (y | (x & 1) << 255).to_bytes(32, "little")
