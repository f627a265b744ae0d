"""All scripted phones of this WhatsApp, and the news about them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sessions.sandbox.faults.faults import FaultBook
from sessions.sandbox.faults.kinds import phone_digits
from sessions.sandbox.media.host import MediaHost
from sessions.sandbox.phones.phone import Phone
from sessions.sandbox.phones.shown import Json
from sessions.sandbox.service import Service
from sessions.sandbox.state.directory import Account, Device
from sessions.sandbox.state.endpoint import DeviceChange
from sessions.sandbox.state.errors import AccountUnknownError

MOST_WAITING_EVENTS = 1_000


class Person(NamedTuple):
    """Who a phone belongs to."""

    number: str
    name: str


#: The phones of a new WhatsApp. The numbers are reserved for fiction and belong to nobody.
DEFAULT_PEOPLE = (
    Person("12025550101", "Corner Bakery"),
    Person("12025550102", "Ana Lima"),
    Person("12025550103", "Ben Okafor"),
    Person("12025550104", "Chandra Rao"),
    Person("12025550105", "Dana Weiss"),
)


class PhoneEvent(NamedTuple):
    """Something that happened on a phone."""

    number: str
    kind: str
    details: dict[str, Json]


class Phones:
    """Starts, finds and stops phones, and passes on what happens on them."""

    def __init__(self, *, service: Service, media: MediaHost, faults: FaultBook) -> None:
        self._service = service
        self._faults = faults
        self._media = media
        self._phones: dict[str, Phone] = {}
        self._listeners: set[asyncio.Queue[PhoneEvent | None]] = set()
        self._unwatch = service.watch(self._changed)

    def __iter__(self) -> Iterator[Phone]:
        return iter(list(self._phones.values()))

    async def start(self, people: Iterable[Person] = DEFAULT_PEOPLE) -> None:
        """Bring every known phone online; a new WhatsApp gets these people first."""
        if not list(self._service.directory):
            for person in people:
                self._service.directory.register(person.number, person.name)
        phones = [self._make(account) for account in self._service.directory]
        for phone in phones:
            await phone.start()

    async def stop(self) -> None:
        """Take every phone offline and end every stream of news."""
        self._unwatch()
        self.end_news()
        for phone in self:
            await phone.stop()

    def end_news(self) -> None:
        """End every stream of news."""
        for listener in self._listeners:
            listener.put_nowait(None)
        self._listeners.clear()

    async def add(self, number: str, name: str | None = None) -> Phone:
        """A new phone with this number, or AccountExistsError."""
        digits = phone_digits(number)
        account = self._service.directory.register(digits, name or f"+{digits}")
        phone = self._make(account)
        await phone.start()
        return phone

    def get(self, number: str) -> Phone:
        """The phone with this number, however it is written."""
        try:
            phone = self._phones.get(phone_digits(number))
        except ValueError as error:
            raise AccountUnknownError("this is not a phone number") from error
        if phone is None:
            raise AccountUnknownError
        return phone

    @contextmanager
    def news(self) -> Iterator[asyncio.Queue[PhoneEvent | None]]:
        """What happens from now on; None ends it. Who falls far behind is cut off."""
        queue: asyncio.Queue[PhoneEvent | None] = asyncio.Queue(MOST_WAITING_EVENTS + 1)
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    def _make(self, account: Account) -> Phone:
        phone = Phone(
            service=self._service, account=account, media=self._media, faults=self._faults, listener=self._tell
        )
        self._phones[account.number] = phone
        return phone

    def _changed(self, change: DeviceChange, device: Device) -> None:
        if device.is_phone:
            return
        phone = self._phones.get(device.account.number)
        if phone is not None and change is DeviceChange.ACTIVE:
            phone.companion_is_up(device)
        elif phone is not None and change is DeviceChange.UNLINKED:
            phone.companion_is_gone(device)
        self._tell(device.account.number, "device", {"change": change.value, "index": device.index})

    def _tell(self, number: str, kind: str, details: dict[str, Json]) -> None:
        for queue in list(self._listeners):
            if queue.qsize() >= MOST_WAITING_EVENTS:
                self._listeners.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(PhoneEvent(number, kind, details))
