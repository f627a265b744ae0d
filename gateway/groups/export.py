"""The members of a group as a table that spreadsheets can open without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from gateway.groups.store import Person
from gateway.kit.ids import render_id
from gateway.kit.times import render_time

_HEADING = ("phone", "name", "role", "since", "contact", "lid")
#: With one of these in front, a spreadsheet takes a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_table(people: Sequence[Person]) -> str:
    """CSV with a heading. Numbers are ours and plain digits behind their plus sign; names are anybody's."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(_HEADING)
    for person in people:
        contact = person.contact
        lid = contact.address.lid
        writer.writerow(
            (
                contact.phone or "",
                harmless(contact.display_name or ""),
                person.role,
                render_time(person.since),
                render_id("con", contact.id),
                str(lid) if lid else "",
            )
        )
    return table.getvalue()


def harmless(text: str) -> str:
    """The text, marked as text where a spreadsheet would run it."""
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text
