"""The way in and out: the owner's set-up, signing in, signing out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiohttp import web

from gateway.access.accounts import Accounts, SignedIn
from gateway.access.schemas import SetupRequest, SignInRequest
from gateway.api.credentials import SignInCookie
from gateway.kit.errors import GatewayError, GoneError
from web.forms import parse_form, problems_of, read_form
from web.pages import Renderer
from web.visitor import Visitors, safe_target

_AFTER_SIGN_IN = "/sessions"


class SignInPages:
    """``/setup``, ``/sign-in`` and ``/sign-out``."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        cookie: SignInCookie,
        renderer: Renderer,
        visitors: Visitors,
        address_of: Callable[[web.BaseRequest], str],
    ) -> None:
        self._accounts = accounts
        self._cookie = cookie
        self._renderer = renderer
        self._visitors = visitors
        self._address_of = address_of

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/setup", self._show_setup),
            web.post("/setup", self._set_up),
            web.get("/sign-in", self._show_sign_in),
            web.post("/sign-in", self._sign_in),
            web.post("/sign-out", self._sign_out),
        ]

    async def _show_setup(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("token", "")
        if not await self._accounts.is_usable_setup_link(token):
            return self._renderer.page("setup_gone.html", status=410)
        return self._setup_page({"token": token})

    async def _set_up(self, request: web.Request) -> web.StreamResponse:
        self._visitors.demand_own_page(request)
        values = await read_form(request)
        try:
            form = parse_form(SetupRequest, values)
            signed_in = await self._accounts.set_up(
                token=form.token, name=form.name, email=form.email, password=form.password
            )
        except GoneError:
            return self._renderer.page("setup_gone.html", status=410)
        except GatewayError as error:
            return self._setup_page(values, problems=problems_of(error), status=error.status)
        return self._welcome(signed_in, _AFTER_SIGN_IN)

    async def _show_sign_in(self, request: web.Request) -> web.StreamResponse:
        target = safe_target(request.query.get("next", _AFTER_SIGN_IN))
        if await self._visitors.find(request) is not None:
            raise web.HTTPSeeOther(target)
        return self._sign_in_page({"next": target})

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        self._visitors.demand_own_page(request)
        values = await read_form(request)
        try:
            form = parse_form(SignInRequest, values)
            signed_in = await self._accounts.sign_in(
                email=form.email, password=form.password, address=self._address_of(request)
            )
        except GatewayError as error:
            return self._sign_in_page(values, problems=problems_of(error), status=error.status)
        return self._welcome(signed_in, safe_target(values.get("next", _AFTER_SIGN_IN)))

    async def _sign_out(self, request: web.Request) -> web.StreamResponse:
        self._visitors.demand_own_page(request)
        token = self._cookie.read(request)
        if token is not None:
            await self._accounts.sign_out(token)
        response = web.HTTPSeeOther("/sign-in")
        self._cookie.clear(response)
        raise response

    def _welcome(self, signed_in: SignedIn, target: str) -> web.StreamResponse:
        response = web.Response(status=303, headers={"Location": target})
        self._cookie.write(response, signed_in.token, max_age_seconds=signed_in.max_age_seconds)
        return response

    def _setup_page(
        self, values: dict[str, str], *, problems: dict[str, str] | None = None, status: int = 200
    ) -> web.Response:
        return self._renderer.page("setup.html", values=_shown(values), problems=problems or {}, status=status)

    def _sign_in_page(
        self, values: dict[str, str], *, problems: dict[str, str] | None = None, status: int = 200
    ) -> web.Response:
        return self._renderer.page("sign_in.html", values=_shown(values), problems=problems or {}, status=status)


def _shown(values: dict[str, str]) -> dict[str, str]:
    """What was typed, to be corrected; never the password."""
    return {name: values.get(name, "") for name in ("token", "name", "email", "next")}
