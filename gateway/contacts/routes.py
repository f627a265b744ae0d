"""Contacts over HTTP."""

from __future__ import annotations

from pydantic import Field

from gateway.api.fields import id_in_path
from gateway.api.paging import PageQuery, page_of
from gateway.api.route import Call, route
from gateway.contacts.schemas import ContactOut, ContactPage, ContactPatch, render_contact
from gateway.contacts.service import Contacts
from gateway.db.tx import Database


class ContactQuery(PageQuery):
    search: str | None = Field(None, min_length=1, max_length=100, description="Part of a name or number.")


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
        description="The id of a contact that was merged leads to the one that stays.",
        gives=ContactOut,
        errors=("contact_not_found",),
    )
    async def read(self, call: Call) -> dict[str, object]:
        org_id, contact_id = call.caller.org_id, _contact_id(call)
        return render_contact(
            await self._database.read(lambda tx: self._contacts.get(tx, org_id=org_id, contact_id=contact_id))
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
        org_id, contact_id = call.caller.org_id, _contact_id(call)
        changes = call.body.model_dump(exclude_unset=True)
        return render_contact(
            await self._database.write(
                lambda tx: self._contacts.change(tx, org_id=org_id, contact_id=contact_id, **changes)
            )
        )


def _contact_id(call: Call) -> int:
    return id_in_path("con", call.path["id"], code="contact_not_found")
