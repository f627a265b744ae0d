"""Sessions and pairing links in the store, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.fleet import store
from gateway.fleet.errors import PairingLinkGoneError, SessionNameTakenError
from gateway.fleet.models import Session
from gateway.kit.errors import NotFoundError
from gateway.kit.ids import IdGenerator
from sessions.status import SessionStatus
from tests.conftest import add_org
from tests.fleet.rig import CALLER, FleetRig, build_rig


@pytest.fixture
def fleet(any_database: Any, any_org: Any, clock: Any, ids: IdGenerator, tmp_path: Path) -> FleetRig:
    """Not started: here only rows matter."""
    return build_rig(database=any_database, clock=clock, ids=ids, folder=tmp_path)


async def test_names_are_unique_among_sessions_that_are_there(fleet: FleetRig) -> None:
    session = await fleet.create("shop")
    with pytest.raises(SessionNameTakenError):
        await fleet.create("shop")

    await fleet.change(session, fleet.sessions.remove)

    assert (await fleet.create("shop")).name == "shop"


async def test_another_organization_sees_nothing(fleet: FleetRig, clock: Any) -> None:
    session = await fleet.create("shop")
    await fleet.database.write(lambda tx: add_org(tx, clock, org_id=2))

    def look(tx: Any) -> tuple[Any, Any, Any]:
        return (
            store.find(tx, org_id=2, session_id=session.id),
            store.find_by_name(tx, org_id=2, name="shop"),
            store.page(tx, org_id=2, after=None, limit=10, status=None, only=None),
        )

    found, by_name, listed = await fleet.database.read(look)
    assert found is None
    assert by_name is None
    assert listed == []


async def test_the_same_account_is_found_under_either_of_its_addresses(fleet: FleetRig) -> None:
    first = await fleet.create("first")
    second = await fleet.create("second")

    def link(tx: Any) -> None:
        row = store.find_any(tx, session_id=first.id)
        row.paired_at, row.pn, row.lid = row.created_at, "15550100001@s.whatsapp.net", "77@lid"

    await fleet.database.write(link)

    async def linked(pn: str | None, lid: str | None, but: Session) -> str | None:
        found = await fleet.database.read(lambda tx: store.find_linked(tx, org_id=1, pn=pn, lid=lid, but=but.id))
        return found.name if found else None

    assert await linked("15550100001@s.whatsapp.net", None, second) == "first"
    assert await linked(None, "77@lid", second) == "first"
    assert await linked("1@s.whatsapp.net", "77@lid", second) == "first"
    assert await linked("15550100001@s.whatsapp.net", "77@lid", first) is None
    assert await linked("15550100002@s.whatsapp.net", "78@lid", second) is None
    assert await linked(None, None, second) is None


async def test_statuses_of_an_earlier_life_are_settled(fleet: FleetRig) -> None:
    names = {status: (await fleet.create(status.value)) for status in SessionStatus}

    def set_all(tx: Any) -> None:
        for status, session in names.items():
            row = store.find_any(tx, session_id=session.id)
            row.status, row.live = status, status == SessionStatus.CONNECTED

    await fleet.database.write(set_all)
    await fleet.database.write(fleet.progress.settle_stale)

    after = {status: await fleet.row(session) for status, session in names.items()}
    for status in ("starting", "pairing", "connecting", "connected", "reconnecting"):
        assert after[SessionStatus(status)].status == "stopped"
    for status in ("logged_out", "banned", "replaced", "outdated", "passkey_required", "failed"):
        assert after[SessionStatus(status)].status == status
    assert not any(row.live for row in after.values())


async def test_a_link_opens_until_it_expires(fleet: FleetRig, clock: Any) -> None:
    session = await fleet.create()
    link, token = await fleet.database.write(lambda tx: fleet.links.create(tx, session, valid_seconds=600))

    opened, of = await fleet.database.read(lambda tx: fleet.links.open(tx, token))
    clock.advance(601)

    assert (opened.id, of.id) == (link.id, session.id)
    assert link.expires_at == link.created_at + timedelta(seconds=600)
    assert token.encode() not in bytes(link.token_hash)
    with pytest.raises(PairingLinkGoneError):
        await fleet.database.read(lambda tx: fleet.links.open(tx, token))


async def test_withdrawing_ends_every_open_link_of_one_session_only(fleet: FleetRig) -> None:
    shop, other = await fleet.create("shop"), await fleet.create("other")
    tokens = []
    for session in (shop, shop, other):
        made = await fleet.database.write(
            lambda tx, session=session: fleet.links.create(tx, session, valid_seconds=600)
        )
        tokens.append(made[1])

    count = await fleet.database.write(lambda tx: fleet.links.void(tx, shop))
    again = await fleet.database.write(lambda tx: fleet.links.void(tx, shop))

    assert (count, again) == (2, 0)
    for token in tokens[:2]:
        with pytest.raises(PairingLinkGoneError) as gone:
            await fleet.database.read(lambda tx, token=token: fleet.links.open(tx, token))
        assert gone.value.code == "pairing_link_void"
    await fleet.database.read(lambda tx: fleet.links.open(tx, tokens[2]))


async def test_a_token_that_was_never_given_opens_nothing(fleet: FleetRig) -> None:
    with pytest.raises(NotFoundError):
        await fleet.database.read(lambda tx: fleet.links.open(tx, "x" * 43))


async def test_pages_go_on_where_the_last_one_ended(fleet: FleetRig) -> None:
    made = [await fleet.create(f"session-{number}") for number in range(5)]

    def read(tx: Any) -> list[str]:
        first = fleet.sessions.list(tx, CALLER, limit=2)
        rest = fleet.sessions.list(tx, CALLER, limit=10, after=first[-1].id)
        return [session.name for session in (*first, *rest)]

    assert await fleet.database.read(read) == [session.name for session in made]
