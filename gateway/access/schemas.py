"""How keys and users look at the edge."""

from __future__ import annotations

import re
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gateway.access.models import ApiKey, User
from gateway.api.fields import KeyId, OrgId, SessionId, UserId, UtcTime

_SCOPE: Final = re.compile(r"[a-z0-9_*?.\[\]-]{1,80}")


class ApiKeyNew(BaseModel):
    """What a new key may do."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, examples=["Web shop"])
    scopes: list[str] = Field(
        default=["*"],
        min_length=1,
        max_length=50,
        description="Globs over operation ids. `*` is everything that keys may do.",
        examples=[["messages.*", "sessions.read"]],
    )
    sessions: list[SessionId] | None = Field(
        None, max_length=1000, description="Limit the key to these sessions; null means all of them."
    )
    expires_at: UtcTime | None = None

    @field_validator("scopes")
    @classmethod
    def _sound_scopes(cls, scopes: list[str]) -> list[str]:
        if not all(_SCOPE.fullmatch(scope) for scope in scopes):
            raise ValueError("A scope is an operation id such as messages.send, or a glob over them")
        return scopes


class ApiKeyOut(BaseModel):
    """A key, without the key itself."""

    model_config = ConfigDict(title="ApiKey")

    id: KeyId
    name: str
    hint: str = Field(description="How the key begins.", examples=["wag_4fGh"])
    scopes: list[str]
    sessions: list[SessionId] | None
    created_at: UtcTime
    expires_at: UtcTime | None
    revoked_at: UtcTime | None
    last_used_at: UtcTime | None = Field(description="To about half a minute.")


class ApiKeyMade(ApiKeyOut):
    """A new key. ``key`` is shown this once and never again: a repeat under the same Idempotency-Key has null."""

    model_config = ConfigDict(title="ApiKeyMade")

    key: str | None = Field(examples=["wag_..."])


class SignInRequest(BaseModel):
    """Who signs in."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(max_length=254)
    password: str = Field(max_length=200)


class SetupRequest(BaseModel):
    """The owner-to-be."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=100, description="From the one-time set-up link.")
    name: str = Field(min_length=1, max_length=200)
    email: str = Field(max_length=254)
    password: str = Field(max_length=200, description="At least 10 characters.")


class UserOut(BaseModel):
    """A person who signs in."""

    model_config = ConfigDict(title="User")

    id: UserId
    name: str
    email: str
    role: str


class CallerOut(BaseModel):
    """Who is calling."""

    model_config = ConfigDict(title="Caller")

    kind: str = Field(examples=["api_key", "user"])
    org: OrgId
    user: UserOut | None = None
    api_key: KeyId | None = None
    scopes: list[str]
    sessions: list[SessionId] | None


def render_key(row: ApiKey) -> dict[str, object]:
    """The fields of :class:`ApiKeyOut`."""
    return {
        "id": row.id,
        "name": row.name,
        "hint": row.hint,
        "scopes": row.scopes,
        "sessions": row.session_ids,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
        "last_used_at": row.used_at,
    }


def render_user(row: User) -> UserOut:
    """A user for the edge."""
    return UserOut(id=row.id, name=row.name, email=row.email, role=row.role)
