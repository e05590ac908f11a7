"""What Prometheus is told: requests, times, batches, the queue."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True)
class Measures:
    """The figures of one server, in a registry of its own."""

    registry: CollectorRegistry
    requests: Counter
    seconds: Histogram
    inputs: Counter
    batch: Histogram
    busy: Counter

    def text(self) -> bytes:
        """In Prometheus' own format."""
        return generate_latest(self.registry)

    def batched(self, inputs: int, seconds: float) -> None:
        """A batch was computed, or without inputs a step of something longer."""
        if inputs:
            self.batch.observe(inputs)
        self.busy.inc(seconds)


def start(waiting: Callable[[], float]) -> Measures:
    """New figures; `waiting` says how many requests wait."""
    own = CollectorRegistry()
    Gauge("tunewell_waiting_requests", "Requests in the queue.", registry=own).set_function(waiting)
    by_route = Histogram(
        "tunewell_request_seconds", "Time to answer.", ["route"], registry=own, buckets=SECONDS
    )
    return Measures(
        registry=own,
        requests=Counter("tunewell_requests", "Answered.", ["route", "status"], registry=own),
        seconds=by_route,
        inputs=Counter("tunewell_inputs", "Inputs answered.", ["model"], registry=own),
        batch=Histogram("tunewell_batch_inputs", "In a batch.", registry=own, buckets=SIZES),
        busy=Counter("tunewell_busy_seconds", "Spent computing.", registry=own),
    )


@dataclass(frozen=True)
class Measured:
    """Counts and times every request, by its route's own path and never by what was typed."""

    app: ASGIApp
    told: Measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            path = getattr(scope.get("route"), "path", "none")
            self.told.requests.labels(path, status).inc()
            self.told.seconds.labels(path).observe(time.perf_counter() - begun)
