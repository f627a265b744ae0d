"""The question that receivers written for Meta's webhooks expect before they are told anything."""

from __future__ import annotations

import secrets
from typing import Final
from urllib.parse import urlencode

from gateway.kit.errors import FieldError, InvalidError
from gateway.kit.guarded_http import GuardedHttp, RequestFailedError

_TIMEOUT_SECONDS: Final = 10.0
_READ_BYTES: Final = 1_000


class Challenger:
    """Asks an endpoint to prove that it expects us: it knows the token, and says the challenge back."""

    def __init__(self, http: GuardedHttp) -> None:
        self._http = http

    async def demand(self, url: str, verify_token: str) -> None:
        """Raise InvalidError unless the endpoint answers as it should; AddressRefusedError where nobody may ask it."""
        challenge = str(secrets.randbelow(10**10))
        asked = urlencode({"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token})
        glue = "&" if "?" in url else "?"
        try:
            async with self._http.request("GET", f"{url}{glue}{asked}", timeout_seconds=_TIMEOUT_SECONDS) as response:
                said, _ = await response.read(_READ_BYTES)
        except RequestFailedError as error:
            raise _not_proven(f"It could not be asked: {error.code}.") from error
        if response.status != 200 or said.decode("utf-8", "replace").strip() != challenge:
            raise _not_proven(f"It answered {response.status} and did not say the challenge back.")


def _not_proven(what: str) -> InvalidError:
    problem = f"The endpoint did not prove that it expects us. {what}"
    return InvalidError(problem, code="webhook_not_verified", fields=(FieldError(path="url", problem=problem),))
