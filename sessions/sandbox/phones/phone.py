"""A scripted phone: device 0 of its account. It answers the service by itself and does what its owner asks of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TypeAlias

from sessions.sandbox.faults.faults import FaultBook
from sessions.sandbox.media.crypto import unseal
from sessions.sandbox.media.host import MediaHost
from sessions.sandbox.phones.calling import Calls
from sessions.sandbox.phones.cipher import PhoneCipher
from sessions.sandbox.phones.companions import Companions
from sessions.sandbox.phones.groups import PhoneGroups, group_jid
from sessions.sandbox.phones.inbox import Inbox, Typing
from sessions.sandbox.phones.line import PhoneLine
from sessions.sandbox.phones.log import Entry, PhoneLog
from sessions.sandbox.phones.outbox import MessageUnknownError, Outbox
from sessions.sandbox.phones.shown import Json
from sessions.sandbox.phones.writing import OutgoingMessage
from sessions.sandbox.service import Service
from sessions.sandbox.state.directory import Account, Device
from sessions.sandbox.state.errors import DeviceUnknownError
from sessions.sandbox.state.groups import Group
from sessions.sandbox.wire.node import Attrs, Node

_PLAYABLE = frozenset({"voice", "audio", "video"})

_log = logging.getLogger(__name__)


#: Told about everything that happens on a phone: its number, what kind of thing, and the details.
Listener: TypeAlias = Callable[[str, str, "dict[str, Json]"], None]


class Phone:
    """One person's phone. It implements Endpoint, like a connection from the wire."""

    def __init__(
        self, *, service: Service, account: Account, media: MediaHost, faults: FaultBook, listener: Listener
    ) -> None:
        self._service = service
        self._faults = faults
        self._media = media
        self._listener = listener
        self.account = account
        store, number = service.store, account.number
        self._cipher = PhoneCipher(
            account=account,
            directory=service.directory,
            take_bundle=service.take_bundle,
            space=store.space(f"phone {number} signal"),
        )
        self._line = PhoneLine(dispatch=lambda node: service.dispatch(self, node))
        self.calls = Calls(account=account, send=self._line.send)
        self.log = PhoneLog(space=store.space(f"phone {number} log"), changed=self._entry_changed)
        self._outbox = Outbox(
            account=account,
            directory=service.directory,
            groups=service.groups,
            cipher=self._cipher,
            line=self._line,
            log=self.log,
            media=media,
            space=store.space(f"phone {number} sent"),
        )
        self.groups = PhoneGroups(account=account, directory=service.directory, groups=service.groups, line=self._line)
        self._companions = Companions(
            account=account,
            directory=service.directory,
            log=self.log,
            media=media,
            space=store.space(f"phone {number}"),
            send_peer=self._outbox.send_peer,
            ask=self._line.ask,
        )
        self._inbox = Inbox(
            account=account,
            directory=service.directory,
            cipher=self._cipher,
            line=self._line,
            log=self.log,
            outbox=self._outbox,
            companions=self._companions,
            typing_seen=self._typing_seen,
        )
        self._incoming: asyncio.Queue[Node | Device] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None

    @property
    def device(self) -> Device:
        """Device 0 of the account."""
        return self.account.phone

    # Endpoint

    async def push(self, node: Node) -> None:
        """Take a stanza from the service; it is looked at later, in order."""
        if not self._line.take(node):
            self._incoming.put_nowait(node)

    async def end(self, last: Node | None = None) -> None:
        """The service lets go of the phone; it has nothing to tidy up."""

    # Life

    async def start(self) -> None:
        """Come online, and catch up with what has waited."""
        self._cipher.publish()
        self._worker = asyncio.create_task(self._work())
        await self._service.attach(self)
        await self._line.send(Node("presence", {"type": "available", "name": self.account.name}))
        await self._companions.prepare()
        for device in self.account.companions:
            if self._service.delivery.endpoint(device):
                self.companion_is_up(device)

    async def stop(self) -> None:
        """Go offline."""
        await self._service.detach(self)
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
            self._worker = None

    def companion_is_up(self, device: Device) -> None:
        """A linked device has logged in; the first time, it is welcomed."""
        self._incoming.put_nowait(device)

    def companion_is_gone(self, device: Device) -> None:
        """A device is no longer linked."""
        self._companions.forget(device)
        self._cipher.forget(device)

    # What the owner does

    async def scan(self, qr_text: str) -> Device:
        """Point the camera at a linking code."""
        if self._faults.demands_passkey(self.account):
            await self._service.pairing.demand_passkey(self.account, qr_text)
        return await self._service.scan(self.account, qr_text)

    async def enter_code(self, code: str) -> Device:
        """Type the eight characters that another device shows."""
        if self._faults.demands_passkey(self.account):
            await self._service.pairing.demand_passkey(self.account)
        return await self._service.enter_code(self.account, code)

    async def unlink(self, index: int | None = None) -> list[int]:
        """Remove one linked device, or all; the answer is which."""
        chosen = [one for one in self.account.companions if index in (None, one.index)]
        if index is not None and not chosen:
            raise DeviceUnknownError
        for device in chosen:
            await self._service.unlink(device)
        return [device.index for device in chosen]

    async def send(self, request: OutgoingMessage) -> Entry:
        """Send a message."""
        return await self._outbox.send(request)

    async def seal(self, number: str, contents: list[bytes]) -> list[tuple[Device, Node]]:
        """`<enc>` with each of these for every linked device of a number, which nobody is sent."""
        devices = self._outbox.account_of(number).companions
        sealed = [(one, await self._cipher.seal_bytes(one, plain)) for plain in contents for one in devices]
        return [(device, enc) for device, enc in sealed if enc is not None]

    async def mark_read(self, ids: list[str] | None = None, *, played: bool = False) -> list[str]:
        """Look at messages, or listen to them; by default at everything new. The answer is which."""
        entries = self.log.unread(ids)
        if played:
            entries = [entry for entry in entries if entry.type in _PLAYABLE]
        by_sender: dict[tuple[str, str], list[Entry]] = {}
        for entry in entries:
            by_sender.setdefault((entry.chat, entry.sender), []).append(entry)
        for (chat, sender), found in by_sender.items():
            await self._send_receipt(chat, sender, [entry.id for entry in found], "played" if played else "read")
        self.log.mark_read(entries)
        return [entry.id for entry in entries]

    async def rename(self, name: str) -> None:
        """Take another name; linked devices and those one writes to learn of it."""
        await self._companions.rename(name)
        await self._line.send(Node("presence", {"type": "available", "name": name}))

    async def type_to(self, number: str, typing: Typing) -> None:
        """Show the other side that the owner types, records or has stopped."""
        partner = self._outbox.partner_of(number)
        to = partner.jid if isinstance(partner, Group) else partner.lid
        shown = Node("paused" if typing is Typing.PAUSED else "composing")
        if typing is Typing.RECORDING:
            shown.attrs = {"media": "audio"}
        await self._line.send(Node("chatstate", {"to": to}, [shown]))

    async def set_available(self, available: bool) -> None:
        """Open WhatsApp or put the phone away."""
        kind = "available" if available else "unavailable"
        await self._line.send(Node("presence", {"type": kind, "name": self.account.name}))

    async def file_of(self, sequence: int) -> tuple[bytes, Entry]:
        """The decrypted file of a message, checked against everything the message promised."""
        entry = self.log.get(sequence)
        if entry is None or entry.file is None:
            raise MessageUnknownError
        file = entry.file
        body = await asyncio.to_thread(self._media.open, file.direct_path)
        plain = await asyncio.to_thread(
            unseal,
            body,
            media_key=file.media_key,
            media_type=file.media_type,
            sha256=file.sha256,
            encrypted_sha256=file.encrypted_sha256,
        )
        return plain, entry

    # What comes in

    async def _work(self) -> None:
        while True:
            item = await self._incoming.get()
            try:
                await self._take(item)
            except Exception:  # noqa: BLE001  (the loop must survive, and it tells)
                # One stanza that cannot be dealt with must not silence the phone for good.
                self._service.failures += 1
                _log.exception("a phone could not deal with what came in")
            finally:
                self._service.store.commit()

    async def _take(self, item: Node | Device) -> None:
        if isinstance(item, Device):
            await self._companions.welcome(item)
            return
        if item.tag == "call":
            self.calls.heard(item)
        await self._inbox.take(item)

    async def _send_receipt(self, chat: str, sender: str, ids: list[str], kind: str) -> None:
        account = self._service.directory.get(sender)
        if account is None:
            return
        rest = [Node("list", {}, [Node("item", {"id": one}) for one in ids[1:]])] if ids[1:] else None
        attrs: Attrs = {"id": ids[0], "to": account.lid, "type": kind, "t": int(time.time())}
        if chat != sender:
            attrs |= {"to": group_jid(chat), "participant": account.lid}
        await self._line.send(Node("receipt", attrs, rest))

    def _typing_seen(self, sender: str, typing: Typing) -> None:
        self._listener(self.account.number, "typing", {"from": sender, "state": typing.value})

    def _entry_changed(self, entry: Entry) -> None:
        self._listener(self.account.number, "message", {"seq": entry.sequence, "id": entry.id, "chat": entry.chat})
