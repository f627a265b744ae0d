"""A phone's end-to-end encryption: stanza elements in, messages out, and back, with every device it writes to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from google.protobuf.message import DecodeError

from sessions.address import Jid
from sessions.sandbox.crypto.keys import PreKey, SignedPreKey
from sessions.sandbox.phones.reading import E2E
from sessions.sandbox.signal.device import SignalDevice
from sessions.sandbox.signal.errors import MalformedMessageError
from sessions.sandbox.signal.x3dh import Bundle
from sessions.sandbox.state.directory import Account, Device, Directory
from sessions.sandbox.state.directory import Bundle as PublishedKeys
from sessions.sandbox.state.store import Space
from sessions.sandbox.wire.node import Node

PUBLISHED_PREKEYS = 100

TakeBundle: TypeAlias = Callable[[Device], Awaitable[PublishedKeys | None]]


class PhoneCipher:
    """The Signal side of one phone."""

    def __init__(self, *, account: Account, directory: Directory, take_bundle: TakeBundle, space: Space) -> None:
        self._account = account
        self._directory = directory
        self._take_bundle = take_bundle
        self._signal = SignalDevice(identity=account.identity, memory=space)

    def publish(self) -> None:
        """Let others encrypt for this phone; tops up its one-time keys."""
        missing = PUBLISHED_PREKEYS - len(self._account.phone.prekeys)
        self._directory.publish_keys(
            self._account.phone,
            registration_id=self._signal.registration_id,
            identity_key=self._account.identity.public,
            signed_prekey=self._signal.signed_prekey,
            prekeys=[(key.id, key.public) for key in self._signal.make_prekeys(max(missing, 0))],
        )

    async def seal(self, device: Device, message: Any, **attrs: str | int) -> Node | None:
        """`<enc>` for one device; None where that device has published no keys."""
        return await self.seal_bytes(device, message.SerializeToString(), **attrs)

    async def seal_bytes(self, device: Device, plain: bytes, **attrs: str | int) -> Node | None:
        """`<enc>` with anything in it."""
        address = str(device.lid)
        if not self._signal.can_send_to(address):
            published = await self._take_bundle(device)
            if published is None:
                return None
            self._signal.open(address, _bundle(published))
        kind, data = self._signal.encrypt(address, plain)
        return Node("enc", {"v": "2", "type": kind, **attrs}, data)

    def unseal(self, sender: Device, enc: Node) -> Any:
        """The message inside `<enc>`."""
        plain = self._signal.decrypt(str(sender.lid), enc.text("type"), enc.data)
        try:
            return E2E.Message.FromString(plain)
        except DecodeError as error:
            raise MalformedMessageError("the plain text is not a message") from error

    def distribute(self, group: Jid) -> Any:
        """What a member's device must be told once to read what this phone writes in a group."""
        message = E2E.Message()
        told = message.senderKeyDistributionMessage
        told.groupID = str(group)
        told.axolotlSenderKeyDistributionMessage = self._signal.sender_key_for(str(group))
        return message

    def seal_for_group(self, group: Jid, message: Any) -> Node:
        """`<enc>` for all members who were told this phone's sender key."""
        data = self._signal.encrypt_to_group(str(group), message.SerializeToString())
        return Node("enc", {"v": "2", "type": "skmsg"}, data)

    def unseal_from_group(self, group: Jid, sender: Device, encs: list[Node]) -> Any:
        """The message inside the `<enc>` elements of one stanza, sender keys told along the way learnt."""
        found = E2E.Message()
        for enc in encs:
            if enc.text("type") == "skmsg":
                plain = self._signal.decrypt_from_group(str(group), str(sender.lid), enc.data)
                try:
                    found.MergeFromString(plain)
                except DecodeError as error:
                    raise MalformedMessageError("the plain text is not a message") from error
                continue
            message = self.unseal(sender, enc)
            if message.HasField("senderKeyDistributionMessage"):
                told = message.senderKeyDistributionMessage.axolotlSenderKeyDistributionMessage
                self._signal.learn_sender_key(str(group), str(sender.lid), told)
            found.MergeFrom(message)
        return found

    def renew(self, device: Device, receipt: Node) -> None:
        """The device could not read a message: the next one opens a new session, with the keys it sent along."""
        keys = receipt.child("keys")
        if keys is None:
            self._signal.forget(str(device.lid))
            return
        prekey, signed = keys.child("key"), keys.require("skey")
        bundle = Bundle(
            registration_id=receipt.require("registration").number,
            identity=keys.require("identity").data,
            signed_prekey=SignedPreKey(
                signed.require("id").number, signed.require("value").data, signed.require("signature").data
            ),
            prekey=PreKey(prekey.require("id").number, prekey.require("value").data) if prekey else None,
        )
        self._signal.open(str(device.lid), bundle)

    def own_keys(self) -> Node:
        """What a retry receipt carries so that the sender can open a new session."""
        bundle = self._signal.own_bundle()
        assert bundle.prekey is not None
        signed = bundle.signed_prekey
        return Node(
            "keys",
            {},
            [
                Node("type", {}, b"\x05"),
                Node("identity", {}, bundle.identity),
                Node("key", {}, [_id(bundle.prekey.id), Node("value", {}, bundle.prekey.public)]),
                Node(
                    "skey",
                    {},
                    [_id(signed.id), Node("value", {}, signed.public), Node("signature", {}, signed.signature)],
                ),
            ],
        )

    @property
    def registration(self) -> Node:
        """This installation's number, as stanzas carry it."""
        return Node("registration", {}, self._signal.registration_id.to_bytes(4, "big"))

    def forget(self, device: Device) -> None:
        """A device is gone."""
        self._signal.forget(str(device.lid))


def _bundle(published: PublishedKeys) -> Bundle:
    return Bundle(published.registration_id, published.identity_key, published.signed_prekey, published.prekey)


def _id(number: int) -> Node:
    return Node("id", {}, number.to_bytes(3, "big"))
