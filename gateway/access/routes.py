"""``/api/v1/api-keys`` and ``/api/v1/auth``."""

from __future__ import annotations

from aiohttp import web

from gateway.access.accounts import Accounts, SignedIn
from gateway.access.errors import SignInEndedError
from gateway.access.schemas import (
    ApiKeyMade,
    ApiKeyNew,
    ApiKeyOut,
    CallerOut,
    SetupRequest,
    SignInRequest,
    UserOut,
    render_key,
    render_user,
)
from gateway.access.service import Access
from gateway.api.answering import encode
from gateway.api.credentials import SignInCookie
from gateway.api.fields import id_in_path
from gateway.api.paging import Page, PageQuery, page_of
from gateway.api.route import ANY_CALLER, Call, route
from gateway.db.tx import Database, Tx
from gateway.principal import Principal, PrincipalKind


class ApiKeyRoutes:
    """Keys are made and revoked by people, never by keys."""

    def __init__(self, *, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    @route(
        "GET",
        "/api/v1/api-keys",
        operation="api_keys.list",
        summary="List API keys",
        tag="api-keys",
        query=PageQuery,
        gives=Page[ApiKeyOut],
        people_only=True,
    )
    async def list(self, call: Call) -> Page[ApiKeyOut]:
        query: PageQuery = call.query
        org_id, before = call.caller.org_id, query.position()
        rows = await self._database.read(
            lambda tx: self._access.page_of_keys(tx, org_id=org_id, before=before, limit=query.limit + 1)
        )
        kept, after = page_of(rows, limit=query.limit, position=lambda row: row.id)
        return Page[ApiKeyOut](items=[ApiKeyOut.model_validate(render_key(row)) for row in kept], next=after)

    @route(
        "POST",
        "/api/v1/api-keys",
        operation="api_keys.create",
        summary="Make an API key",
        tag="api-keys",
        description="The answer is the only place where the key itself is ever shown.",
        takes=ApiKeyNew,
        gives=ApiKeyMade,
        status=201,
        people_only=True,
        idempotent_key=True,
    )
    async def create(self, call: Call) -> ApiKeyMade:
        body: ApiKeyNew = call.body

        def work(tx: Tx) -> ApiKeyMade:
            row, plaintext = self._access.create_key(
                tx,
                org_id=call.caller.org_id,
                name=body.name,
                scopes=body.scopes,
                session_ids=body.sessions,
                expires_at=body.expires_at,
                user_id=call.caller.subject_id,
            )
            shown = render_key(row)
            call.remember(tx, ApiKeyMade.model_validate({**shown, "key": None}))
            return ApiKeyMade.model_validate({**shown, "key": plaintext})

        return await self._database.write(work)

    @route(
        "DELETE",
        "/api/v1/api-keys/{id}",
        operation="api_keys.revoke",
        summary="Revoke an API key",
        tag="api-keys",
        description="It is refused everywhere within a second.",
        errors=("api_key_not_found",),
        people_only=True,
    )
    async def revoke(self, call: Call) -> None:
        key_id = id_in_path("key", call.path["id"], code="api_key_not_found")
        org_id = call.caller.org_id
        await self._database.write(lambda tx: self._access.revoke_key(tx, org_id=org_id, key_id=key_id))


class AuthRoutes:
    """Signing in and out."""

    def __init__(self, *, accounts: Accounts, cookie: SignInCookie) -> None:
        self._accounts = accounts
        self._cookie = cookie

    @route(
        "POST",
        "/api/v1/auth/login",
        operation="auth.login",
        summary="Sign in",
        tag="sign-in",
        description="Sets the sign-in cookie.",
        public=True,
        takes=SignInRequest,
        gives=UserOut,
        errors=("sign_in_refused", "sign_in_throttled"),
    )
    async def login(self, call: Call) -> web.Response:
        body: SignInRequest = call.body
        signed_in = await self._accounts.sign_in(email=body.email, password=body.password, address=call.address)
        return self._with_cookie(signed_in, status=200)

    @route(
        "POST",
        "/api/v1/auth/setup",
        operation="auth.setup",
        summary="Become the owner, with the one-time set-up link",
        tag="sign-in",
        description="Works once, while nobody can sign in. Sets the sign-in cookie.",
        public=True,
        takes=SetupRequest,
        gives=UserOut,
        status=201,
        errors=("setup_link_unusable", "password_unsound"),
    )
    async def set_up(self, call: Call) -> web.Response:
        body: SetupRequest = call.body
        signed_in = await self._accounts.set_up(
            token=body.token, name=body.name, email=body.email, password=body.password
        )
        return self._with_cookie(signed_in, status=201)

    @route(
        "POST",
        "/api/v1/auth/logout",
        operation="auth.logout",
        summary="Sign out",
        tag="sign-in",
        scope=ANY_CALLER,
        people_only=True,
    )
    async def logout(self, call: Call) -> web.Response:
        token = self._cookie.read(call.request)
        if token is not None:
            await self._accounts.sign_out(token)
        response = web.Response(status=204)
        self._cookie.clear(response)
        return response

    @route(
        "GET",
        "/api/v1/auth/me",
        operation="auth.me",
        summary="Who am I?",
        tag="sign-in",
        scope=ANY_CALLER,
        gives=CallerOut,
    )
    async def me(self, call: Call) -> CallerOut:
        caller = call.caller
        is_key = caller.kind is PrincipalKind.API_KEY
        return CallerOut(
            kind=caller.kind,
            org=caller.org_id,
            user=await self._user(caller),
            api_key=caller.subject_id if is_key else None,
            scopes=list(caller.scopes),
            sessions=None if caller.session_ids is None else sorted(caller.session_ids),
        )

    async def _user(self, caller: Principal) -> UserOut | None:
        if caller.kind is not PrincipalKind.USER or caller.subject_id is None:
            return None
        user = await self._accounts.find_user(org_id=caller.org_id, user_id=caller.subject_id)
        if user is None:
            raise SignInEndedError
        return render_user(user)

    def _with_cookie(self, signed_in: SignedIn, *, status: int) -> web.Response:
        response = web.Response(
            status=status, body=encode(render_user(signed_in.user)), content_type="application/json", charset="utf-8"
        )
        self._cookie.write(response, signed_in.token, max_age_seconds=signed_in.max_age_seconds)
        return response
