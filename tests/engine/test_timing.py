"""When the engine tries again, when it stops trying, and who shares a worker: the arithmetic alone."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sessions.backoff import Backoff, CrashCounter
from sessions.packing import pack
from sessions.protocol import SessionSpec


@given(seed=st.integers(), tries=st.integers(min_value=1, max_value=200))
def test_waits_stay_below_a_doubling_limit(seed: int, tries: int) -> None:
    backoff = Backoff(first_seconds=1, limit_seconds=60, random=Random(seed))

    for attempt in range(tries):
        assert 0 <= backoff.next_seconds() <= min(60, 2.0**attempt)


def test_waits_start_small_again_after_success() -> None:
    backoff = Backoff(first_seconds=1, limit_seconds=60, random=Random(3))
    for _ in range(10):
        backoff.next_seconds()

    backoff.reset()

    assert backoff.next_seconds() <= 1


def test_waits_are_spread_over_their_whole_range() -> None:
    waits = []
    for seed in range(200):
        backoff = Backoff(first_seconds=10, limit_seconds=60, random=Random(seed))
        waits.append(backoff.next_seconds())

    assert min(waits) < 1
    assert max(waits) > 9


def test_crashes_loop_when_too_many_fall_into_the_window() -> None:
    counter = CrashCounter(limit=3, window_seconds=600)

    assert [counter.count(now) for now in (0, 700, 900)] == [1, 1, 2]
    assert not counter.is_looping
    counter.count(1000)
    assert counter.is_looping


@given(
    groups=st.lists(st.sampled_from(["a", "b", "c"]), max_size=40),
    per_worker=st.integers(min_value=1, max_value=7),
)
def test_packing_fills_workers_and_mixes_no_groups(groups: list[str], per_worker: int) -> None:
    specs = [SessionSpec(session_id=f"ses_{n}", folder="/f", group=group) for n, group in enumerate(groups)]

    packed = pack(specs, per_worker)

    assert sorted(spec.session_id for part in packed for spec in part) == sorted(spec.session_id for spec in specs)
    for part in packed:
        assert 1 <= len(part) <= per_worker
        assert len({spec.group for spec in part}) == 1
    full = [part for part in packed if len(part) == per_worker]
    assert len(packed) - len(full) <= len(set(groups))
