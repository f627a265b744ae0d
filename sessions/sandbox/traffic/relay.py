"""Carries messages from one device to the others of both accounts, and answers the sender."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict

from sessions.address import LID_SERVER, Jid
from sessions.sandbox.state.directory import Account, Device, Directory
from sessions.sandbox.state.endpoint import AckVerdict, Endpoint, Faults
from sessions.sandbox.state.statuses import is_shared
from sessions.sandbox.state.store import Store
from sessions.sandbox.traffic.delivery import Delivery
from sessions.sandbox.traffic.groups.relay import GroupRelay
from sessions.sandbox.traffic.notices import list_hash
from sessions.sandbox.wire.node import Attrs, Node

_REMEMBERED = 2000  # ids per device by which a repeated message is known
_COPIED = frozenset({"meta", "biz", "reporting"})
_NOT_FOUND = 404
_FORBIDDEN = 403


class Relay:
    """One message at a time: answered, and delivered once however often its sender repeats it."""

    def __init__(
        self, *, directory: Directory, delivery: Delivery, groups: GroupRelay, store: Store, faults: Faults
    ) -> None:
        self._directory = directory
        self._groups = groups
        self._delivery = delivery
        self._store = store
        self._faults = faults
        self._sent: dict[str, OrderedDict[str, None]] = {}
        self._late_answers: set[asyncio.Task[None]] = set()

    async def message(self, endpoint: Endpoint, message: Node) -> None:
        """A device sends a message."""
        if is_shared(message.require_jid("to")):
            await self._group_message(endpoint, message)
            return
        sender = endpoint.device
        recipient = self._directory.find(message.require_jid("to"))
        verdict = self._faults.ack(sender, message)
        if verdict.error is None and recipient is None:
            verdict = AckVerdict(error=_NOT_FOUND)
        phash = None
        if verdict.error is None and recipient is not None and self._is_first(sender, message):
            phash = await self._deliver(sender, recipient, message)
        # The answer may only leave once the message cannot be lost any more.
        self._store.commit()
        await self._answer(endpoint, message, verdict, phash)

    async def _group_message(self, endpoint: Endpoint, message: Node) -> None:
        sender, group = endpoint.device, self._groups.group(message.jid("to"))
        verdict = self._faults.ack(sender, message)
        refusal = self._groups.refusal(sender, group)
        if verdict.error is None and refusal is not None:
            verdict = AckVerdict(error=refusal)
        phash = None
        if verdict.error is None and group is not None and self._is_first(sender, message):
            phash = await self._groups.deliver(sender, group, message)
        self._store.commit()
        await self._answer(endpoint, message, verdict, phash)

    async def close(self) -> None:
        """Forget answers that are still due."""
        for task in list(self._late_answers):
            task.cancel()
        await asyncio.gather(*self._late_answers, return_exceptions=True)

    async def _answer(self, endpoint: Endpoint, message: Node, verdict: AckVerdict, phash: str | None) -> None:
        attrs: Attrs = {
            "class": "message",
            "from": message.attrs["to"],
            "id": message.text("id"),
            "t": int(time.time()),
        }
        answer = Node("ack", {**attrs, "error": verdict.error, "phash": phash})
        if not verdict.send:
            return
        if verdict.delay <= 0:
            await endpoint.push(answer)
            return
        task = asyncio.create_task(_push_later(endpoint, answer, verdict.delay))
        self._late_answers.add(task)
        task.add_done_callback(self._late_answers.discard)

    def _is_first(self, sender: Device, message: Node) -> bool:
        """Whether this message was not seen before. A client repeats one when its connection broke before the answer.

        Messages to one device are answers to its retry receipts: they bear an old id and are to be delivered.
        """
        if message.child("participants") is None:
            return True
        seen = self._sent.get(sender.key)
        if seen is None:
            seen = self._sent[sender.key] = OrderedDict.fromkeys(self._store.sent_ids(sender.key, _REMEMBERED))
        key = message.text("id")
        if key in seen:
            return False
        seen[key] = None
        if len(seen) > _REMEMBERED:
            seen.popitem(last=False)
        self._store.add_sent_id(sender.key, key)
        return True

    async def _deliver(self, sender: Device, recipient: Account, message: Node) -> str | None:
        """Deliver to every device that the message was encrypted for; a hash where the sender's list is outdated."""
        copies = _copies(message)
        blocked = sender.account.number in recipient.record.blocked
        for jid, encrypted in copies.items():
            device = self._directory.device(jid)
            if device is None or device is sender or device.account not in (recipient, sender.account):
                continue
            if blocked and device.account is recipient and recipient is not sender.account:
                continue
            await self._delivery.deliver(device, self._copy(sender, recipient, device, message, jid, encrypted))
        if message.child("participants") is None:
            return None
        return _hash_if_outdated(sender, recipient, copies)

    def _copy(
        self, sender: Device, recipient: Account, device: Device, message: Node, jid: Jid, encrypted: list[Node]
    ) -> Node:
        content = [*encrypted, *(node for node in message.children if node.tag in _COPIED)]
        identity = message.child("device-identity")
        if identity is not None and any(one.text("type") == "pkmsg" for one in encrypted):
            content.append(identity)
        hidden = jid.server == LID_SERVER
        attrs: Attrs = {name: message.text(name) for name in ("id", "type", "edit", "category")}
        attrs |= {"notify": sender.account.name, "t": int(time.time())}
        attrs["from"] = sender.lid if hidden else sender.pn
        if device.account is not sender.account:
            attrs["addressing_mode"] = "lid" if hidden else "pn"
            attrs["sender_pn" if hidden else "sender_lid"] = sender.account.pn if hidden else sender.account.lid
        elif message.text("category") != "peer":
            attrs |= self._destination(recipient, message)
        return Node("message", attrs, content)

    def _destination(self, recipient: Account, message: Node) -> Attrs:
        """To whom a message went, for the sender's own other devices."""
        chat = message.jid("recipient") or message.require_jid("to").without_device
        other = self._directory.find(chat) or recipient
        if chat.server == LID_SERVER:
            return {"recipient": chat, "peer_recipient_pn": other.pn}
        return {"recipient": chat, "peer_recipient_lid": other.lid}


async def _push_later(endpoint: Endpoint, answer: Node, delay: float) -> None:
    await asyncio.sleep(delay)
    await endpoint.push(answer)


def _copies(message: Node) -> dict[Jid, list[Node]]:
    """The encrypted copies by the device each is for; a bare copy is for the device the message is addressed to."""
    participants = message.child("participants")
    if participants is None:
        return {message.require_jid("to"): message.all("enc")}
    return {to.require_jid("jid"): to.all("enc") for to in participants.all("to")}


def _hash_if_outdated(sender: Device, recipient: Account, copies: dict[Jid, list[Node]]) -> str | None:
    expected = {device.key: device for account in (recipient, sender.account) for device in account.reachable()}
    expected.pop(sender.key, None)
    hidden = any(jid.server == LID_SERVER for jid in copies)
    missing = [device for device in expected.values() if device.lid not in copies and device.pn not in copies]
    if not missing:
        return None
    complete = [*expected.values(), sender]
    return list_hash(device.lid if hidden else device.pn for device in complete)
