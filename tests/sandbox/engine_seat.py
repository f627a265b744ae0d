"""One session of the real engine, joined to a loopback WhatsApp: what it reports, and what it is asked."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sessions.address import Address, Jid
from sessions.commands.linking import PairCodeIssued, RequestPairCode
from sessions.commands.messages import MessageSent, SendMessage
from sessions.content import Content, Envelope, Sent, Text
from sessions.engine import StatusChange
from sessions.events import Fact, MessageReceived, QrShown, ReceiptReceived, Report
from sessions.protocol import Loopback, SessionSpec
from sessions.sandbox.loopback import LoopbackWhatsApp
from sessions.settings import EngineSettings
from sessions.status import SessionStatus
from sessions.supervisor import Supervisor

FactKind = TypeVar("FactKind", bound=Fact)


class Seat:
    """A supervisor with one session, and everything that session has said."""

    def __init__(self, *, whatsapp: LoopbackWhatsApp, folder: Path) -> None:
        self.whatsapp = whatsapp
        self.reports: list[Report] = []
        self.statuses: list[StatusChange] = []
        self._news = asyncio.Condition()
        self._spec = SessionSpec(session_id="shop", folder=str(folder))
        loopback = Loopback(proxy_url=whatsapp.proxy_url, ca_file=str(whatsapp.ca_file), root_key=whatsapp.root_key)
        settings = EngineSettings(loopback=loopback, backoff_first_seconds=0.05, backoff_limit_seconds=0.2)
        self.supervisor = Supervisor(settings=settings, listener=self)

    async def on_reports(self, reports: Sequence[Report]) -> None:
        async with self._news:
            self.reports.extend(reports)
            self._news.notify_all()

    async def on_status(self, change: StatusChange) -> None:
        async with self._news:
            self.statuses.append(change)
            self._news.notify_all()

    async def fact(self, kind: type[FactKind], fits: Callable[[FactKind], Any] = lambda fact: True) -> FactKind:
        """The first report of this kind that fits, now or later."""
        found: list[FactKind] = []

        def seen() -> bool:
            found.extend(one.event for one in self.reports if isinstance(one.event, kind) and fits(one.event))
            return bool(found)

        await self._until(seen)
        return found[0]

    async def status(self, status: SessionStatus) -> StatusChange:
        """The session has this status, now or later."""
        await self._until(lambda: bool(self.statuses) and self.statuses[-1].status is status)
        return self.statuses[-1]

    async def receipt(self, sent: Sent, kind: str) -> ReceiptReceived:
        """A receipt of this kind for this message."""
        return await self.fact(ReceiptReceived, lambda one: sent.wa_id in one.wa_ids and one.receipt == kind)

    async def message(self, wa_id: str) -> MessageReceived:
        """The message with this id has arrived."""
        return await self.fact(MessageReceived, lambda one: one.key.wa_id == wa_id)

    async def pair(self, number: str) -> None:
        """Link it to a phone by its QR code."""
        await self.whatsapp.phones.get(number).scan(await self.show_qr())
        await self.connected()

    async def show_qr(self) -> str:
        """Begin to link it; the text of the first QR code."""
        await self.supervisor.pair(self._spec)
        return (await self.fact(QrShown)).code

    async def connected(self) -> None:
        """It is linked and logged in."""
        await self.status(SessionStatus.CONNECTED)

    async def pair_by_code(self, number: str) -> None:
        """Link it to a phone by a code that the owner types."""
        await self.show_qr()
        issued = await self.call(RequestPairCode(phone=f"+{number}"))
        assert isinstance(issued, PairCodeIssued)
        await self.whatsapp.phones.get(number).enter_code(issued.code)
        await self.connected()

    async def call(self, command: Any) -> Any:
        """Ask the session for something."""
        return await self.supervisor.call("shop", command)

    async def send(self, number: str, content: Content) -> Sent:
        """Send a message."""
        envelope = Envelope(to=address(number), content=content, secret=secrets.token_bytes(32))
        result = await self.call(SendMessage(envelope=envelope))
        assert isinstance(result, MessageSent)
        return result.sent

    async def send_text(self, number: str, body: str) -> Sent:
        """Send a text."""
        return await self.send(number, Text(body=body))

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(condition)


def address(number: str) -> Address:
    """The address of a phone number."""
    return Address(pn=Jid(number))
