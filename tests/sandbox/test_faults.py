"""Faults: what is accepted, whom they strike, how often and how long."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from sessions.address import Jid
from sessions.sandbox.faults.faults import FaultBook
from sessions.sandbox.faults.kinds import parse_fault, phone_digits
from sessions.sandbox.state.directory import Device, Directory
from sessions.sandbox.state.endpoint import AckVerdict, DeviceChange
from sessions.sandbox.state.store import Store
from sessions.sandbox.wire.node import SERVER, Node

ANNA, BEN = "15550000001", "15550000002"
MESSAGE = Node("message", {"id": "1", "to": Jid(BEN)})


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class OnlineDevice:
    """A linked device that notes what the service does to it."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.pushed: list[Node] = []
        self.ends: list[Node | None] = []

    async def push(self, node: Node) -> None:
        self.pushed.append(node)

    async def end(self, last: Node | None = None) -> None:
        self.ends.append(last)


class Line:
    """Connections of linked devices."""

    def __init__(self, *online: OnlineDevice) -> None:
        self.online = list(online)
        self.unlinked: list[str | None] = []

    def companions(self, number: str | None) -> list[OnlineDevice]:
        return [one for one in self.online if number in (None, one.device.account.number)]

    async def cut(self, number: str | None) -> None:
        for one in self.companions(number):
            await one.end()

    async def unlink(self, number: str | None) -> None:
        self.unlinked.append(number)


@pytest.fixture
def directory(tmp_path):
    store = Store(tmp_path / "whatsapp.db")
    yield Directory(store=store)
    store.close()


@pytest.fixture
def companion(directory):
    def link(number: str) -> Device:
        account = directory.register(number, "Somebody")
        return directory.link(account, directory.next_record(account))

    return link


@pytest.fixture
def anna(companion) -> OnlineDevice:
    return OnlineDevice(companion(ANNA))


@pytest.fixture
def ben(companion) -> OnlineDevice:
    return OnlineDevice(companion(BEN))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def line(anna, ben) -> Line:
    return Line(anna, ben)


@pytest.fixture
def book(clock, line) -> FaultBook:
    book = FaultBook(clock=clock)
    book.attach(line)
    return book


async def inject(book: FaultBook, kind: str, **about: object) -> None:
    await book.inject(parse_fault({"kind": kind, **about}))


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"kind": "earthquake"},
        {"kind": "refuse"},
        {"kind": "refuse", "code": 200},
        {"kind": "late_ack"},
        {"kind": "late_ack", "seconds": -1},
        {"kind": "drop", "number": "nobody"},
        {"kind": "drop", "count": 0},
        {"kind": "drop", "surprise": 1},
        {"kind": "failure"},
        {"kind": "stanza"},
        {"kind": "stanza", "stanza": {"tag": ""}},
        {"kind": "stanza", "stanza": {"tag": "a", "content": {"base64": "%"}}},
    ],
)
def test_what_is_no_fault_is_refused_by_name(body):
    with pytest.raises(ValidationError):
        parse_fault(body)


def test_a_stanza_that_is_too_deep_is_refused():
    stanza: dict[str, object] = {"tag": "a"}
    for _ in range(30):
        stanza = {"tag": "a", "content": [stanza]}

    with pytest.raises(ValidationError):
        parse_fault({"kind": "stanza", "stanza": stanza})


@pytest.mark.parametrize("written", ["+1 555-000-0001", "15550000001", " +15550000001"])
def test_numbers_are_understood_however_they_are_written(written):
    assert phone_digits(written) == ANNA


@pytest.mark.parametrize("written", ["", "+", "0155500", "12", "1555000000111222333", "٣٣٣٣٣٣", "+1555x"])
def test_what_is_no_number_is_refused(written):
    with pytest.raises(ValueError, match="not a phone number"):
        phone_digits(written)


async def test_without_faults_everything_goes_well(book, anna):
    assert book.ack(anna.device, MESSAGE) == AckVerdict()
    assert book.login_failure(anna.device) is None
    assert not book.refuses_connections()
    assert not book.is_deaf(anna.device)


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ({"kind": "no_ack"}, AckVerdict(send=False)),
        ({"kind": "late_ack", "seconds": 2}, AckVerdict(delay=2)),
        ({"kind": "refuse", "code": 463}, AckVerdict(error=463)),
    ],
)
async def test_acks_go_wrong_for_the_number_named_and_as_often_as_asked(book, anna, ben, fault, verdict):
    await book.inject(parse_fault({**fault, "number": f"+{ANNA}", "count": 2}))

    assert book.ack(ben.device, MESSAGE) == AckVerdict()
    assert [book.ack(anna.device, MESSAGE) for _ in range(3)] == [verdict, verdict, AckVerdict()]
    assert book.active() == []


async def test_phones_themselves_and_messages_among_own_devices_are_spared(book, anna):
    await inject(book, "no_ack")
    await inject(book, "mute")

    assert book.ack(anna.device.account.phone, MESSAGE) == AckVerdict()
    assert book.ack(anna.device, Node("message", {"category": "peer"})) == AckVerdict()
    assert not book.is_deaf(anna.device.account.phone)
    assert book.is_deaf(anna.device)


async def test_a_fault_ends_with_its_time(book, clock, anna):
    await inject(book, "mute", seconds=10)
    assert book.is_deaf(anna.device)

    clock.now += 10

    assert not book.is_deaf(anna.device)
    assert book.active() == []


async def test_an_outage_cuts_everybody_and_refuses_connections_until_cleared(book, anna, ben):
    await inject(book, "outage")
    assert (anna.ends, ben.ends) == ([None], [None])
    assert book.refuses_connections()

    assert book.clear() == 1

    assert not book.refuses_connections()


async def test_an_outage_of_one_number_leaves_the_others_alone(book, anna, ben):
    await inject(book, "outage", number=ANNA)

    assert not book.refuses_connections()
    assert (anna.ends, ben.ends) == ([None], [])
    assert book.login_failure(anna.device).text("reason") == "503"
    assert book.login_failure(ben.device) is None


async def test_a_ban_says_how_long_it_still_lasts(book, clock, anna):
    await inject(book, "ban", number=ANNA, code=104, expire=60)
    clock.now += 20

    failure = book.login_failure(anna.device)

    assert {name: failure.text(name) for name in ("reason", "code", "expire")} == {
        "reason": "402",
        "code": "104",
        "expire": "40",
    }
    clock.now += 41
    assert book.login_failure(anna.device) is None


@pytest.mark.parametrize(("kind", "about", "reason"), [("outdated", {}, "405"), ("failure", {"reason": 503}, "503")])
async def test_logins_fail_with_the_reason_asked_for(book, anna, kind, about, reason):
    await inject(book, kind, count=1, **about)

    assert anna.ends == [None]
    assert book.login_failure(anna.device).text("reason") == reason
    assert book.login_failure(anna.device) is None


async def test_a_drop_cuts_now_and_as_often_again_as_asked(book, anna, ben):
    await inject(book, "drop", number=ANNA, count=2)

    assert (anna.ends, ben.ends) == ([None], [])
    assert book.watch(DeviceChange.ACTIVE, ben.device) is None
    assert book.watch(DeviceChange.ONLINE, anna.device) is None
    assert book.watch(DeviceChange.ACTIVE, anna.device) is anna
    assert book.watch(DeviceChange.ACTIVE, anna.device) is None


async def test_a_single_drop_leaves_nothing_behind(book, anna):
    await inject(book, "drop")

    assert anna.ends == [None]
    assert book.active() == []


async def test_a_replaced_device_is_told_so(book, anna):
    await inject(book, "replaced", number=ANNA)

    assert anna.ends[0].require("conflict").text("type") == "replaced"


async def test_a_crafted_stanza_goes_out_with_addresses_as_addresses(book, anna):
    child = {"tag": "item", "content": {"base64": "AQI="}}
    stanza = {"tag": "x", "attrs": {"from": "s.whatsapp.net", "to": "77:2@lid", "n": 5, "t": "a@b"}, "content": [child]}

    await inject(book, "stanza", number=ANNA, stanza=stanza)

    sent = anna.pushed[0]
    assert sent.attrs == {"from": SERVER, "to": Jid("77", "lid", 2), "n": "5", "t": "a@b"}
    assert sent.require("item").content == b"\x01\x02"


async def test_a_logout_removes_the_devices_of_the_number(book, line):
    await inject(book, "logged_out", number=ANNA)

    assert line.unlinked == [ANNA]
    assert book.active() == []


async def test_one_of_several_faults_can_be_cleared(book):
    await inject(book, "mute")
    await inject(book, "no_ack")
    first, second = book.active()

    assert book.clear(first.id) == 1

    assert book.active() == [second]
    assert book.clear(first.id) == 0


async def test_a_frozen_connection_takes_everything_and_gives_nothing(book, anna, ben):
    await inject(book, "freeze", number=ANNA)

    assert book.is_deaf(anna.device)
    assert math.isinf(book.lag(anna.device))
    assert (book.is_deaf(ben.device), book.lag(ben.device)) == (False, 0.0)
    assert not book.ignores_connections(), "others may still connect"
    assert (anna.ends, anna.pushed) == ([], []), "the connection stands"


async def test_when_everybody_is_frozen_new_connections_are_not_answered(book):
    await inject(book, "freeze")
    assert book.ignores_connections()

    book.clear()

    assert not book.ignores_connections()


async def test_the_slowest_of_several_delays_counts(book, anna, ben):
    await inject(book, "slow", number=ANNA, delay=2)
    await inject(book, "slow", delay=0.5)

    assert (book.lag(anna.device), book.lag(ben.device)) == (2, 0.5)
