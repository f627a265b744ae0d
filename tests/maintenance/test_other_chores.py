"""What else is cleared away, and what stays."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from gateway.access.models import SignIn
from gateway.api import idempotency as module
from gateway.api import store
from gateway.api.idempotency import Idempotency
from gateway.api.models import RememberedAnswer
from gateway.db.sqlite import SqliteDatabase
from gateway.fleet.links import PairingLinks
from gateway.fleet.models import PairingLink
from gateway.kit.ids import IdGenerator
from gateway.maintenance.answers import OldAnswers
from gateway.maintenance.links import OldLinks
from gateway.maintenance.optimize import Optimize
from gateway.maintenance.spool import OldSpoolFiles
from gateway.media.spool import Spool
from tests.fleet.rig import build_rig
from tests.serving import EMAIL, PASSWORD, build_parts

HOUR = 3600


async def test_answers_are_forgotten_when_they_are_out_of_force_however_many_there_are(
    any_database: Any, any_org: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gateway.api.idempotency.SWEEP_AT_ONCE", "gateway.maintenance.answers.SWEEP_AT_ONCE"):
        monkeypatch.setattr(name, 2)
    assert module.SWEEP_AT_ONCE == 2

    async def remember(number: int) -> None:
        now = clock.now()
        answer = store.NewAnswer(
            org_id=1,
            slot=random.Random(number).randbytes(32),
            operation="toys.make",
            fingerprint=bytes(32),
            status=201,
            body=b"{}",
            created_at=now,
            expires_at=now + timedelta(hours=24),
        )
        await any_database.write(lambda tx: store.store_answer(tx, answer))

    for number in range(5):
        await remember(number)
    clock.advance(20 * HOUR)
    await remember(5)
    clock.advance(5 * HOUR)

    gone = await OldAnswers(idempotency=Idempotency(database=any_database, clock=clock)).run_once()

    assert gone == 5
    kept = await any_database.read(lambda tx: tx.session.scalars(select(RememberedAnswer)).all())
    assert len(kept) == 1


async def test_expired_links_and_sign_ins_go_and_those_in_force_stay(
    any_database: Any, any_org: Any, clock: Any, ids: IdGenerator, tmp_path: Path
) -> None:
    links = PairingLinks(clock=clock, ids=ids)
    accounts = build_parts(database=any_database, clock=clock, ids=ids).accounts
    session = await build_rig(database=any_database, clock=clock, ids=ids, folder=tmp_path).create()
    await accounts.add_user(org_id=1, name="Ada", email=EMAIL, password=PASSWORD)

    async def hand_out() -> None:
        await any_database.write(lambda tx: links.create(tx, session, valid_seconds=HOUR))
        await accounts.sign_in(email=EMAIL, password=PASSWORD, address="127.0.0.1")

    await hand_out()
    clock.advance(31 * 24 * HOUR)
    await hand_out()

    gone = await OldLinks(database=any_database, links=links, accounts=accounts).run_once()

    assert gone == 2
    left = await any_database.read(
        lambda tx: [row.created_at for kind in (PairingLink, SignIn) for row in tx.session.scalars(select(kind))]
    )
    assert left == [clock.now()] * 2


async def test_a_link_that_has_just_expired_still_says_so(
    database: Any, org: Any, clock: Any, ids: IdGenerator, tmp_path: Path
) -> None:
    links = PairingLinks(clock=clock, ids=ids)
    rig = build_rig(database=database, clock=clock, ids=ids, folder=tmp_path)
    session = await rig.create()
    await database.write(lambda tx: links.create(tx, session, valid_seconds=HOUR))
    clock.advance(2 * HOUR)

    assert await database.write(links.forget_old) == 0


async def test_files_that_nobody_has_touched_for_a_day_leave_the_spool(clock: Any, tmp_path: Path) -> None:
    spool = Spool(folder=tmp_path / "spool", max_bytes=1000)
    spool.prepare()
    left, under_way = [(await spool.receive_bytes(b"data")).path for _ in range(2)]
    for path, hours in ((left, 25), (under_way, 23)):
        moment = clock.now().timestamp() - hours * HOUR
        os.utime(path, (moment, moment))

    gone = await OldSpoolFiles(spool=spool, clock=clock).run_once()

    assert gone == 1
    assert not left.exists()
    assert under_way.exists()


async def test_sqlite_learns_how_its_tables_have_grown(database: SqliteDatabase) -> None:
    await database.write(lambda tx: tx.execute(text("CREATE TABLE things (id INTEGER PRIMARY KEY, kind TEXT)")))
    await database.write(lambda tx: tx.execute(text("CREATE INDEX by_kind ON things (kind)")))
    rows = [{"kind": f"kind {number % 7}"} for number in range(2000)]
    await database.write(lambda tx: tx.execute(text("INSERT INTO things (kind) VALUES (:kind)"), rows))
    # What is asked through an index tells SQLite that it is worth knowing.
    await database.write(lambda tx: tx.execute(text("SELECT * FROM things WHERE kind = 'kind 1'")).all())

    await Optimize(database=database).run_once()

    known = await database.read(
        lambda tx: tx.execute(text("SELECT stat FROM sqlite_stat1 WHERE idx = 'by_kind'")).scalar()
    )
    assert known is not None
