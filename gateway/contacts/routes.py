"""Contacts over HTTP."""

from __future__ import annotations

from pydantic import Field

from gateway.api.paging import PageQuery, page_of
from gateway.api.route import Call, route
from gateway.contacts.references import find_contact
from gateway.contacts.schemas import ContactOut, ContactPage, ContactPatch, render_contact
from gateway.contacts.service import Contacts
from gateway.db.tx import Database, Tx


class ContactQuery(PageQuery):
    search: str | None = Field(
        None, min_length=1, max_length=100, description="Part of a name or number; accents do not matter."
    )


class ContactRoutes:
    """``/api/v1/contacts``."""

    def __init__(self, *, database: Database, contacts: Contacts) -> None:
        self._database = database
        self._contacts = contacts

    @route(
        "GET",
        "/api/v1/contacts",
        operation="contacts.list",
        summary="List contacts, newest first",
        tag="contacts",
        query=ContactQuery,
        gives=ContactPage,
    )
    async def list(self, call: Call) -> dict[str, object]:
        org_id, query = call.caller.org_id, call.query
        position = query.position()
        rows = await self._database.read(
            lambda tx: self._contacts.page(
                tx, org_id=org_id, limit=query.limit + 1, before_id=position, search=query.search
            )
        )
        kept, following = page_of(rows, limit=query.limit, position=lambda contact: contact.id)
        return {"items": [render_contact(contact) for contact in kept], "next": following}

    @route(
        "GET",
        "/api/v1/contacts/{id}",
        operation="contacts.read",
        summary="Read a contact",
        tag="contacts",
        description="By its id, by any number or by any WhatsApp address that leads to it. The id of a contact that was "
        "merged leads to the one that stays.",
        gives=ContactOut,
        errors=("contact_not_found",),
    )
    async def read(self, call: Call) -> dict[str, object]:
        org_id, reference = call.caller.org_id, call.path["id"]
        return render_contact(
            await self._database.read(lambda tx: find_contact(tx, self._contacts, reference, org_id=org_id))
        )

    @route(
        "PATCH",
        "/api/v1/contacts/{id}",
        operation="contacts.update",
        summary="Change a contact",
        tag="contacts",
        takes=ContactPatch,
        gives=ContactOut,
        errors=("contact_not_found",),
    )
    async def update(self, call: Call) -> dict[str, object]:
        org_id, reference = call.caller.org_id, call.path["id"]
        changes = call.body.model_dump(exclude_unset=True)

        def work(tx: Tx) -> dict[str, object]:
            contact = find_contact(tx, self._contacts, reference, org_id=org_id)
            return render_contact(self._contacts.change(tx, org_id=org_id, contact_id=contact.id, **changes))

        return await self._database.write(work)
