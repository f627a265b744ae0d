"""What reaches a phone: messages, receipts, notifications and typing, each answered as a phone answers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from sessions.address import InvalidJidError, Jid
from sessions.sandbox.phones.answers import open_reply, open_vote
from sessions.sandbox.phones.cipher import PhoneCipher
from sessions.sandbox.phones.companions import Companions
from sessions.sandbox.phones.line import PhoneLine
from sessions.sandbox.phones.log import Direction, PhoneLog, Status
from sessions.sandbox.phones.outbox import MOST_RETRIES, Outbox
from sessions.sandbox.phones.reading import E2E, read_message
from sessions.sandbox.phones.shown import Json
from sessions.sandbox.signal.errors import DuplicateMessageError, NoSessionError, SignalError
from sessions.sandbox.state.directory import Account, Device, Directory
from sessions.sandbox.state.statuses import is_shared
from sessions.sandbox.wire.node import Attrs, MalformedStanzaError, Node

_STATUS_OF_RECEIPT = {"": Status.DELIVERED, "inactive": Status.DELIVERED, "read": Status.READ, "played": Status.PLAYED}

_log = logging.getLogger(__name__)


class Typing(StrEnum):
    """What the other side is shown."""

    COMPOSING = "composing"
    RECORDING = "recording"
    PAUSED = "paused"


class Inbox:
    """Deals with one stanza at a time, in the order in which the service sent them."""

    def __init__(
        self,
        *,
        account: Account,
        directory: Directory,
        cipher: PhoneCipher,
        line: PhoneLine,
        log: PhoneLog,
        outbox: Outbox,
        companions: Companions,
        typing_seen: Callable[[str, Typing], None],
    ) -> None:
        self._account = account
        self._directory = directory
        self._cipher = cipher
        self._line = line
        self._log = log
        self._outbox = outbox
        self._companions = companions
        self._typing_seen = typing_seen
        self._retries: dict[str, int] = {}

    async def take(self, stanza: Node) -> None:
        """Deal with a stanza."""
        match stanza.tag:
            case "message":
                await self._message(stanza)
            case "receipt":
                await self._receipt(stanza)
            case "notification":
                await self._notification(stanza)
            case "chatstate":
                self._typing(stanza)
            case "call":
                await self._acknowledge(stanza)

    async def _message(self, stanza: Node) -> None:
        group = _group_of(stanza)
        sender = self._directory.device(stanza.jid("participant") if group else stanza.jid("from"))
        if sender is None:
            await self._acknowledge(stanza)
            return
        try:
            if group is not None:
                message = self._cipher.unseal_from_group(group, sender, stanza.all("enc"))
            else:
                message = self._cipher.unseal(sender, stanza.require("enc"))
        except SignalError as error:
            if isinstance(error, DuplicateMessageError) and self._log.find(stanza.text("id")):
                await self._confirm(stanza, sender)
            else:
                await self._ask_again(stanza, sender, error)
            return
        self._retries.pop(stanza.text("id"), None)
        if stanza.text("category") == "peer":
            await self._peer_message(sender, message)
        else:
            self._note(stanza, sender, message)
        await self._confirm(stanza, sender)

    def _note(self, stanza: Node, sender: Device, message: Any) -> None:
        """Write a message into the log."""
        own = sender.account is self._account
        group = _group_of(stanza)
        recipient = str(group) if group else self._account.number
        if own and message.HasField("deviceSentMessage"):
            recipient = self._number_of(message.deviceSentMessage.destinationJID)
            message = message.deviceSentMessage.message
        reading = read_message(message)
        if reading is None:
            return
        fields = reading.fields | self._opened(message, reading.type, sender.account)
        self._log.add(
            id=stanza.text("id"),
            chat=recipient if own or group else sender.account.number,
            sender=sender.account.number,
            recipient=recipient,
            direction=Direction.OUT if own else Direction.IN,
            reached=True,
            type=reading.type,
            fields=fields,
            file=reading.file,
            secret=message.messageContextInfo.messageSecret,
            status=Status.SENT if own else None,
        )

    def _opened(self, message: Any, kind: str, sender: Account) -> dict[str, Json]:
        """What somebody voted or answered, where the phone knows what it is about."""
        if kind == "poll_vote":
            part = message.pollUpdateMessage
            key, read = part.pollCreationMessageKey, open_vote
        elif kind == "event_reply":
            part = message.encEventResponseMessage
            key, read = part.eventCreationMessageKey, open_reply
        else:
            return {}
        if self._log.find(key.ID) is None:
            return {}
        opened = read(self._outbox.asked(key.ID), part, sender)
        return {kind: {"message_id": key.ID, **opened}} if opened is not None else {}

    async def _peer_message(self, sender: Device, message: Any) -> None:
        if message.protocolMessage.type == E2E.ProtocolMessage.APP_STATE_SYNC_KEY_REQUEST:
            await self._companions.share_key(sender)

    async def _confirm(self, stanza: Node, sender: Device) -> None:
        """Tell the service, and the sender, that the message has arrived."""
        kind = None
        if sender.account is self._account:
            kind = "peer_msg" if stanza.text("category") == "peer" else "sender"
        base: Attrs = {"id": stanza.text("id"), "to": stanza.jid("from"), "type": kind}
        attrs: Attrs = {**base, "recipient": stanza.jid("recipient"), "participant": stanza.jid("participant")}
        await self._line.send(Node("receipt", attrs))

    async def _ask_again(self, stanza: Node, sender: Device, error: SignalError) -> None:
        count = self._retries.get(stanza.text("id"), 0) + 1
        if count > MOST_RETRIES:
            await self._acknowledge(stanza)
            return
        self._retries[stanza.text("id")] = count
        _log.info("a phone asks for a message again: %s", error.code)
        retry = Node("retry", {"count": count, "id": stanza.text("id"), "t": stanza.attrs.get("t"), "v": "1"})
        content = [retry, self._cipher.registration]
        # Without a session, or with one that has gone back to an earlier state, the sender must start over,
        # for which it needs our keys.
        if count > 1 or isinstance(error, NoSessionError | DuplicateMessageError):
            content.append(self._cipher.own_keys())
        attrs: Attrs = {"id": stanza.text("id"), "to": stanza.jid("from"), "type": "retry", "t": int(time.time())}
        attrs["participant"] = stanza.jid("participant")
        if sender.account is self._account:
            attrs["recipient"] = stanza.jid("recipient")
        await self._line.send(Node("receipt", attrs, content))

    async def _receipt(self, stanza: Node) -> None:
        await self._acknowledge(stanza)
        reader = self._directory.device(stanza.jid("participant" if _group_of(stanza) else "from"))
        kind = stanza.text("type")
        if kind == "retry" and reader is not None:
            await self._outbox.resend(stanza, reader)
        status = _STATUS_OF_RECEIPT.get(kind)
        if status is None or reader is None:
            return
        items = [item for found in stanza.all("list") for item in found.all("item")]
        for message_id in [stanza.text("id"), *(item.text("id") for item in items)]:
            self._log.advance(message_id, status)

    async def _notification(self, stanza: Node) -> None:
        await self._acknowledge(stanza)
        if stanza.text("type") == "server_sync":
            await self._companions.follow(stanza)
        elif stanza.text("type") == "encrypt":
            self._cipher.publish()

    def _typing(self, stanza: Node) -> None:
        account = self._directory.find(stanza.jid("participant" if _group_of(stanza) else "from"))
        if account is None or not stanza.children:
            return
        state = stanza.children[0]
        shown = Typing.RECORDING if state.text("media") == "audio" else Typing(state.tag)
        self._typing_seen(account.number, shown)

    async def _acknowledge(self, stanza: Node) -> None:
        attrs: Attrs = {name: stanza.attrs.get(name) for name in ("id", "type", "participant")}
        await self._line.send(Node("ack", {**attrs, "class": stanza.tag, "to": stanza.jid("from")}))

    def _number_of(self, text: str) -> str:
        try:
            jid = Jid.parse(text)
        except InvalidJidError as error:
            raise MalformedStanzaError("a copy of a sent message names no chat") from error
        account = self._directory.find(jid)
        return account.number if account else jid.user


def _group_of(stanza: Node) -> Jid | None:
    """The group that a stanza comes from, or the address of statuses, if it comes from one."""
    sender = stanza.jid("from")
    return sender if is_shared(sender) else None
