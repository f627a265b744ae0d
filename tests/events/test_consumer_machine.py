"""A named consumer under workers that are slow, quick, gone and late, in any order: nothing skipped, nothing shuffled."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import StaticPool, create_engine
from sqlalchemy.orm import Session

from gateway.db.base import Base
from gateway.db.tx import Tx
from gateway.events.asking import Asking
from gateway.events.consumers import Batch, Consumers, Wish
from gateway.events.errors import EventsGoneError, LeaseLostError
from gateway.events.models import Event, EventConsumer, LogStart
from gateway.events.service import EventLog
from gateway.kit.ids import IdGenerator
from gateway.orgs.models import Org
from gateway.principal import Principal, PrincipalKind
from tests.conftest import LONG, SettableClock, add_org

T = TypeVar("T")
WE = Principal(org_id=1, kind=PrincipalKind.API_KEY, subject_id=1, scopes=("*",))
LEASE_SECONDS = 10
MODELS: tuple[Any, ...] = (Org, Event, LogStart, EventConsumer)


class ConsumerMachine(RuleBasedStateMachine):
    """What the consumer gives is compared with a plain list of what was said."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = SettableClock()
        self.engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        Base.metadata.create_all(self.engine, tables=[model.__table__ for model in MODELS])
        ids = IdGenerator(clock=self.clock, chance=random.Random(7))
        self.log = EventLog(clock=self.clock)
        self.consumers = Consumers(clock=self.clock, ids=ids, asking=Asking(database=None))  # type: ignore[arg-type]
        self.wanted: list[int] = []  #: the events that it wants, in order
        self.dealt_with = 0  #: a position
        self.out: Batch | None = None
        self.ends = 0.0
        self.lost: list[Batch] = []  #: batches of workers who were too slow

    def teardown(self) -> None:
        self.engine.dispose()

    def do(self, work: Callable[[Tx], T]) -> T:
        with Session(self.engine, expire_on_commit=False) as session:
            answer = work(Tx(session))
            session.commit()
            return answer

    @property
    def is_held(self) -> bool:
        return self.out is not None and self.clock.monotonic() < self.ends

    @property
    def waiting(self) -> list[int]:
        return [event_id for event_id in self.wanted if event_id > self.dealt_with]

    @initialize()
    def begin(self) -> None:
        self.do(lambda tx: add_org(tx, self.clock))
        self.do(lambda tx: self.consumers.put(tx, WE, "crm", Wish(types=["webhook.*"])))

    @rule(is_wanted=st.lists(st.booleans(), min_size=1, max_size=5))
    def something_happens(self, is_wanted: list[bool]) -> None:
        def work(tx: Tx) -> list[Any]:
            types = ["webhook.test" if wanted else "session.qr" for wanted in is_wanted]
            return [self.log.emit(tx, org_id=1, type=type_, subject=("whk", 5), data={}) for type_ in types]

        events = self.do(work)
        self.wanted += [event.id for event, wanted in zip(events, is_wanted, strict=True) if wanted]

    @rule(limit=st.integers(1, 4))
    def a_worker_pulls(self, limit: int) -> None:
        batch = self.do(lambda tx: self.consumers.pull(tx, WE, "crm", limit=limit, lease_seconds=LEASE_SECONDS))
        given = [event.id for event in batch.events]
        if self.is_held:
            assert given == []
            return
        assert given == self.waiting[:limit]
        assert batch.more == (len(self.waiting) > limit)
        if self.out is not None:
            self.lost.append(self.out)
        self.out = batch if given else None
        self.ends = self.clock.monotonic() + LEASE_SECONDS

    @precondition(lambda self: self.out is not None)
    @rule(part=st.floats(0, 1), release=st.booleans())
    def its_worker_acknowledges(self, part: float, release: bool) -> None:
        assert self.out is not None
        events = self.out.events
        position = events[round(part * (len(events) - 1))].id
        self.acknowledge(position, lease=self.out.lease, release=release)
        self.dealt_with = max(self.dealt_with, position)
        if release or self.dealt_with >= events[-1].id:
            self.out = None
        else:
            self.ends = self.clock.monotonic() + LEASE_SECONDS

    @precondition(lambda self: self.lost)
    @rule(data=st.data())
    def a_late_worker_acknowledges(self, data: st.DataObject) -> None:
        batch = data.draw(st.sampled_from(self.lost))
        position = batch.events[-1].id
        try:
            self.acknowledge(position, lease=batch.lease, release=True)
        except LeaseLostError:
            assert position > self.dealt_with
        else:
            assert position <= self.dealt_with, "what is dealt with already may be said again"

    @rule(seconds=st.integers(1, 15))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(data=st.data())
    def a_person_seeks(self, data: st.DataObject) -> None:
        position = data.draw(st.sampled_from([0, *self.wanted]))

        def work(tx: Tx) -> int:
            consumer = self.consumers.get(tx, WE, "crm")
            self.consumers.seek(tx, consumer, after=position)
            return consumer.position

        try:
            self.dealt_with = self.do(work)
        except EventsGoneError:
            return
        if self.out is not None:
            self.lost.append(self.out)
        self.out = None

    @rule()
    def what_is_old_is_deleted(self) -> None:
        """Whatever nobody needs: all that the consumer has dealt with, and nothing else."""
        self.clock.advance(1)
        options: dict[str, Any] = {"after": 0, "limit": 1000, "needed": lambda *_: frozenset()}
        self.do(
            lambda tx: self.log.forget(tx, before=self.clock.now(), unacked_before=SettableClock().now(), **options)
        )
        self.wanted = self.waiting

    def acknowledge(self, position: int, *, lease: str | None, release: bool) -> None:
        self.do(lambda tx: self.consumers.ack(tx, WE, "crm", position=position, lease=lease, release=release))


def test_whatever_workers_do_a_consumer_gets_everything_in_order_and_one_batch_at_a_time() -> None:
    quick = settings(max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    is_long = settings.get_current_profile_name() == LONG
    run_state_machine_as_test(ConsumerMachine, settings=settings.get_profile(LONG) if is_long else quick)
