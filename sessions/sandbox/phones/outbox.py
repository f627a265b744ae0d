"""Everything a phone sends: messages to others and to its own linked devices, and again where one was not readable."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from typing import Any

import msgspec

from sessions.address import GROUP_SERVER, Jid
from sessions.sandbox.faults.kinds import phone_digits
from sessions.sandbox.media.host import MediaHost
from sessions.sandbox.phones.answers import Asked, seal_reply, seal_vote
from sessions.sandbox.phones.cipher import PhoneCipher
from sessions.sandbox.phones.groups import GroupUnknownError, group_jid
from sessions.sandbox.phones.line import PhoneLine
from sessions.sandbox.phones.log import Direction, Entry, PhoneLog, Status
from sessions.sandbox.phones.more_writing import options_of
from sessions.sandbox.phones.reading import E2E, read_message
from sessions.sandbox.phones.writing import (
    OutgoingMessage,
    add_quote,
    seal_file,
    stanza_type,
    write_file_message,
    write_message,
)
from sessions.sandbox.state.directory import Account, Device, Directory
from sessions.sandbox.state.errors import AccountUnknownError, SandboxError
from sessions.sandbox.state.groups import Group, Groups
from sessions.sandbox.state.statuses import STATUS, status_list
from sessions.sandbox.state.store import Space
from sessions.sandbox.wire.node import Attrs, Node

MOST_REMEMBERED = 2_000
MOST_RETRIES = 5
_EDIT_ATTRIBUTES = {"edit": "1", "revoke": "7"}


class MessageUnknownError(SandboxError):
    """The phone has no such message."""

    code = "message_unknown"


class RecipientUnknownError(AccountUnknownError):
    """Nobody on this WhatsApp has the recipient's number."""

    code = "recipient_unknown"


class SentMessage(msgspec.Struct):
    """What is kept to send a message again to a device that could not read it."""

    recipient: str
    message: bytes
    attrs: dict[str, str]
    peer: bool = False


class Outbox:
    """Sends in the order it is asked to; a message counts as sent once the service has taken it."""

    def __init__(
        self,
        *,
        account: Account,
        directory: Directory,
        groups: Groups,
        cipher: PhoneCipher,
        line: PhoneLine,
        log: PhoneLog,
        media: MediaHost,
        space: Space,
    ) -> None:
        self._account = account
        self._directory = directory
        self._groups = groups
        self._cipher = cipher
        self._line = line
        self._log = log
        self._media = media
        self._space = space
        self._order = asyncio.Lock()
        self._kept = OrderedDict.fromkeys(key for key, _ in space.items())

    async def send(self, request: OutgoingMessage) -> Entry:
        """Send what the owner asks for."""
        recipient = self.partner_of(request.to)
        message = await self._write(request, recipient)
        message_id = request.id or new_message_id()
        attrs = {"type": stanza_type(request)}
        if request.type in _EDIT_ATTRIBUTES:
            attrs["edit"] = _EDIT_ATTRIBUTES[request.type]
        entry = self._note(message_id, recipient, message)
        try:
            await self._transmit(message_id, SentMessage(_name(recipient), message.SerializeToString(), attrs))
        except SandboxError:
            self._log.fail(entry)
            raise
        self._log.advance(message_id, Status.SENT)
        return entry

    def partner_of(self, name: str) -> Account | Group:
        """The person with this number, or the group or list of statuses with this address."""
        if name == str(STATUS):
            return status_list(self._directory)
        if not name.endswith(f"@{GROUP_SERVER}"):
            return self.account_of(name)
        group = self._groups.find(group_jid(name))
        if group is None:
            raise GroupUnknownError
        return group

    def _shared(self, jid: Jid | None) -> Group | None:
        return status_list(self._directory) if jid == STATUS else self._groups.find(jid)

    def account_of(self, number: str) -> Account:
        """Who has this number, however it is written."""
        try:
            account = self._directory.get(phone_digits(number))
        except ValueError as error:
            raise RecipientUnknownError("this is not a phone number") from error
        if account is None:
            raise RecipientUnknownError
        return account

    async def send_peer(self, device: Device, message: Any) -> None:
        """Tell one of the account's own linked devices something that is not a chat message."""
        attrs = {"type": "text", "category": "peer", "push_priority": "high"}
        sent = SentMessage(self._account.number, message.SerializeToString(), attrs, peer=True)
        message_id = new_message_id()
        self._remember(message_id, sent)
        async with self._order:
            enc = await self._cipher.seal(device, message)
            if enc is not None:
                await self._line.send_message(Node("message", {"id": message_id, "to": device.lid, **attrs}, [enc]))

    async def resend(self, receipt: Node, device: Device) -> None:
        """A device could not read a message; send it once more, in a new session."""
        count = int(receipt.require("retry").text("count") or 1)
        body = self._space.get(receipt.text("id"))
        if body is None or count > MOST_RETRIES:
            return
        sent = msgspec.msgpack.decode(body, type=SentMessage)
        group = self._shared(receipt.jid("from"))
        message = self._for_device(device, sent)
        if group is not None:
            message.MergeFrom(self._cipher.distribute(group.jid))
        async with self._order:
            self._cipher.renew(device, receipt)
            enc = await self._cipher.seal(device, message, count=count)
            if enc is not None:
                attrs: Attrs = {"id": receipt.text("id"), "to": device.lid, **sent.attrs}
                if group is not None:
                    attrs |= {"to": group.jid, "participant": device.lid}
                await self._line.send_message(Node("message", attrs, [enc]))

    def _note(self, message_id: str, recipient: Account | Group, message: Any) -> Entry:
        reading = read_message(message)
        assert reading is not None
        return self._log.add(
            id=message_id,
            chat=_name(recipient),
            sender=self._account.number,
            recipient=_name(recipient),
            direction=Direction.OUT,
            reached=False,
            type=reading.type,
            fields=reading.fields,
            file=reading.file,
            secret=message.messageContextInfo.messageSecret,
            status=Status.PENDING,
        )

    async def _transmit(self, message_id: str, sent: SentMessage) -> None:
        recipient = self.partner_of(sent.recipient)
        if isinstance(recipient, Group):
            await self._transmit_to_group(message_id, recipient, sent)
            return
        devices = {device.key: device for device in [*recipient.reachable(), *self._account.reachable()]}
        devices.pop(self._account.phone.key, None)
        self._remember(message_id, sent)
        async with self._order:
            copies = []
            for device in devices.values():
                enc = await self._cipher.seal(device, self._for_device(device, sent))
                if enc is not None:
                    copies.append(Node("to", {"jid": device.lid}, [enc]))
            attrs: Attrs = {"id": message_id, "to": recipient.lid, "peer_recipient_pn": recipient.pn, **sent.attrs}
            await self._line.send_message(Node("message", attrs, [Node("participants", {}, copies)]))

    async def _transmit_to_group(self, message_id: str, group: Group, sent: SentMessage) -> None:
        """Once for all, and to every device the key that opens it."""
        self._remember(message_id, sent)
        async with self._order:
            key = self._cipher.distribute(group.jid)
            sealed = self._cipher.seal_for_group(group.jid, E2E.Message.FromString(sent.message))
            told = []
            for device in self._devices_of(group):
                enc = await self._cipher.seal(device, key)
                if enc is not None:
                    told.append(Node("to", {"jid": device.lid}, [enc]))
            attrs: Attrs = {"id": message_id, "to": group.jid, "addressing_mode": "lid", **sent.attrs}
            await self._line.send_message(Node("message", attrs, [Node("participants", {}, told), sealed]))

    def _devices_of(self, group: Group) -> list[Device]:
        accounts = [self._directory.get(number) for number in group.members]
        devices = [device for account in accounts if account for device in account.reachable()]
        return [device for device in devices if device is not self._account.phone]

    def _for_device(self, device: Device, sent: SentMessage) -> Any:
        """The message itself, or for an own linked device the notice that this phone has sent it."""
        message = E2E.Message.FromString(sent.message)
        in_group = "@" in sent.recipient
        if sent.peer or in_group or device.account is not self._account:
            return message
        copy = E2E.Message()
        copy.deviceSentMessage.destinationJID = str(self.account_of(sent.recipient).lid)
        copy.deviceSentMessage.message.CopyFrom(message)
        return copy

    async def _write(self, request: OutgoingMessage, recipient: Account | Group) -> Any:
        if request.file:
            sealed = await asyncio.to_thread(seal_file, request, request.file)
            path = await asyncio.to_thread(self._media.keep, sealed.body)
            message = write_file_message(request, request.file, sealed=sealed, direct_path=path)
        elif request.poll_vote or request.event_reply:
            message = self._answer(request, recipient)
        else:
            message = write_message(request, key_of=lambda number: self._key_of(number, recipient))
        if request.reply_to:
            self._quote(message, request.reply_to)
        message.messageContextInfo.messageSecret = secrets.token_bytes(32)
        return message

    def _answer(self, request: OutgoingMessage, recipient: Account | Group) -> Any:
        """A vote, or an answer to an appointment, sealed for those who have what it is about."""
        message = E2E.Message()
        if request.poll_vote:
            asked = self.asked(request.poll_vote.message_id)
            message.pollUpdateMessage.CopyFrom(seal_vote(asked, request.poll_vote.options, self._account))
            message.pollUpdateMessage.pollCreationMessageKey.CopyFrom(self._key_of(asked.id, recipient))
        elif request.event_reply:
            asked = self.asked(request.event_reply.message_id)
            reply = seal_reply(asked, request.event_reply.answer, request.event_reply.guests, self._account)
            message.encEventResponseMessage.CopyFrom(reply)
            message.encEventResponseMessage.eventCreationMessageKey.CopyFrom(self._key_of(asked.id, recipient))
        return message

    def asked(self, message_id: str) -> Asked:
        """A poll or an appointment that the phone knows."""
        entry = self._entry(message_id)
        return Asked(entry.id, entry.secret, self.account_of(entry.sender), options_of(entry.fields))

    def _key_of(self, message_id: str, recipient: Account | Group) -> Any:
        entry = self._entry(message_id)
        key = E2E.ReactionMessage().key
        key.remoteJID, key.ID = str(_jid(recipient)), message_id
        key.fromMe = entry.direction is Direction.OUT
        if isinstance(recipient, Group) and not key.fromMe:
            key.participant = str(self.account_of(entry.sender).lid)
        return key

    def _quote(self, message: Any, message_id: str) -> None:
        entry = self._entry(message_id)
        text = entry.fields.get("text")
        body = str(text.get("body", "")) if isinstance(text, dict) else ""
        add_quote(message, message_id=message_id, author=str(self.account_of(entry.sender).lid), body=body)

    def _entry(self, message_id: str) -> Entry:
        entry = self._log.find(message_id)
        if entry is None:
            raise MessageUnknownError
        return entry

    def _remember(self, message_id: str, sent: SentMessage) -> None:
        self._space.put(message_id, msgspec.msgpack.encode(sent))
        self._kept[message_id] = None
        while len(self._kept) > MOST_REMEMBERED:
            oldest, _ = self._kept.popitem(last=False)
            self._space.delete(oldest)


def _jid(partner: Account | Group) -> Jid:
    return partner.jid if isinstance(partner, Group) else partner.lid


def _name(partner: Account | Group) -> str:
    """As the log calls a person or a group."""
    return str(partner.jid) if isinstance(partner, Group) else partner.number


def new_message_id() -> str:
    """An id as WhatsApp on a phone makes them."""
    return "3A" + secrets.token_hex(9).upper()
