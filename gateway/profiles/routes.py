"""The linked account over HTTP: its profile and its privacy settings."""

from __future__ import annotations

import hashlib
from typing import Final

from gateway.api.route import Call, route
from gateway.db.tx import Database
from gateway.fleet.models import Session
from gateway.fleet.service import Sessions
from gateway.kit.errors import MediaTypeError, TooLargeError, UnsupportedError
from gateway.profiles.asking import SESSION_ERRORS, Asking
from gateway.profiles.schemas import PictureOut, PrivacyIn, PrivacyOut, ProfileIn, ProfileOut
from sessions.address import Address, Jid
from sessions.capabilities import UNSUPPORTED, Capability
from sessions.commands.account import (
    FetchPeople,
    FetchPrivacy,
    PeopleFound,
    PictureSet,
    PrivacyFound,
    SetAbout,
    SetName,
    SetPicture,
    SetPrivacy,
)
from sessions.commands.people import FetchPicture, PictureFound

_TAG = "profile"
_ONE = "/api/v1/sessions/{session}"
_ASKED = (*SESSION_ERRORS, "refused", "whatsapp_busy", "outcome_unknown")
_MOST_PICTURE_BYTES: Final = 5 * 1024 * 1024
_JPEG: Final = b"\xff\xd8\xff"
_NEEDS_A_LIST: Final = "contacts_except"


class ProfileRoutes:
    """``{session}`` is an id or a name."""

    def __init__(self, *, database: Database, sessions: Sessions, asking: Asking) -> None:
        self._database = database
        self._sessions = sessions
        self._asking = asking

    @route(
        "GET",
        f"{_ONE}/profile",
        operation="sessions.profile_read",
        summary="Read the profile of the linked account",
        tag=_TAG,
        gives=ProfileOut,
        errors=_ASKED,
    )
    async def read(self, call: Call) -> dict[str, object]:
        return await self._profile(await self._session(call))

    @route(
        "PUT",
        f"{_ONE}/profile",
        operation="sessions.profile_update",
        summary="Change the name or the about text of the linked account",
        tag=_TAG,
        takes=ProfileIn,
        gives=ProfileOut,
        errors=(*_ASKED, "engine_error"),
        description="The name can be changed once the phone has shared its keys for it, some seconds after linking.",
    )
    async def update(self, call: Call) -> dict[str, object]:
        body: ProfileIn = call.body
        session = await self._session(call)
        if body.name is not None:
            await self._asking.ask(session, SetName(name=body.name))
            await self._note_name(call, body.name)
            self._asking.note_name(session, body.name)
        if body.about is not None:
            await self._asking.ask(session, SetAbout(about=body.about))
        return await self._profile(session)

    @route(
        "PUT",
        f"{_ONE}/profile/picture",
        operation="sessions.profile_picture",
        summary="Change the picture of the linked account",
        tag=_TAG,
        scope="sessions.profile_update",
        gives=PictureOut,
        raw_body=True,
        errors=(*_ASKED, "media_type_refused", "too_large"),
        description="The body is a JPEG of up to 5 MB; WhatsApp shows it as a square. A picture cannot be removed "
        "with this engine, only replaced.",
    )
    async def set_picture(self, call: Call) -> dict[str, object]:
        session = await self._session(call)
        jpeg = await _read_picture(call)
        made = await self._asking.ask(session, SetPicture(jpeg=jpeg))
        assert isinstance(made, PictureSet), "the engine answers SetPicture with PictureSet"
        return {"picture_id": made.picture_id}

    @route(
        "GET",
        f"{_ONE}/profile/business",
        operation="sessions.business_profile",
        summary="Read the business profile of the linked account",
        tag=_TAG,
        scope="sessions.profile_read",
        gives=ProfileOut,
        errors=(*SESSION_ERRORS, "engine_unsupported"),
        description="Answers `501 engine_unsupported`: the engine knows the verified name, which stands in the "
        "profile, and nothing else of a business.",
    )
    async def business(self, call: Call) -> dict[str, object]:
        await self._session(call)
        raise UnsupportedError(UNSUPPORTED[Capability.BUSINESS_PROFILE])

    @route(
        "GET",
        f"{_ONE}/privacy",
        operation="sessions.privacy_read",
        summary="Read who sees what of the linked account",
        tag=_TAG,
        gives=PrivacyOut,
        errors=_ASKED,
    )
    async def privacy(self, call: Call) -> dict[str, object]:
        return _shown(await self._asking.ask(await self._session(call), FetchPrivacy()))

    @route(
        "PATCH",
        f"{_ONE}/privacy",
        operation="sessions.privacy_update",
        summary="Change who sees what of the linked account",
        tag=_TAG,
        takes=PrivacyIn,
        gives=PrivacyOut,
        errors=(*_ASKED, "engine_unsupported"),
    )
    async def set_privacy(self, call: Call) -> dict[str, object]:
        session = await self._session(call)
        changes = call.body.model_dump(exclude_none=True)
        if _NEEDS_A_LIST in changes.values():
            raise UnsupportedError("Who the exceptions are can only be chosen on the phone.")
        for name, value in changes.items():
            await self._asking.ask(session, SetPrivacy(name=name, value=value))
        return _shown(await self._asking.ask(session, FetchPrivacy()))

    async def _session(self, call: Call) -> Session:
        return await self._asking.session(call.caller, call.path["session"])

    async def _profile(self, session: Session) -> dict[str, object]:
        me = Address.of(*(Jid.parse(jid) for jid in (session.pn, session.lid) if jid is not None))
        found = await self._asking.ask(session, FetchPeople(who=(me,)))
        picture = await self._asking.ask(session, FetchPicture(who=me, preview=False))
        assert isinstance(found, PeopleFound), "the engine answers FetchPeople with PeopleFound"
        assert isinstance(picture, PictureFound), "the engine answers FetchPicture with PictureFound"
        person = found.people[0] if found.people else None
        return {
            "name": session.push_name,
            "about": person.about if person else None,
            "picture_id": person.picture_id if person else None,
            "picture_url": picture.url,
            "verified_name": person.verified_name if person else None,
            "phone": session.phone,
            "lid": str(me.lid) if me.lid else None,
        }

    async def _note_name(self, call: Call, name: str) -> None:
        principal, ref = call.caller, call.path["session"]
        await self._database.write(lambda tx: self._sessions.note_name(self._sessions.get(tx, principal, ref), name))


def _shown(answer: object) -> dict[str, object]:
    assert isinstance(answer, PrivacyFound), "the engine answers with the settings"
    return {str(name): value for name, value in answer.settings.items()}


async def _read_picture(call: Call) -> bytes:
    body = bytearray()
    async for piece in call.request.content.iter_chunked(64 * 1024):
        body += piece
        if len(body) > _MOST_PICTURE_BYTES:
            raise TooLargeError("A picture may have up to 5 MB.")
    if not body.startswith(_JPEG):
        raise MediaTypeError("The picture must be a JPEG.", code="media_type_refused")
    call.body_is(hashlib.sha256(body).digest())
    return bytes(body)
