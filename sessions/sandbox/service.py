"""The service itself: takes stanzas from every endpoint, wire or phone, and knows everything that happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sessions.sandbox.linking.login import Login
from sessions.sandbox.linking.pairing import Pairing
from sessions.sandbox.state.channels import ChannelBook
from sessions.sandbox.state.directory import Account, Bundle, Device, Directory
from sessions.sandbox.state.endpoint import DeviceChange, Endpoint, Faults, Watcher
from sessions.sandbox.state.errors import AccountUnknownError, DeviceUnknownError
from sessions.sandbox.state.groups import Groups
from sessions.sandbox.state.store import Store
from sessions.sandbox.traffic.delivery import Delivery
from sessions.sandbox.traffic.groups.membership import Membership
from sessions.sandbox.traffic.groups.news import GroupNews
from sessions.sandbox.traffic.groups.nodes import GroupNodes
from sessions.sandbox.traffic.groups.relay import GroupRelay
from sessions.sandbox.traffic.newsletters import Newsletters, is_channel
from sessions.sandbox.traffic.notices import Notices
from sessions.sandbox.traffic.presence import Presence
from sessions.sandbox.traffic.queries.communities import CommunityQueries
from sessions.sandbox.traffic.queries.connection import ConnectionQueries
from sessions.sandbox.traffic.queries.group_changes import GroupChangeQueries
from sessions.sandbox.traffic.queries.groups import GroupQueries
from sessions.sandbox.traffic.queries.keys import KeyQueries
from sessions.sandbox.traffic.queries.media import MediaQueries, MediaShelf
from sessions.sandbox.traffic.queries.mex import MexQueries
from sessions.sandbox.traffic.queries.newsletters import NewsletterQueries
from sessions.sandbox.traffic.queries.registry import QueryRegistry, Routes
from sessions.sandbox.traffic.queries.settings import SettingQueries
from sessions.sandbox.traffic.queries.usync import UsyncQueries
from sessions.sandbox.traffic.receipts import Receipts
from sessions.sandbox.traffic.relay import Relay
from sessions.sandbox.wire.node import SERVER, Attrs, MalformedStanzaError, Node
from sessions.sandbox.wire.wabinary import Codec

_logger = logging.getLogger(__name__)

# What a device has taken in need not be on disk at once: at worst it is given the stanza again.
_LAZY = frozenset({"ack", "presence", "chatstate"})
_LAZY_SECONDS = 0.02
_REMOVED = Node("stream:error", {"code": "401"}, [Node("conflict", {"type": "device_removed"})])


class Service:
    """What WhatsApp is to its clients. Endpoints attach, dispatch stanzas, and are pushed stanzas."""

    def __init__(self, *, store: Store, codec: Codec, faults: Faults, media: MediaShelf) -> None:
        self.store = store
        self.faults = faults
        self.directory = Directory(store=store)
        self.groups = Groups(store=store)
        self.delivery = Delivery(store=store, codec=codec)
        self.notices = Notices(directory=self.directory, delivery=self.delivery)
        self.pairing = Pairing(directory=self.directory, notices=self.notices)
        self.login = Login(directory=self.directory, delivery=self.delivery, pairing=self.pairing, faults=faults)
        self._commit_later: asyncio.TimerHandle | None = None
        self.failures = 0  #: stanzas that made the service itself stumble
        in_groups = GroupRelay(directory=self.directory, groups=self.groups, delivery=self.delivery)
        self._relay = Relay(
            directory=self.directory, delivery=self.delivery, groups=in_groups, store=store, faults=faults
        )
        self._receipts = Receipts(directory=self.directory, delivery=self.delivery, groups=in_groups, store=store)
        self._presence = Presence(directory=self.directory, delivery=self.delivery, groups=in_groups)
        nodes = GroupNodes(directory=self.directory)
        self._news = GroupNews(directory=self.directory, notices=self.notices, nodes=nodes)
        self._keys = KeyQueries(directory=self.directory, notices=self.notices)
        self._media = MediaQueries(
            directory=self.directory, groups=self.groups, news=self._news, notices=self.notices, media=media
        )
        self._settings = SettingQueries(directory=self.directory, notices=self.notices)
        self.newsletters = Newsletters(
            book=ChannelBook(store=store), directory=self.directory, delivery=self.delivery, notices=self.notices
        )
        self._queries = self._registry()
        self._handlers: dict[str, Callable[[Endpoint, Node], Awaitable[None]]] = {
            "iq": self._iq,
            "message": self._message,
            "receipt": self._receipt,
            "ack": self._receipts.ack,
            "presence": self._presence.presence,
            "chatstate": self._presence.chatstate,
            "call": self._presence.call,
        }

    @property
    def unknown_iqs(self) -> list[str]:
        """What clients have asked that nobody here answers."""
        return self._queries.unknown

    def answer(self, routes: Routes) -> None:
        """Take in further answers to iqs."""
        self._queries.add(routes)

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Tell this watcher about every change of a device; call the answer to stop."""
        return self.delivery.watch(watcher)

    def account(self, number: str) -> Account:
        """The account with this number (digits only)."""
        account = self.directory.get(number)
        if account is None:
            raise AccountUnknownError
        return account

    async def attach(self, endpoint: Endpoint) -> None:
        """A phone of this process comes online and is given what has waited for it."""
        self.delivery.attach(endpoint)
        await self.delivery.activate(endpoint)
        self.store.commit()

    async def detach(self, endpoint: Endpoint) -> None:
        """An endpoint has gone. What it has not acknowledged waits for its device."""
        if self.delivery.detach(endpoint):
            await self._presence.gone(endpoint.device)
            self.store.commit()

    async def dispatch(self, endpoint: Endpoint, stanza: Node) -> None:
        """Take in a stanza from a device."""
        device = endpoint.device
        is_linked = device.account.devices.get(device.index) is device
        if not is_linked or self.faults.is_deaf(device):
            return
        handler = self._handlers.get(stanza.tag)
        if handler is None:
            return
        try:
            await handler(endpoint, stanza)
        except MalformedStanzaError as error:
            _logger.warning("malformed %s: %s", stanza.outline(), error)
        except Exception:
            self.failures += 1
            _logger.exception("could not handle %s", stanza.outline())
        finally:
            self._commit(lazily=stanza.tag in _LAZY)

    async def scan(self, account: Account, qr_text: str) -> Device:
        """The phone scans the QR code that a client shows; the answer is the companion it became."""
        try:
            return await self.pairing.scan(account, qr_text)
        finally:
            self.store.commit()

    async def enter_code(self, account: Account, code: str) -> Device:
        """The owner types the link code that a client shows; the answer is the companion it became."""
        try:
            return await self.pairing.enter_code(account, code)
        finally:
            self.store.commit()

    async def unlink(self, device: Device) -> None:
        """Remove a companion from its account, by the phone or by itself."""
        if device.is_phone or device.account.devices.get(device.index) is not device:
            raise DeviceUnknownError
        endpoint = self.delivery.endpoint(device)
        self.directory.unlink(device)
        self.delivery.forget(device)
        if endpoint is not None:
            await self.detach(endpoint)
            await endpoint.end(_REMOVED)
        await self.notices.devices_changed(device, added=False)
        self.delivery.announce(DeviceChange.UNLINKED, device)
        self.store.commit()

    async def take_bundle(self, device: Device) -> Bundle | None:
        """The keys with which to start a session with a device; uses up one of its one-time keys."""
        return await self._keys.take_bundle(device)

    async def set_picture(self, account: Account, jpeg: bytes) -> None:
        """Change an account's profile picture, or remove it with empty bytes."""
        await self._media.set_picture(account, jpeg)
        self.store.commit()

    async def set_about(self, account: Account, about: str) -> None:
        """Change what an account says of itself."""
        await self._settings.set_about(account, about)
        self.store.commit()

    async def block(self, account: Account, contact: Account, *, blocks: bool) -> None:
        """The phone's owner blocks somebody, or no longer."""
        await self._settings.block(account, contact, blocks=blocks, by=None)
        self.store.commit()

    async def close(self) -> None:
        """Stop what the service itself has started."""
        await self._relay.close()
        self._commit()

    def _commit(self, *, lazily: bool = False) -> None:
        if lazily:
            if self._commit_later is None:
                self._commit_later = asyncio.get_running_loop().call_later(_LAZY_SECONDS, self._commit)
            return
        if self._commit_later is not None:
            self._commit_later.cancel()
            self._commit_later = None
        self.store.commit()

    async def _message(self, endpoint: Endpoint, message: Node) -> None:
        if is_channel(message.jid("to")):
            await self.newsletters.message(endpoint, message)
        else:
            await self._relay.message(endpoint, message)

    async def _receipt(self, endpoint: Endpoint, receipt: Node) -> None:
        if is_channel(receipt.jid("to")):
            await self.newsletters.receipt(endpoint, receipt)
        else:
            await self._receipts.receipt(endpoint, receipt)

    async def _iq(self, endpoint: Endpoint, stanza: Node) -> None:
        if stanza.text("type") in ("result", "error"):
            return
        try:
            await self._queries.answer(endpoint, stanza)
        except Exception:
            error = Node("error", {"code": "500", "text": "internal-server-error"})
            attrs: Attrs = {"from": stanza.attrs.get("to") or SERVER, "type": "error", "id": stanza.text("id")}
            await endpoint.push(Node("iq", attrs, [error]))
            raise

    def _registry(self) -> QueryRegistry:
        registry = QueryRegistry(commit=self.store.commit)
        registry.add(self._keys.routes())
        registry.add(self._media.routes())
        registry.add(UsyncQueries(directory=self.directory).routes())
        registry.add(self._settings.routes())
        registry.add(ConnectionQueries(delivery=self.delivery, unlink=self.unlink).routes())
        for routes in self._group_routes():
            registry.add(routes)
        channels, mex = NewsletterQueries(newsletters=self.newsletters), MexQueries()
        mex.add(channels.questions())
        mex.add(self._settings.questions())
        registry.add(channels.routes())
        registry.add(mex.routes())
        return registry

    def _group_routes(self) -> list[Routes]:
        nodes = GroupNodes(directory=self.directory)
        membership = Membership(directory=self.directory, groups=self.groups, news=self._news, nodes=nodes)
        return [
            GroupQueries(groups=self.groups, nodes=nodes).routes(),
            CommunityQueries(groups=self.groups, nodes=nodes, news=self._news).routes(),
            GroupChangeQueries(groups=self.groups, nodes=nodes, news=self._news, membership=membership).routes(),
        ]
