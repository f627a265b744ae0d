"""What can go wrong with signing in and with keys."""

from __future__ import annotations

from gateway.kit.errors import ConflictError, GoneError, NotFoundError, UnauthorizedError


class KeyRefusedError(UnauthorizedError):
    default_code = "key_refused"
    title = "The API key is unknown, expired or revoked"


class SignInEndedError(UnauthorizedError):
    default_code = "sign_in_ended"
    title = "The sign-in has ended; sign in again"


class WrongPasswordError(UnauthorizedError):
    default_code = "sign_in_refused"
    title = "The e-mail address or the password is wrong"


class KeyNotFoundError(NotFoundError):
    default_code = "api_key_not_found"
    title = "There is no such API key"


class SetupLinkUnusableError(GoneError):
    default_code = "setup_link_unusable"
    title = "This set-up link was used or has expired; start the gateway again for a new one"


class EmailTakenError(ConflictError):
    default_code = "email_taken"
    title = "Somebody signs in with this e-mail address already"
