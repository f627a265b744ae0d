"""Every series that ``/metrics`` shows, each with its sentence. No label ever holds a number, a name or an address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LAG_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600)
_SEND_BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300)


class Metrics:
    """The gateway's own registry; a second one in the same process shares nothing with it."""

    def __init__(self, *, version: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._declare_http()
        self._declare_messages()
        self._declare_events()
        self._declare_schedules()
        self._declare_liveness()
        self._declare_chores()
        build = Gauge("wagate_build_info", "Which version runs; always 1.", ["version"], registry=self.registry)
        build.labels(version).set(1)

    def _declare_http(self) -> None:
        labels = ["operation", "method", "status"]
        self._requests = Counter("wagate_http_requests", "Requests answered.", labels, registry=self.registry)
        self._request_seconds = Histogram(
            "wagate_http_request_seconds",
            "Time from a request to its answer.",
            ["operation"],
            buckets=_REQUEST_BUCKETS,
            registry=self.registry,
        )

    def _declare_messages(self) -> None:
        self._moved = Counter(
            "wagate_messages_moved", "Outgoing messages that came into a state.", ["state"], registry=self.registry
        )
        self._send_seconds = Histogram(
            "wagate_message_send_seconds",
            "Time from the moment a message was due until WhatsApp had taken it.",
            buckets=_SEND_BUCKETS,
            registry=self.registry,
        )
        self._verdicts = Counter(
            "wagate_gate_verdicts",
            "Questions to the gate before the engine: `now`, or why a message waits or is skipped.",
            ["reason"],
            registry=self.registry,
        )
        self._received = Counter(
            "wagate_messages_received", "Messages that arrived and were stored.", registry=self.registry
        )

    def _declare_events(self) -> None:
        self._reports = Counter("wagate_reports", "Facts that sessions reported.", ["kind"], registry=self.registry)
        self._status_changes = Counter(
            "wagate_session_status_changes", "Status changes of sessions.", ["status"], registry=self.registry
        )
        self._attempts = Counter(
            "wagate_webhook_attempts",
            "Requests to webhook endpoints, by how they ended.",
            ["outcome"],
            registry=self.registry,
        )
        self._attempt_seconds = Histogram(
            "wagate_webhook_attempt_seconds",
            "Time an endpoint took to answer.",
            buckets=_REQUEST_BUCKETS,
            registry=self.registry,
        )

    def _declare_schedules(self) -> None:
        self._schedule_times = Counter(
            "wagate_schedule_times",
            "Times of schedules that were dealt with, by what came of them.",
            ["outcome"],
            registry=self.registry,
        )
        self._schedule_lag = Histogram(
            "wagate_schedule_lag_seconds",
            "How long after its time the message of a schedule was queued.",
            buckets=_LAG_BUCKETS,
            registry=self.registry,
        )

    def _declare_liveness(self) -> None:
        self._probe_seconds = Histogram(
            "wagate_session_probe_seconds",
            "Time WhatsApp took to answer a question that was asked to see whether a session is alive.",
            buckets=_REQUEST_BUCKETS,
            registry=self.registry,
        )
        self._restarts = Counter(
            "wagate_worker_restarts",
            "Workers that ended without being asked to or were replaced, by reason.",
            ["reason"],
            registry=self.registry,
        )

    def _declare_chores(self) -> None:
        self._chores = Counter(
            "wagate_chore_runs", "Chores, by how they ended.", ["chore", "outcome"], registry=self.registry
        )
        self._chore_items = Counter(
            "wagate_chore_items",
            "Things that chores dealt with, such as rows that were deleted.",
            ["chore"],
            registry=self.registry,
        )

    def request_ended(self, *, operation: str, method: str, status: int, seconds: float) -> None:
        """An HTTP request was answered."""
        self._requests.labels(operation, method, str(status)).inc()
        self._request_seconds.labels(operation).observe(seconds)

    def message_moved(self, state: str, *, seconds: float | None = None) -> None:
        """An outgoing message came into a state; ``seconds`` is how long it took to be sent."""
        self._moved.labels(state).inc()
        if seconds is not None:
            self._send_seconds.observe(seconds)

    def gate_judged(self, reason: str) -> None:
        """The gate let a message go (``now``), or said why not."""
        self._verdicts.labels(reason).inc()

    def message_received(self) -> None:
        """A message arrived and is stored."""
        self._received.inc()

    def reported(self, kind: str) -> None:
        """A session reported a fact of this kind, and it is committed."""
        self._reports.labels(kind).inc()

    def status_changed(self, status: str) -> None:
        """A session has a new status."""
        self._status_changes.labels(status).inc()

    def delivery_attempted(self, outcome: str, seconds: float) -> None:
        """A webhook endpoint was called: ``delivered``, ``refused``, ``failed`` or ``timed_out``."""
        self._attempts.labels(outcome).inc()
        self._attempt_seconds.observe(seconds)

    def schedule_ran(self, outcome: str, times: int, lag_seconds: float) -> None:
        """Times of a schedule were dealt with: ``queued`` or ``missed``."""
        self._schedule_times.labels(outcome).inc(times)
        if outcome == "queued":
            self._schedule_lag.observe(max(lag_seconds, 0.0))

    def probed(self, seconds: float) -> None:
        """WhatsApp has answered a session's probe."""
        self._probe_seconds.observe(seconds)

    def recycled(self, reason: str) -> None:
        """A session's worker ended unasked, or is replaced."""
        self._restarts.labels(reason).inc()

    def chore_ran(self, chore: str, outcome: str, count: int) -> None:
        """A chore ended: ``done`` or ``failed``; ``count`` is how many things it dealt with."""
        self._chores.labels(chore, outcome).inc()
        self._chore_items.labels(chore).inc(count)

    def watch(self, name: str, sentence: str, read: Callable[[], float]) -> None:
        """Show a number that somebody else keeps; it is read when the metrics are."""
        Gauge(name, sentence, registry=self.registry).set_function(read)

    def watch_by(self, name: str, sentence: str, label: str, read: Callable[[], Mapping[str, float]]) -> None:
        """Show one number per value of a label; they are read when the metrics are."""
        self.registry.register(_ByLabel(name, sentence, label, read))

    def render(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)


class _ByLabel(Collector):
    def __init__(self, name: str, sentence: str, label: str, read: Callable[[], Mapping[str, float]]) -> None:
        self._name, self._sentence, self._label, self._read = name, sentence, label, read

    def collect(self) -> Any:
        family = GaugeMetricFamily(self._name, self._sentence, labels=[self._label])
        for value, number in self._read().items():
            family.add_metric([value], number)
        yield family
