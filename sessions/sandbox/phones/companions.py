"""What a phone does for its linked devices: it shares keys, push name, contacts and history, and follows their changes."""

from __future__ import annotations

import asyncio
import logging
import secrets
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec

from sessions.protobuf import load
from sessions.sandbox.media.crypto import MediaType, seal
from sessions.sandbox.media.host import MediaHost
from sessions.sandbox.phones.log import PhoneLog
from sessions.sandbox.phones.past import Past
from sessions.sandbox.phones.reading import E2E
from sessions.sandbox.phones.syncd import CollectionState, Mutation, PatchMismatchError, Synchroniser, SyncKey
from sessions.sandbox.state.directory import Account, Device, Directory
from sessions.sandbox.state.store import Space
from sessions.sandbox.wire.node import Node

_actions = load("waSyncAction.WAWebProtobufSyncAction_pb2")
_history = load("waHistorySync.WAWebProtobufsHistorySync_pb2")

SYNC_SPACE = "w:sync:app:state"
PUSH_NAME_COLLECTION = "critical_block"
CONTACT_COLLECTION = "critical_unblock_low"
MOST_CONTACTS = 50
LARGEST_INLINE_HISTORY = 16 * 1024
_CONTACT_VERSION = 2
_PUSH_NAME_VERSION = 1

_log = logging.getLogger(__name__)

SendPeer: TypeAlias = Callable[[Device, Any], Awaitable[None]]
Ask: TypeAlias = Callable[[str, Node], Awaitable[Node]]


class CompanionMemory(msgspec.Struct):
    """What must be remembered about the account's linked devices."""

    key: SyncKey
    states: dict[str, CollectionState] = {}
    welcomed: set[int] = set()


class Companions:
    """The phone's duties towards its linked devices."""

    def __init__(
        self,
        *,
        account: Account,
        directory: Directory,
        log: PhoneLog,
        media: MediaHost,
        space: Space,
        send_peer: SendPeer,
        ask: Ask,
    ) -> None:
        self._account = account
        self._directory = directory
        self._log = log
        self._space = space
        self._send_peer = send_peer
        self._ask = ask
        self._media = media
        self._past = Past(account=account, directory=directory, log=log)
        body = space.get("companions")
        self._memory = msgspec.msgpack.decode(body, type=CompanionMemory) if body else CompanionMemory(SyncKey.create())
        self._sync = Synchroniser(key=self._memory.key, states=self._memory.states)

    async def prepare(self) -> None:
        """Write push name and contacts into the account's app state, once."""
        if self._sync.version(PUSH_NAME_COLLECTION) == 0:
            await self._write_name()
        if self._sync.version(CONTACT_COLLECTION) == 0 and self._contacts():
            changes = [self._contact(other) for other in self._contacts()]
            await self._write(CONTACT_COLLECTION, changes)

    async def rename(self, name: str) -> None:
        """The owner takes another name."""
        self._account.record.name = name
        self._directory.save_account(self._account)
        await self._write_name()

    async def welcome(self, device: Device) -> None:
        """A freshly linked device is there for the first time: give it what it needs to be of use."""
        if device.index in self._memory.welcomed:
            return
        self._memory.welcomed.add(device.index)
        self._keep()
        await self.share_key(device)
        for history in self._past.chunks(is_full=device.record.wants_full_history):
            await self._send_history(device, history)

    def forget(self, device: Device) -> None:
        """A device is no longer linked."""
        self._memory.welcomed.discard(device.index)
        self._keep()

    async def share_key(self, device: Device) -> None:
        """Give a device the key of the account's app state."""
        message = E2E.Message()
        message.protocolMessage.type = E2E.ProtocolMessage.APP_STATE_SYNC_KEY_SHARE
        shared = message.protocolMessage.appStateSyncKeyShare.keys.add()
        key = self._memory.key
        shared.keyID.keyID = key.id
        shared.keyData.keyData, shared.keyData.timestamp = key.secret, key.created_at
        fingerprint = shared.keyData.fingerprint
        fingerprint.rawID, fingerprint.currentIndex = self._account.record.raw_id, device.record.key_index
        fingerprint.deviceIndexes.extend(one.record.key_index for one in self._account.devices.values())
        await self._send_peer(device, message)

    async def follow(self, notification: Node) -> None:
        """A linked device has changed app state: fetch what is new and act on it."""
        for named in notification.all("collection"):
            await self._fetch(named.text("name"))

    async def _fetch(self, name: str) -> None:
        asked = Node("collection", {"name": name, "version": self._sync.version(name), "return_snapshot": "false"})
        answer = await self._ask(SYNC_SPACE, Node("sync", {}, [asked]))
        patches = answer.child("sync", "collection", "patches")
        for patch in patches.children if patches else []:
            try:
                changes = self._sync.apply(name, patch.data)
            except PatchMismatchError:
                _log.warning("a linked device wrote a patch to %s that cannot be followed", name)
                return
            self._keep()
            for change in changes:
                self._take_over(change)

    def _take_over(self, change: Mutation) -> None:
        if change.index[:1] == ["setting_pushName"] and not change.removed and change.value.pushNameSetting.name:
            self._account.record.name = change.value.pushNameSetting.name
            self._directory.save_account(self._account)

    async def _write_name(self) -> None:
        value = _actions.SyncActionValue()
        value.pushNameSetting.name = self._account.name
        await self._write(PUSH_NAME_COLLECTION, [(["setting_pushName"], value, _PUSH_NAME_VERSION)])

    async def _write(self, name: str, changes: list[tuple[list[str], Any, int]]) -> None:
        patch = self._sync.write(name, changes)
        version = self._sync.version(name)
        offered = Node("collection", {"name": name, "version": version, "return_snapshot": "false"})
        offered.content = [Node("patch", {}, patch)]
        answer = await self._ask(SYNC_SPACE, Node("sync", {}, [offered]))
        if answer.require("sync", "collection").text("type") == "error":
            _log.warning("the service refused the phone's own patch to %s", name)
            return
        self._sync.apply(name, patch)
        self._keep()

    def _contact(self, other: Account) -> tuple[list[str], Any, int]:
        value = _actions.SyncActionValue()
        value.contactAction.fullName = other.name
        value.contactAction.firstName = other.name.split(" ")[0]
        value.contactAction.lidJID = str(other.lid)
        value.contactAction.saveOnPrimaryAddressbook = True
        return ["contact", str(other.pn)], value, _CONTACT_VERSION

    def _contacts(self) -> list[Account]:
        return [other for other in self._directory if other is not self._account][:MOST_CONTACTS]

    async def _send_history(self, device: Device, history: Any) -> None:
        message = E2E.Message()
        message.protocolMessage.type = E2E.ProtocolMessage.HISTORY_SYNC_NOTIFICATION
        notice = message.protocolMessage.historySyncNotification
        notice.syncType, notice.chunkOrder, notice.progress = history.syncType, history.chunkOrder, history.progress
        packed = zlib.compress(history.SerializeToString())
        if history.syncType == _history.HistorySync.INITIAL_BOOTSTRAP and len(packed) <= LARGEST_INLINE_HISTORY:
            notice.initialHistBootstrapInlinePayload = packed
        else:
            await asyncio.to_thread(self._put_on_host, notice, packed)
        await self._send_peer(device, message)

    def _put_on_host(self, notice: Any, packed: bytes) -> None:
        sealed = seal(packed, MediaType.HISTORY)
        notice.directPath = self._media.keep(sealed.body)
        notice.mediaKey, notice.fileLength = sealed.media_key, sealed.size
        notice.fileSHA256, notice.fileEncSHA256 = sealed.sha256, sealed.encrypted_sha256
        notice.encHandle = secrets.token_hex(16)

    def _keep(self) -> None:
        self._space.put("companions", msgspec.msgpack.encode(self._memory))
