"""A phone moves with its keys, once: whoever is old, was used, or is still here does not move."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing

import pytest

from gateway.archives.errors import ArchiveDamagedError, ArchiveWrongKeyError
from gateway.events.service import EventLog
from gateway.fleet.errors import SessionAccountLinkedError, SessionNameTakenError, SessionNotPairedError
from gateway.fleet.models import Desired, Session
from gateway.fleet.moves import Moves
from gateway.fleet.render import session_id
from gateway.fleet.service import Sessions
from gateway.moving.errors import (
    ArchiveOfOtherKindError,
    ArchiveStaleError,
    ArchiveUsedError,
    KeysMissingError,
    SessionInUseError,
)
from gateway.moving.mover import Mover, Places
from gateway.principal import Principal, PrincipalKind
from sessions.status import Reason, SessionStatus
from tests.backup.conftest import held_by_another, write_keys
from tests.conftest import add_org

SECRET = b"correct horse battery"
ACCOUNT = "4915110000001@s.whatsapp.net"
#: Two gateways that share a database, each as an organization of its own.
HERE, THERE = (Principal(org_id=number, kind=PrincipalKind.SYSTEM, subject_id=None, scopes=("*",)) for number in (1, 2))


class Host:
    """One gateway's side of a move."""

    def __init__(self, *, caller, database, clock, ids, folder, kind="production") -> None:
        self.caller, self.database, self.clock = caller, database, clock
        events = EventLog(clock=clock, check_payloads=True)
        self.sessions = Sessions(clock=clock, ids=ids, events=events)
        self.keys = folder / "sessions"
        self.keys.mkdir(parents=True)
        self.mover = Mover(
            database=database,
            sessions=self.sessions,
            moves=Moves(sessions=self.sessions, clock=clock),
            clock=clock,
            ids=ids,
            places=Places(sessions=self.keys, moved=folder / "moved", kind=kind),
            patience_seconds=0.3,
        )

    async def link(self, name: str = "shop") -> Session:
        def work(tx) -> Session:
            session = self.sessions.create(tx, self.caller, name=name, settings={"device_name": "Shop"})
            session.paired_at, session.phone, session.pn = self.clock.now(), "+4915110000001", ACCOUNT
            self.sessions.set_status(tx, session, SessionStatus.CONNECTED)
            return session

        session = await self.database.write(work)
        folder = self.keys_of(session)
        folder.mkdir()
        (folder / "lock").touch()
        (folder / "journal").write_bytes(b"wajrnl01")
        write_keys(folder / "keys.db", "CREATE TABLE whatsmeow_device (jid TEXT PRIMARY KEY)")
        write_keys(folder / "keys.db", "INSERT INTO whatsmeow_device VALUES ('the device')")
        return session

    def keys_of(self, session: Session):
        return self.keys / session_id(session)

    async def row(self, name: str = "shop") -> Session:
        return await self.database.read(lambda tx: self.sessions.get(tx, self.caller, name))

    async def move_out(self, name: str = "shop") -> bytes:
        archive = io.BytesIO()
        async with self.mover.leaving(self.caller, name) as leaving:
            leaving.pack(archive, SECRET)
        return archive.getvalue()

    async def move_in(self, archive: bytes, **more) -> Session:
        return await self.mover.take_in(self.caller, io.BytesIO(archive), SECRET, **more)


@pytest.fixture
async def here(any_database, any_org, clock, ids, tmp_path) -> Host:
    return Host(caller=HERE, database=any_database, clock=clock, ids=ids, folder=tmp_path / "here")


@pytest.fixture
async def there(any_database, any_org, clock, ids, tmp_path) -> Host:
    await any_database.write(lambda tx: add_org(tx, clock, org_id=2))
    return Host(caller=THERE, database=any_database, clock=clock, ids=ids, folder=tmp_path / "there")


def device_in(folder) -> str:
    with closing(sqlite3.connect(folder / "keys.db")) as keys:
        return str(keys.execute("SELECT jid FROM whatsmeow_device").fetchone()[0])


async def test_a_phone_arrives_with_its_keys_its_settings_and_what_it_had_not_told(here, there):
    await here.link()

    arrived = await there.move_in(await here.move_out())

    assert (arrived.name, arrived.phone, arrived.is_paired) == ("shop", "+4915110000001", True)
    assert (arrived.desired, arrived.settings) == (Desired.RUN, {"device_name": "Shop"})
    assert device_in(there.keys_of(arrived)) == "the device"
    assert (there.keys_of(arrived) / "journal").read_bytes() == b"wajrnl01"


async def test_where_it_left_it_is_not_linked_any_more_and_never_started_again(here):
    session = await here.link()

    await here.move_out()

    row = await here.row()
    assert (row.is_paired, row.status, row.reason) == (False, SessionStatus.LOGGED_OUT, Reason.MOVED_AWAY)
    assert not here.keys_of(session).exists()
    with pytest.raises(SessionNotPairedError):
        await here.database.write(lambda tx: here.sessions.start(tx, row))


async def test_an_archive_that_could_not_be_written_leaves_everything_as_it_was(here):
    session = await here.link()

    with pytest.raises(OSError, match="no room"):
        async with here.mover.leaving(HERE, "shop"):
            raise OSError("no room")

    row = await here.row()
    assert (row.is_paired, row.desired) == (True, Desired.RUN)
    assert device_in(here.keys_of(session)) == "the device"


async def test_a_session_that_does_not_stop_is_not_moved(here):
    session = await here.link()

    with held_by_another(here.keys_of(session) / "lock"), pytest.raises(SessionInUseError):
        await here.move_out()

    assert (await here.row()).desired == Desired.RUN


async def test_an_archive_that_was_lost_can_be_made_again(here, there):
    await here.link()
    await here.move_out()

    arrived = await there.move_in(await here.move_out())

    assert device_in(there.keys_of(arrived)) == "the device"


async def test_a_phone_may_come_back_to_the_session_that_it_has_left(here):
    session = await here.link()

    back = await here.move_in(await here.move_out())

    assert (back.id, back.is_paired, back.status) == (session.id, True, SessionStatus.STOPPED)
    assert device_in(here.keys_of(session)) == "the device"


async def test_a_phone_may_move_on_and_come_back(here, there):
    await here.link()
    arrived = await there.move_in(await here.move_out())
    write_keys(there.keys_of(arrived) / "keys.db", "UPDATE whatsmeow_device SET jid = 'later'")

    back = await here.move_in(await there.move_out())

    assert device_in(here.keys_of(back)) == "later"


async def test_an_archive_from_before_the_phone_moved_on_is_refused(here, there):
    await here.link()
    first = await here.move_out()
    await there.move_in(first)
    await here.move_in(await there.move_out())
    await here.move_out()

    with pytest.raises(ArchiveStaleError):
        await here.move_in(first)


async def test_an_archive_is_imported_once(here, there):
    await here.link()
    archive = await here.move_out()
    arrived = await there.move_in(archive)

    with pytest.raises(SessionAccountLinkedError):
        await there.move_in(archive)
    await there.database.write(lambda tx: there.sessions.remove(tx, tx.session.get(Session, arrived.id)))
    with pytest.raises(ArchiveUsedError):
        await there.move_in(archive)
    forced = await there.move_in(archive, force=True)

    assert forced.is_paired


async def test_a_session_that_was_linked_anew_has_nothing_to_pack_again(here):
    await here.link()
    await here.move_out()
    row = await here.row()
    await here.database.write(
        lambda tx: here.sessions.unlinked(tx, tx.session.get(Session, row.id), Reason.UNLINKED_HERE)
    )

    with pytest.raises(SessionNotPairedError):
        await here.move_out()


async def test_a_session_without_keys_cannot_leave(here):
    session = await here.link()
    (here.keys_of(session) / "keys.db").unlink()

    with pytest.raises(KeysMissingError):
        await here.move_out()

    assert (await here.row()).is_paired


async def test_a_name_that_is_taken_needs_another(here, there):
    await here.link()
    archive = await here.move_out()
    await there.database.write(lambda tx: there.sessions.create(tx, THERE, name="shop"))

    with pytest.raises(SessionNameTakenError):
        await there.move_in(archive)
    arrived = await there.move_in(archive, name="shop-2")

    assert arrived.name == "shop-2"


async def test_phones_of_a_sandbox_stay_in_sandboxes(here, any_database, clock, ids, tmp_path):
    await here.link()
    sandbox = Host(
        caller=HERE, database=any_database, clock=clock, ids=ids, folder=tmp_path / "sandbox", kind="sandbox"
    )

    with pytest.raises(ArchiveOfOtherKindError):
        await sandbox.move_in(await here.move_out())


@pytest.mark.parametrize(("position", "error"), [(30, ArchiveWrongKeyError), (-20, ArchiveDamagedError)])
async def test_a_damaged_archive_changes_nothing(here, there, position, error):
    await here.link()
    archive = bytearray(await here.move_out())
    archive[position] ^= 1

    with pytest.raises(error):
        await there.move_in(bytes(archive))

    assert list(there.keys.iterdir()) == []
    assert await there.database.read(lambda tx: there.sessions.list(tx, THERE, limit=10)) == []


async def test_nothing_is_left_lying_about(here, there, tmp_path):
    await here.link()

    await there.move_in(await here.move_out())

    assert sorted(file.name for file in (tmp_path / "there").iterdir()) == ["sessions"]
    assert sorted(file.name for file in (tmp_path / "here").iterdir()) == ["moved", "sessions"]
