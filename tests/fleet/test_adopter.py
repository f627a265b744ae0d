"""A phone that was linked in the moment in which the gateway died is not forgotten."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from gateway.fleet.adopter import Adopter
from gateway.fleet.models import Session
from gateway.fleet.render import session_id
from tests.fleet.rig import FleetRig

PHONE = "+15550100001"


def adopter(fleet: FleetRig) -> Adopter:
    return Adopter(database=fleet.database, engine=fleet.engine, specs=fleet.specs)


async def test_a_session_with_the_keys_of_a_phone_that_no_row_knows_of_is_taken_up(fleet: FleetRig) -> None:
    known, unknown = await fleet.create("nobody has scanned"), await fleet.create("somebody has")
    leave_keys(fleet, unknown)

    taken_up = await adopter(fleet).run()

    assert taken_up == 1
    assert fleet.engine.session_ids == [session_id(unknown)]
    assert not (await fleet.row(known)).is_paired


async def test_keys_that_are_to_go_are_left_alone(fleet: FleetRig, eventually: Any) -> None:
    linked, removed = await fleet.create("linked"), await fleet.create("removed")
    await fleet.link(linked, PHONE, eventually)
    for session in (linked, removed):
        leave_keys(fleet, session)
    await fleet.database.write(lambda tx: fleet.sessions.remove(tx, tx.session.merge(removed)))

    assert await adopter(fleet).run() == 0


async def test_keys_that_cannot_be_read_do_not_keep_the_gateway_from_starting(fleet: FleetRig) -> None:
    session = await fleet.create()
    leave_keys(fleet, session).write_bytes(b"not a database, but long enough to be looked at")

    assert await adopter(fleet).run() == 0


def leave_keys(fleet: FleetRig, session: Session) -> Path:
    """A key store as the engine leaves it once a phone has scanned the code."""
    path = Path(fleet.specs.of(session).folder) / "keys.db"
    path.parent.mkdir(parents=True)
    store = sqlite3.connect(path)
    store.execute("CREATE TABLE whatsmeow_device (jid TEXT)")
    store.execute("INSERT INTO whatsmeow_device VALUES ('1@s.whatsapp.net')")
    store.commit()
    store.close()
    return path
