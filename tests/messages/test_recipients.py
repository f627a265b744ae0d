"""What ``to`` may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contacts.phones import read_phone
from gateway.kit.errors import InvalidError
from gateway.messages.recipients import read_recipient
from sessions.address import AddressKind


@pytest.mark.parametrize(
    ("written", "phone"),
    [
        ("+4915112345678", "+4915112345678"),
        ("4915112345678", "+4915112345678"),
        ("0049 151 123 456 78", "+4915112345678"),
        ("+49 (151) 123-456-78", "+4915112345678"),
        (" +1 202-555-0101 ", "+12025550101"),
        ("12025550101", "+12025550101"),
        ("+55 11 98765-4321", "+5511987654321"),
    ],
)
def test_numbers_are_read_as_people_write_them(written: str, phone: str) -> None:
    assert read_phone(written, field="to") == phone
    assert read_recipient(written).address is not None


@pytest.mark.parametrize(
    "written",
    [
        "",
        "+",
        "abc",
        "+12",
        "015112345678",
        "+49",
        "+999123456789",
        "123456789012345678901",
        "+1 202 555 01O1",
        "١٢٣٤٥٦٧٨٩٠",
    ],
)
def test_what_cannot_be_a_number_is_refused(written: str) -> None:
    with pytest.raises(InvalidError) as refused:
        read_phone(written, field="to")

    assert refused.value.fields[0].path == "to"


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("4915112345678@s.whatsapp.net", AddressKind.PERSON),
        ("77001@lid", AddressKind.PERSON),
        ("120363000000000001@g.us", AddressKind.GROUP),
        ("status@broadcast", AddressKind.STATUS),
        ("120363000000000001@newsletter", AddressKind.NEWSLETTER),
        ("4915112345678-1600000000@g.us", AddressKind.GROUP),
    ],
)
def test_whatsapp_addresses_are_taken_as_they_are(written: str, kind: AddressKind) -> None:
    recipient = read_recipient(written)

    assert recipient.address is not None
    assert recipient.address.kind is kind
    assert str(recipient.address.primary) == written


@pytest.mark.parametrize("written", ["5@broadcast", "a@newsletter", "a@b", "@lid", "x@g.us", "1@c.us", "con_nothing"])
def test_other_addresses_are_refused(written: str) -> None:
    with pytest.raises(InvalidError):
        read_recipient(written)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_an_orderly_way(written: str) -> None:
    try:
        recipient = read_recipient(written)
    except InvalidError:
        return
    assert (recipient.contact_id is None) != (recipient.address is None)


@given(st.integers(min_value=0, max_value=10**18).map(str))
def test_reading_a_number_twice_changes_nothing(digits: str) -> None:
    try:
        once = read_phone(digits, field="to")
    except InvalidError:
        return
    assert read_phone(once, field="to") == once
