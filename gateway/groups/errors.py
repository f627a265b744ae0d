"""What can go wrong with groups; codes are stable and documented."""

from __future__ import annotations

from gateway.kit.errors import ConflictError, NotFoundError, UnsupportedError
from sessions.capabilities import UNSUPPORTED, Capability


class GroupNotFoundError(NotFoundError):
    default_code = "group_not_found"
    title = "There is no such group."


class NotInGroupError(ConflictError):
    default_code = "not_in_group"
    title = "The account is not in this group any more."


def unsupported(capability: Capability) -> UnsupportedError:
    """The engine cannot do this, and says why."""
    return UnsupportedError(UNSUPPORTED[capability], code="engine_unsupported")
