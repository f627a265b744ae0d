"""A whole WhatsApp on loopback: builds every part, starts them in order and stops them in reverse."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sessions.sandbox.faults.faults import FaultBook
from sessions.sandbox.identity import Folder
from sessions.sandbox.media.host import MediaHost
from sessions.sandbox.phones.phones import DEFAULT_PEOPLE, Person, Phones
from sessions.sandbox.server import Server
from sessions.sandbox.service import Service
from sessions.sandbox.state.directory import Device
from sessions.sandbox.state.endpoint import DeviceChange, Endpoint
from sessions.sandbox.traffic.appstate import AppStateQueries, AppStates
from sessions.sandbox.wire.noise import NoiseServer
from sessions.sandbox.wire.tokens import read_tokens
from sessions.sandbox.wire.wabinary import Codec


class LoopbackWhatsApp:
    """The wire, the service, the phones and the faults over one data folder."""

    def __init__(self, *, folder: Path, people: Iterable[Person] = DEFAULT_PEOPLE, codec: Codec | None = None) -> None:
        self._folder = Folder(folder)
        self._people = tuple(people)
        codec = codec or Codec(read_tokens())
        store = self._folder.store
        self.faults = FaultBook()
        self.media = MediaHost(folder=folder / "media")
        self.service = Service(store=store, codec=codec, faults=self.faults, media=self.media)
        states = AppStateQueries(states=AppStates(store=store), notices=self.service.notices)
        self.service.answer(states.routes())
        self.phones = Phones(service=self.service, media=self.media, faults=self.faults)
        self.server = Server(
            service=self.service,
            noise=NoiseServer(self._folder.noise),
            tls=self._folder.authority.server_context(),
            codec=codec,
            routes=self.media.routes(),
        )
        self.faults.attach(FaultLine(service=self.service, server=self.server))
        self._cuts: set[asyncio.Task[None]] = set()
        self._unwatch = self.service.watch(self._changed)

    @property
    def proxy_url(self) -> str:
        """The HTTPS proxy that clients are to use."""
        return self.server.proxy_url

    @property
    def ca_file(self) -> Path:
        """The certificate authority that clients must trust."""
        return self._folder.authority.certificate_file

    @property
    def root_key(self) -> bytes:
        """The key that must stand in the place of WhatsApp's own in clients."""
        return self._folder.noise.root_key

    async def start(self, port: int = 0) -> None:
        """Bring the phones online, then let clients in; port 0 stands for any that is free."""
        await self.phones.start(self._people)
        await self.server.start(port)

    async def stop(self) -> None:
        """Cut every connection and leave the folder as the next start needs it."""
        self._unwatch()
        await self.server.stop()
        await asyncio.gather(*self._cuts, return_exceptions=True)
        await self.phones.stop()
        await self.service.close()
        self._folder.store.close()

    def _changed(self, change: DeviceChange, device: Device) -> None:
        endpoint = self.faults.watch(change, device)
        if endpoint is not None:
            cut: asyncio.Task[Any] = asyncio.create_task(endpoint.end())
            self._cuts.add(cut)
            cut.add_done_callback(self._cuts.discard)


class FaultLine:
    """What faults may do to connections."""

    def __init__(self, *, service: Service, server: Server) -> None:
        self._service = service
        self._server = server

    def companions(self, number: str | None) -> list[Endpoint]:
        """The linked devices that are online, of one number or of all."""
        return [
            endpoint
            for endpoint in self._service.delivery.endpoints()
            if not endpoint.device.is_phone and number in (None, endpoint.device.account.number)
        ]

    async def cut(self, number: str | None) -> None:
        """Cut connections without a word; without a number also those that are not linked yet."""
        if number is None:
            await self._server.drop()
        for endpoint in self.companions(number):
            await endpoint.end()

    async def unlink(self, number: str | None) -> None:
        """Remove every linked device, of one number or of all."""
        for account in self._service.directory:
            for device in account.companions if number in (None, account.number) else []:
                await self._service.unlink(device)
