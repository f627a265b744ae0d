"""One contact per person, whatever address they come under."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.contacts.models import Contact, ContactAlias
from gateway.contacts.service import Contacts
from gateway.db.sqlite import SqliteDatabase
from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.kit.errors import NotFoundError
from gateway.kit.ids import IdGenerator
from sessions.address import Address, Jid
from tests.conftest import add_org

PHONE, OTHER_PHONE = Jid.from_phone("+4915110000002"), Jid.from_phone("+4915110000003")
LID, OTHER_LID = Jid("77001", "lid"), Jid("77002", "lid")


@pytest.fixture
def contacts(clock: Any, ids: IdGenerator) -> Contacts:
    return Contacts(ids=ids, clock=clock, events=EventLog(clock=clock, check_payloads=True))


async def identify(database: Any, contacts: Contacts, *jids: Jid, name: str | None = None) -> Contact:
    return await database.write(lambda tx: contacts.identify(tx, org_id=1, address=Address.of(*jids), push_name=name))


async def test_the_same_number_is_the_same_contact(any_database: Any, any_org: Any, contacts: Contacts) -> None:
    first = await identify(any_database, contacts, PHONE)
    second = await identify(any_database, contacts, PHONE, name="Anna")

    assert first.id == second.id
    assert (second.phone, second.push_name, second.name) == ("+4915110000002", "Anna", None)


async def test_a_hidden_address_joins_the_number_as_soon_as_both_come_together(
    any_database: Any, any_org: Any, contacts: Contacts
) -> None:
    by_number = await identify(any_database, contacts, PHONE)
    await identify(any_database, contacts, PHONE, LID)

    by_lid = await identify(any_database, contacts, LID)

    assert by_lid.id == by_number.id
    assert by_lid.address == Address.of(PHONE, LID)


async def test_two_contacts_that_turn_out_to_be_one_are_merged_into_the_older(
    any_database: Any, any_org: Any, contacts: Contacts
) -> None:
    heard: list[tuple[int, int]] = []
    contacts.when_merged(lambda _tx, _org_id, gone, kept: heard.append((gone, kept)))
    older = await identify(any_database, contacts, PHONE, name="Anna")
    younger = await identify(any_database, contacts, LID)

    kept = await identify(any_database, contacts, PHONE, LID)

    assert kept.id == older.id
    assert (kept.phone, kept.lid, kept.push_name) == ("+4915110000002", "77001", "Anna")
    assert heard == [(younger.id, older.id)]
    found = await any_database.read(lambda tx: contacts.get(tx, org_id=1, contact_id=younger.id))
    assert found.id == older.id
    listed = await any_database.read(lambda tx: contacts.page(tx, org_id=1, limit=10))
    assert [contact.id for contact in listed] == [older.id]


async def test_a_changed_number_stays_with_its_person(database: Any, org: Any, contacts: Contacts) -> None:
    before = await identify(database, contacts, PHONE, LID)

    after = await identify(database, contacts, OTHER_PHONE, LID)

    assert after.id == before.id
    assert after.phone == "+4915110000003"
    assert (await identify(database, contacts, PHONE)).id == before.id


async def test_a_name_given_here_is_not_overwritten_by_a_push_name(database: Any, org: Any, contacts: Contacts) -> None:
    contact = await identify(database, contacts, PHONE, name="anna :)")
    await database.write(lambda tx: contacts.rename(tx, org_id=1, contact_id=contact.id, name="Anna Schmidt"))

    renamed = await identify(database, contacts, PHONE, name="anna in holidays")

    assert (renamed.display_name, renamed.push_name) == ("Anna Schmidt", "anna in holidays")


async def test_a_hostile_push_name_is_cut_and_cleaned(any_database: Any, any_org: Any, contacts: Contacts) -> None:
    contact = await identify(any_database, contacts, PHONE, name="A\x00" + "x" * 5000)

    assert contact.push_name is not None
    assert (contact.push_name[:2], len(contact.push_name)) == ("Ax", 200)


async def test_many_at_once_make_one_contact(any_database: Any, any_org: Any, contacts: Contacts) -> None:
    found = await asyncio.gather(*(identify(any_database, contacts, PHONE, LID) for _ in range(20)))

    assert len({contact.id for contact in found}) == 1


async def test_organizations_do_not_share_contacts(database: Any, org: Any, clock: Any, contacts: Contacts) -> None:
    mine = await identify(database, contacts, PHONE)

    with pytest.raises(NotFoundError) as refused:
        await database.read(lambda tx: contacts.get(tx, org_id=2, contact_id=mine.id))

    assert refused.value.code == "contact_not_found"
    assert await database.read(lambda tx: contacts.find_by_address(tx, org_id=2, address=Address.of(PHONE))) is None


_ADDRESSES = st.lists(
    st.sampled_from([(PHONE,), (LID,), (OTHER_PHONE,), (OTHER_LID,), (PHONE, LID), (OTHER_PHONE, OTHER_LID), (PHONE, OTHER_LID)]),
    min_size=1,
    max_size=12,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen=_ADDRESSES)
async def test_in_whatever_order_addresses_come_each_name_leads_to_one_living_contact(
    sqlite_template: Any, tmp_path_factory: pytest.TempPathFactory, clock: Any, contacts: Contacts, seen: Any
) -> None:
    path = tmp_path_factory.mktemp("contacts") / "wagate.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = await SqliteDatabase.open(path)
    await database.write(lambda tx: add_org(tx, clock))

    for jids in seen:
        await identify(database, contacts, *jids)

    def check(tx: Tx) -> None:
        for alias in tx.session.query(ContactAlias).all():
            contact = tx.session.get(Contact, alias.contact_id)
            assert contact is not None
            assert contact.merged_into_id is None
        for jids in seen:
            owners = {contacts.find_by_address(tx, org_id=1, address=Address.of(jid)) for jid in jids}
            assert len(owners) == 1

    await database.read(check)
    await database.close()
