"""What a run says while it goes: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tunewell.tell import units

if TYPE_CHECKING:
    from tunewell.settings import Event

_SECONDS_BETWEEN_LINES = 30.0


@contextmanager
def watching(bar: bool) -> Iterator[Callable[[Event], None]]:
    """A watcher that shows a run's events on standard error.

    Args:
        bar: one bar with time left and the score so far; else one line an event, and one
            every half minute while a trial goes on.
    """
    if bar:
        with _bar() as watch:
            yield watch
    else:
        yield _lines()


def _lines() -> Callable[[Event], None]:
    last = 0.0

    def watch(event: Event) -> None:
        nonlocal last
        now = time.monotonic()
        if event.kind != "progress" or now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            print(_line(event), file=sys.stderr, flush=True)

    return watch


@contextmanager
def _bar() -> Iterator[Callable[[Event], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}", markup=False),
        TextColumn("{task.fields[score]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        shown: Any = progress.add_task("starting", total=1.0, left="", score="")

        def watch(event: Event) -> None:
            if event.kind == "start":
                progress.update(shown, description=event.message, score="")
            elif event.kind in ("message", "done"):
                progress.console.print(_line(event), markup=False, highlight=False)
            if event.kind != "message":
                progress.update(shown, completed=event.done, left=_left(event))
            if event.kind == "progress":
                progress.update(shown, score=_score(event))

        yield watch


def _line(event: Event) -> str:
    if event.kind == "message":
        return event.message
    if event.kind == "progress":
        facts = [f"{100 * event.done:.0f} % of the run done", _left(event), _score(event)]
    else:
        facts = [event.message, "started" if event.kind == "start" else _score(event) or "done"]
    return ", ".join(fact for fact in facts if fact)


def _left(event: Event) -> str:
    return "" if event.seconds_left is None else f"{units.seconds(event.seconds_left)} left"


def _score(event: Event) -> str:
    if event.score is None:
        return ""
    figure = units.percent(event.score) if event.percent else f"{event.score:.3f}"
    return f"{event.metric} {figure}".strip()
