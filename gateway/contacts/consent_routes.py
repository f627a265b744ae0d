"""What people want to hear from us, over HTTP."""

from __future__ import annotations

from collections.abc import Callable

from gateway.api.fields import id_in_path
from gateway.api.paging import PageQuery, page_of
from gateway.api.route import Call, route
from gateway.contacts.consents import Consents, Evidence
from gateway.contacts.models import Contact
from gateway.contacts.schemas import ConsentIn, ConsentPage, ContactOut, render_consent, render_contact
from gateway.contacts.service import Contacts
from gateway.db.tx import Database, Tx

_ONE = "/api/v1/contacts/{id}"
_TAG = "contacts"


class ConsentRoutes:
    """``/api/v1/contacts/{id}/opt-out`` and its neighbours."""

    def __init__(self, *, database: Database, contacts: Contacts, consents: Consents) -> None:
        self._database = database
        self._contacts = contacts
        self._consents = consents

    @route(
        "POST",
        f"{_ONE}/opt-out",
        operation="contacts.opt_out",
        summary="Send a contact no marketing any more",
        tag=_TAG,
        description="Marketing that waits for its turn is skipped. Kept with who said so, when and why.",
        takes=ConsentIn,
        gives=ContactOut,
        idempotent_key=True,
        errors=("contact_not_found",),
    )
    async def opt_out(self, call: Call) -> dict[str, object]:
        evidence = Evidence.told_by(call.caller, call.body.note)
        return await self._change(call, lambda tx, contact: self._consents.opt_out(tx, contact, evidence))

    @route(
        "POST",
        f"{_ONE}/opt-in",
        operation="contacts.opt_in",
        summary="Allow marketing to a contact again",
        tag=_TAG,
        takes=ConsentIn,
        gives=ContactOut,
        idempotent_key=True,
        errors=("contact_not_found",),
    )
    async def opt_in(self, call: Call) -> dict[str, object]:
        evidence = Evidence.told_by(call.caller, call.body.note)
        return await self._change(call, lambda tx, contact: self._consents.opt_in(tx, contact, evidence))

    @route(
        "POST",
        f"{_ONE}/block",
        operation="contacts.block",
        summary="Send a contact nothing at all any more",
        tag=_TAG,
        description="What waits for its turn is skipped. WhatsApp is not told: their messages still arrive.",
        gives=ContactOut,
        idempotent_key=True,
        errors=("contact_not_found",),
    )
    async def block(self, call: Call) -> dict[str, object]:
        return await self._change(call, lambda tx, contact: self._consents.block(tx, contact, blocked=True))

    @route(
        "POST",
        f"{_ONE}/unblock",
        operation="contacts.unblock",
        summary="Allow messages to a contact again",
        tag=_TAG,
        gives=ContactOut,
        idempotent_key=True,
        errors=("contact_not_found",),
    )
    async def unblock(self, call: Call) -> dict[str, object]:
        return await self._change(call, lambda tx, contact: self._consents.block(tx, contact, blocked=False))

    @route(
        "GET",
        f"{_ONE}/consents",
        operation="contacts.consents",
        summary="What a contact has said about marketing, newest first",
        tag=_TAG,
        scope="contacts.read",
        query=PageQuery,
        gives=ConsentPage,
        errors=("contact_not_found",),
    )
    async def list(self, call: Call) -> dict[str, object]:
        limit, position = call.query.limit, call.query.position()
        rows = await self._database.read(
            lambda tx: self._consents.page(tx, self._contact(tx, call), limit=limit + 1, before_id=position)
        )
        kept, following = page_of(rows, limit=limit, position=lambda row: row.id)
        return {"items": [render_consent(row) for row in kept], "next": following}

    async def _change(self, call: Call, change: Callable[[Tx, Contact], object]) -> dict[str, object]:
        def work(tx: Tx) -> dict[str, object]:
            contact = self._contact(tx, call)
            change(tx, contact)
            answer = render_contact(contact)
            call.remember(tx, answer)
            return answer

        return await self._database.write(work)

    def _contact(self, tx: Tx, call: Call) -> Contact:
        contact_id = id_in_path("con", call.path["id"], code="contact_not_found")
        return self._contacts.get(tx, org_id=call.caller.org_id, contact_id=contact_id)
