"""What can go wrong with channels; codes are stable and documented."""

from __future__ import annotations

from gateway.kit.errors import NotFoundError


class ChannelNotFoundError(NotFoundError):
    default_code = "channel_not_found"
    title = "There is no such channel, or it is not for this account."
