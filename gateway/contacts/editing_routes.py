"""Adding, deleting and merging contacts, over HTTP."""

from __future__ import annotations

from gateway.api.fields import id_in_path
from gateway.api.route import Call, route
from gateway.contacts.editing import ContactEditor
from gateway.contacts.schemas import ContactIn, ContactOut, MergeIn, render_contact
from gateway.db.tx import Database, Tx

_ALL = "/api/v1/contacts"
_ONE = "/api/v1/contacts/{id}"
_TAG = "contacts"


class ContactEditingRoutes:
    """``/api/v1/contacts``, where contacts come and go."""

    def __init__(self, *, database: Database, editor: ContactEditor) -> None:
        self._database = database
        self._editor = editor

    @route(
        "POST",
        _ALL,
        operation="contacts.create",
        summary="Add a contact",
        tag=_TAG,
        description="Numbers that a country writes in two ways (Brazil, Mexico, Argentina) are one person.",
        takes=ContactIn,
        gives=ContactOut,
        status=201,
        idempotent_key=True,
        errors=("recipient_invalid", "contact_exists"),
    )
    async def create(self, call: Call) -> dict[str, object]:
        def work(tx: Tx) -> dict[str, object]:
            given = call.body
            contact = self._editor.create(
                tx, org_id=call.caller.org_id, to=given.to, name=given.name, timezone=given.timezone
            )
            answer = render_contact(contact)
            call.remember(tx, answer)
            return answer

        return await self._database.write(work)

    @route(
        "DELETE",
        _ONE,
        operation="contacts.delete",
        summary="Delete a contact",
        tag=_TAG,
        description="It leaves lists and searches; chats and messages stay. It can be restored by its id, and comes back "
        "by itself when the person writes or is written to.",
        errors=("contact_not_found",),
    )
    async def delete(self, call: Call) -> None:
        org_id, reference = call.caller.org_id, call.path["id"]
        await self._database.write(lambda tx: self._editor.delete(tx, org_id=org_id, reference=reference))

    @route(
        "POST",
        f"{_ONE}/restore",
        operation="contacts.restore",
        summary="Take the deletion of a contact back",
        tag=_TAG,
        gives=ContactOut,
        idempotent_key=True,
        errors=("contact_not_found",),
    )
    async def restore(self, call: Call) -> dict[str, object]:
        contact_id = id_in_path("con", call.path["id"], code="contact_not_found")

        def work(tx: Tx) -> dict[str, object]:
            answer = render_contact(self._editor.restore(tx, org_id=call.caller.org_id, contact_id=contact_id))
            call.remember(tx, answer)
            return answer

        return await self._database.write(work)

    @route(
        "POST",
        f"{_ONE}/merge",
        operation="contacts.merge",
        summary="Say that two contacts are one person",
        tag=_TAG,
        description="The contact in the body goes into the one in the path, with its chats, messages and addresses. Its "
        "id goes on working and leads to the one that stays. This cannot be taken back.",
        takes=MergeIn,
        gives=ContactOut,
        idempotent_key=True,
        errors=("contact_not_found", "contacts_are_one"),
    )
    async def merge(self, call: Call) -> dict[str, object]:
        org_id, into, other = call.caller.org_id, call.path["id"], call.body.contact

        def work(tx: Tx) -> dict[str, object]:
            answer = render_contact(self._editor.merge(tx, org_id=org_id, into=into, other=other))
            call.remember(tx, answer)
            return answer

        return await self._database.write(work)
