"""What Prometheus reads of the server: requests, tokens, lookups, the queue, the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from lamlam.serving.gate.bodies import Scope

if TYPE_CHECKING:
    from lamlam.runtime.decoding.completion import Completion
    from lamlam.runtime.scheduling.stats import SchedulerStats

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_OTHER = "other"


class ServerMetrics:
    """The figures of one server; each has a registry of its own, so that two do not mix."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "lamlam_requests", "Requests answered.", ["route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "lamlam_request_seconds",
            "Time from a request to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._first = Histogram(
            "lamlam_first_event_seconds",
            "Time from a request for a stream to its first event.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._tokens = Counter(
            "lamlam_tokens", "Tokens of prompts and generations.", ["kind"], registry=registry
        )
        self._lookups = Counter(
            "lamlam_lookups", "Lookups of generations.", ["status"], registry=registry
        )
        self._left = Counter(
            "lamlam_generations_cut_short",
            "Generations that ended early: the client left, the time was over, the server stopped.",
            ["why"],
            registry=registry,
        )
        self._sequences = Gauge(
            "lamlam_sequences", "Sequences of the engine.", ["state"], registry=registry
        )
        self._generations = Gauge(
            "lamlam_generations", "Generations that run or wait.", registry=registry
        )
        self._facts = Gauge("lamlam_memory_facts", "Facts in the memory.", registry=registry)
        self._revision = Gauge(
            "lamlam_memory_revision", "Revision of the memory.", registry=registry
        )

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request; paths that no route has count as one, or strangers could fill memory."""
        route = getattr(scope.get("route"), "path", None) or _OTHER
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def began(self, seconds: float) -> None:
        """Note how long a stream took to its first event."""
        self._first.observe(seconds)

    def generated(self, completion: Completion, n_prompt: int, n_written: int) -> None:
        """Count what a generation read, wrote and looked up."""
        self._tokens.labels("prompt").inc(n_prompt)
        self._tokens.labels("completion").inc(n_written)
        for lookup in completion.lookups:
            self._lookups.labels(str(lookup.status)).inc()

    def cut_short(self, why: str) -> None:
        """Count a generation that did not reach its end."""
        self._left.labels(why).inc()

    def page(
        self,
        accept: str,
        stats: SchedulerStats,
        n_generations: int,
        memory: tuple[int, int] | None,
    ) -> tuple[bytes, str]:
        """Return all figures and their media type.

        Args:
            accept: the header of the request.
            memory: facts and revision.
        """
        self._sequences.labels("running").set(stats.n_running)
        self._sequences.labels("waiting").set(stats.n_waiting)
        self._sequences.labels("free").set(stats.n_free_slots)
        self._generations.set(n_generations)
        if memory is not None:
            self._facts.set(memory[0])
            self._revision.set(memory[1])
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type
