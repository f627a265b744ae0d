"""The settings of pace: what they allow, and whose count."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.config.pacing import PaceSection
from gateway.fleet.models import Session
from gateway.fleet.pace import PaceSettings
from gateway.fleet.settings import merge_settings
from gateway.pacing.settings import Pace, Paces


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("quiet_hours", "21-08", "21:00-08:00"),
        ("quiet_hours", "24:00-08:00", "21:00-08:00"),
        ("quiet_hours", "08:00-08:00", "leave some time"),
        ("timezone", "Mars/Olympus", "Europe/Berlin"),
        ("per_minute", -1, "greater than or equal"),
        ("burst", 0, "greater than or equal"),
        ("jitter", 9, "less than or equal"),
        ("warm_up", "on", "'off', 'marketing' or 'unlabelled'"),
        ("warm_up_plan", [50, 20], "as many as the day before"),
        ("warm_up_plan", [0], "greater than or equal"),
        ("quiet_for", "everybody", "'marketing', 'unlabelled' or 'all'"),
        ("marketing_days", 31, "less than or equal"),
        ("typing_most_seconds", 300, "less than or equal"),
        ("speed", 3, "not permitted"),
    ],
)
@pytest.mark.parametrize("model", [PaceSettings, PaceSection])
def test_what_makes_no_sense_is_refused_with_what_is_allowed(model: Any, key: str, value: object, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        model.model_validate({key: value})


def test_every_setting_of_the_gateway_can_be_a_sessions_own() -> None:
    assert list(PaceSettings.model_fields) == list(PaceSection.model_fields) == list(Pace.__struct_fields__)


def test_a_sessions_own_setting_wins_and_the_rest_is_the_gateways() -> None:
    paces = Paces(defaults=Pace(per_day=100, quiet_hours="21:00-08:00"))
    session = Session(settings={"pace": {"per_day": 0, "warm_up_plan": [5, 6]}})

    found = paces.of(session)

    assert (found.per_day, found.quiet_hours, found.warm_up_plan) == (0, "21:00-08:00", (5, 6))
    assert paces.of(Session(settings={})).per_day == 100


def test_a_change_of_one_key_leaves_the_others_and_null_goes_back() -> None:
    before: dict[str, object] = {"device_name": "Shop", "pace": {"per_day": 5, "jitter": 1.0}}

    assert merge_settings(before, {"pace": {"per_day": 9}})["pace"] == {"per_day": 9, "jitter": 1.0}
    assert merge_settings(before, {"pace": {"per_day": None}})["pace"] == {"jitter": 1.0}
    assert merge_settings(before, {"pace": {"per_day": None, "jitter": None}}) == {"device_name": "Shop"}
    assert merge_settings(before, {"pace": None}) == {"device_name": "Shop"}
    assert merge_settings(before, {"device_name": None}) == {"pace": {"per_day": 5, "jitter": 1.0}}
