"""The phone's side of app state: it makes the keys, writes patches and reads those of its linked devices."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from dataclasses import dataclass
from typing import Any

import msgspec

from sessions.protobuf import load
from sessions.sandbox.crypto.ciphers import CipherTextError, decrypt_cbc, encrypt_cbc
from sessions.sandbox.crypto.keys import authenticate, derive

_server_sync = load("waServerSync.WAServerSync_pb2")
_sync_action = load("waSyncAction.WAWebProtobufSyncAction_pb2")

HASH_BYTES = 128
_MAC_BYTES = 32
_IV_BYTES = 16
_SET, _REMOVE = 0, 1


@dataclass(frozen=True)
class Mutation:
    """One change that a patch makes: what it is about, and its new value (SyncActionValue)."""

    index: list[str]
    value: Any
    removed: bool = False


class CollectionState(msgspec.Struct):
    """How far the phone has followed one collection."""

    version: int = 0
    hash: bytes = bytes(HASH_BYTES)
    value_macs: dict[bytes, bytes] = {}


class SyncKey(msgspec.Struct, frozen=True):
    """The key that all devices of an account share."""

    id: bytes
    secret: bytes
    created_at: int  #: milliseconds

    @classmethod
    def create(cls) -> SyncKey:
        """A fresh key. The phone's keys have zero as their device number."""
        return cls(b"\x00\x00" + os.urandom(4), os.urandom(32), int(time.time() * 1000))

    def expand(self) -> _Keys:
        """The five keys made from it."""
        material = derive(self.secret, info=b"WhatsApp Mutation Keys", size=160)
        return _Keys(*(material[start : start + 32] for start in range(0, 160, 32)))


@dataclass(frozen=True)
class _Keys:
    index: bytes
    cipher: bytes
    value_mac: bytes
    snapshot_mac: bytes
    patch_mac: bytes


class PatchMismatchError(ValueError):
    """A patch does not follow from the ones before, or was made with another key."""


class Synchroniser:
    """Follows the collections of one account; its `states` are what must be remembered."""

    def __init__(self, *, key: SyncKey, states: dict[str, CollectionState]) -> None:
        self.key = key
        self.states = states
        self._keys = key.expand()

    def version(self, collection: str) -> int:
        """The last version seen."""
        return self._state(collection).version

    def write(self, collection: str, changes: list[tuple[list[str], Any, int]]) -> bytes:
        """A patch that sets values (index, SyncActionValue, action version); it counts once it is applied."""
        patch = _server_sync.SyncdPatch()
        patch.keyID.ID = self.key.id
        for index, value, action_version in changes:
            patch.mutations.append(self._mutation(index, value, action_version))
        state = self._after(collection, patch)
        patch.snapshotMAC = self._snapshot_mac(collection, state)
        patch.patchMAC = self._patch_mac(collection, patch, state.version)
        return bytes(patch.SerializeToString())

    def apply(self, collection: str, data: bytes) -> list[Mutation]:
        """Follow one patch, whoever wrote it, and say what it changes."""
        patch = _server_sync.SyncdPatch.FromString(data)
        state = self._after(collection, patch)
        if self.key.id != patch.keyID.ID:
            raise PatchMismatchError("made with an unknown key")
        if not hmac.compare_digest(patch.snapshotMAC, self._snapshot_mac(collection, state)):
            raise PatchMismatchError("does not follow from the patches before")
        if not hmac.compare_digest(patch.patchMAC, self._patch_mac(collection, patch, state.version)):
            raise PatchMismatchError("is not signed with the account's key")
        changes = [self._read(mutation) for mutation in patch.mutations]
        self.states[collection] = state
        return changes

    def _mutation(self, index: list[str], value: Any, action_version: int) -> Any:
        value.timestamp = int(time.time() * 1000)
        text = json.dumps(index, separators=(",", ":"), ensure_ascii=False).encode()
        action = _sync_action.SyncActionData(index=text, value=value, padding=b"", version=action_version)
        iv = os.urandom(_IV_BYTES)
        secret = iv + encrypt_cbc(self._keys.cipher, iv, action.SerializeToString())
        mutation = _server_sync.SyncdMutation(operation=_SET)
        mutation.record.index.blob = authenticate(self._keys.index, text)
        mutation.record.value.blob = secret + self._value_mac(_SET, secret)
        mutation.record.keyID.ID = self.key.id
        return mutation

    def _read(self, mutation: Any) -> Mutation:
        blob = mutation.record.value.blob
        secret, mac = blob[:-_MAC_BYTES], blob[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._value_mac(mutation.operation, secret)):
            raise PatchMismatchError("a value is not signed with the account's key")
        try:
            plain = decrypt_cbc(self._keys.cipher, secret[:_IV_BYTES], secret[_IV_BYTES:])
        except CipherTextError as error:
            raise PatchMismatchError("a value cannot be decrypted") from error
        action = _sync_action.SyncActionData.FromString(plain)
        return Mutation(json.loads(action.index), action.value, mutation.operation == _REMOVE)

    def _after(self, collection: str, patch: Any) -> CollectionState:
        before = self._state(collection)
        total, value_macs = before.hash, dict(before.value_macs)
        for mutation in patch.mutations:
            index, mac = mutation.record.index.blob, mutation.record.value.blob[-_MAC_BYTES:]
            replaced = value_macs.pop(index, None)
            if replaced is not None:
                total = _combine(total, replaced, sign=-1)
            if mutation.operation == _SET:
                total = _combine(total, mac, sign=1)
                value_macs[index] = mac
        return CollectionState(before.version + 1, total, value_macs)

    def _state(self, collection: str) -> CollectionState:
        return self.states.setdefault(collection, CollectionState())

    def _value_mac(self, operation: int, secret: bytes) -> bytes:
        associated = bytes([operation + 1]) + self.key.id
        parts = associated + secret + len(associated).to_bytes(8, "big")
        return hmac.digest(self._keys.value_mac, parts, hashlib.sha512)[:_MAC_BYTES]

    def _snapshot_mac(self, collection: str, state: CollectionState) -> bytes:
        version = state.version.to_bytes(8, "big")
        return authenticate(self._keys.snapshot_mac, state.hash, version, collection.encode())

    def _patch_mac(self, collection: str, patch: Any, version: int) -> bytes:
        macs = [mutation.record.value.blob[-_MAC_BYTES:] for mutation in patch.mutations]
        end = version.to_bytes(8, "big") + collection.encode()
        return authenticate(self._keys.patch_mac, patch.snapshotMAC, *macs, end)


def _combine(total: bytes, value_mac: bytes, *, sign: int) -> bytes:
    """Add to or take from the hash of a collection, whose order of changes does not matter (LTHash)."""
    item = derive(value_mac, info=b"WhatsApp Patch Integrity", size=HASH_BYTES)
    out = bytearray()
    for place in range(0, HASH_BYTES, 2):
        left = int.from_bytes(total[place : place + 2], "little")
        right = int.from_bytes(item[place : place + 2], "little")
        out += (left + sign * right & 0xFFFF).to_bytes(2, "little")
    return bytes(out)
