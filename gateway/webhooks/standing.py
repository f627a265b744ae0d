"""How an endpoint fares: what a failure says about it, and when it is switched off for failing."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from gateway.webhooks.models import Webhook
from gateway.webhooks.states import SERVED, EndpointState, endpoint_step

#: Two failures at least this far apart, and no further than a day, show that it is more than a hiccup.
PROOF_AFTER: Final = timedelta(hours=12)
_PROOF_WITHIN: Final = timedelta(hours=24)


class Turn(StrEnum):
    """What a failure changed that is worth telling."""

    FAILING_FOR_LONG = "failing_for_long"
    GONE = "gone"
    DISABLED = "disabled"


def is_served(webhook: Webhook) -> bool:
    """Whether the endpoint is told what happens."""
    return EndpointState(webhook.state) in SERVED


def note_failure(
    webhook: Webhook, *, error: str, says_gone: bool, now: datetime, disable_after: timedelta
) -> Turn | None:
    """Hold one failed try against the endpoint, and switch it off where that is due."""
    webhook.failures += 1
    webhook.last_error = error
    webhook.failing_since = webhook.failing_since or now
    if not is_served(webhook):
        return None
    webhook.state = endpoint_step(webhook.state, EndpointState.FAILING)
    if says_gone:
        _switch_off(webhook, EndpointState.GONE, now)
        return Turn.GONE
    was_proven = webhook.counting_since is not None
    _gather_proof(webhook, now)
    if webhook.counting_since is None:
        return None
    if now - webhook.counting_since >= disable_after:
        _switch_off(webhook, EndpointState.DISABLED, now)
        return Turn.DISABLED
    return None if was_proven else Turn.FAILING_FOR_LONG


def switch_off_by_request(webhook: Webhook, now: datetime) -> None:
    """Tell it nothing until somebody switches it on."""
    if webhook.state != EndpointState.OFF:
        _switch_off(webhook, EndpointState.OFF, now)


def switch_on(webhook: Webhook) -> None:
    """Begin anew: nothing of what was is held against it."""
    webhook.state = endpoint_step(webhook.state, EndpointState.ACTIVE)
    webhook.failing_since = webhook.suspected_since = webhook.counting_since = None
    webhook.disabled_at = webhook.last_error = None
    webhook.failures = 0


def _switch_off(webhook: Webhook, state: EndpointState, now: datetime) -> None:
    webhook.state = endpoint_step(webhook.state, state)
    webhook.disabled_at = now
    webhook.updated_at = now


def _gather_proof(webhook: Webhook, now: datetime) -> None:
    """The days count only once it has failed twice with half a day between, lest one bad test a week ago count."""
    if webhook.counting_since is not None:
        return
    if webhook.suspected_since is None or now - webhook.suspected_since > _PROOF_WITHIN:
        webhook.suspected_since = now
    elif now - webhook.suspected_since >= PROOF_AFTER:
        webhook.counting_since = webhook.suspected_since
