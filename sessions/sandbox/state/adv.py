"""The signed statements that make a companion device part of an account (WhatsApp's ADV)."""

from __future__ import annotations

import time
from typing import Any

from google.protobuf.message import DecodeError

from sessions.protobuf import load
from sessions.sandbox.crypto import xeddsa
from sessions.sandbox.crypto.keys import authenticate
from sessions.sandbox.state.directory import Account, DeviceRecord

_ACCOUNT_SIGNATURE = b"\x06\x00"
_DEVICE_SIGNATURE = b"\x06\x01"
_KEY_INDEX_LIST = b"\x06\x02"


class DeviceSignatureError(ValueError):
    """The companion has not signed the identity that it was given."""


def _proto() -> Any:
    return load("waAdv.WAAdv_pb2")


def sign_identity(account: Account, record: DeviceRecord) -> bytes:
    """What the phone signs for a new companion: ADVSignedDeviceIdentity without the companion's own signature."""
    proto = _proto()
    details = proto.ADVDeviceIdentity(
        rawID=account.record.raw_id,
        timestamp=int(time.time()),
        keyIndex=record.key_index,
        accountType=proto.ADVEncryptionType.Value("E2EE"),
        deviceType=proto.ADVEncryptionType.Value("E2EE"),
    ).SerializeToString()
    identity = proto.ADVSignedDeviceIdentity(
        details=details,
        accountSignatureKey=account.identity.public,
        accountSignature=account.identity.sign(_ACCOUNT_SIGNATURE + details + record.identity_key),
    )
    return bytes(identity.SerializeToString())


def seal_identity(signed_identity: bytes, adv_secret: bytes) -> bytes:
    """Wrap a signed identity so that only who showed the QR code can accept it."""
    wrapped = _proto().ADVSignedDeviceIdentityHMAC(
        details=signed_identity, HMAC=authenticate(adv_secret, signed_identity)
    )
    return bytes(wrapped.SerializeToString())


def accept_answer(account: Account, record: DeviceRecord, answer: bytes) -> bytes:
    """Check the companion's signature; return the identity signed by both sides.

    The companion leaves the account's key out of its answer; it is put back in.
    """
    proto = _proto()
    try:
        answered = proto.ADVSignedDeviceIdentity.FromString(answer)
    except DecodeError as error:
        raise DeviceSignatureError("the companion's answer cannot be read") from error
    offered = proto.ADVSignedDeviceIdentity.FromString(record.signed_identity)
    signed = _DEVICE_SIGNATURE + offered.details + record.identity_key + offered.accountSignatureKey
    if answered.details != offered.details or answered.accountSignature != offered.accountSignature:
        raise DeviceSignatureError("the companion answered with another identity")
    if not xeddsa.verify(record.identity_key, signed, answered.deviceSignature):
        raise DeviceSignatureError("the companion's signature does not verify")
    offered.deviceSignature = answered.deviceSignature
    return bytes(offered.SerializeToString())


def key_index_list(account: Account) -> bytes:
    """The account's signed list of companions that are valid now."""
    proto = _proto()
    details = proto.ADVKeyIndexList(
        rawID=account.record.raw_id,
        timestamp=account.record.devices_at,
        currentIndex=account.record.key_index,
        validIndexes=[0, *(device.record.key_index for device in account.companions)],
        accountType=proto.ADVEncryptionType.Value("E2EE"),
    ).SerializeToString()
    signed = proto.ADVSignedKeyIndexList(
        details=details,
        accountSignatureKey=account.identity.public,
        accountSignature=account.identity.sign(_KEY_INDEX_LIST + details),
    )
    return bytes(signed.SerializeToString())
