"""Curves of a trial, handed to a tracker of experiments that `accelerate` knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tunewell.errors import ConfigError, did_you_mean
from tunewell.values import Progress


def refuse_unknown(name: str) -> None:
    """ConfigError for a tracker that there is not, or whose package is not installed."""
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers

    known = [str(each) for each in LOGGER_TYPE_TO_CLASS]
    if name not in known:
        raise ConfigError(f"There is no tracker called {name!r}.", did_you_mean(name, known))
    if name not in map(str, get_available_trackers()):
        raise ConfigError(
            f"The tracker {name} is not installed.", "", f"Install it: pip install {name}."
        )


@contextmanager
def tracked(
    name: str | None, folder: Path, trial: str, options: dict[str, Any]
) -> Iterator[Callable[[Progress], None]]:
    """What a trial tells, logged step by step: loss, the deciding metric so far, share done.

    Args:
        name: of the tracker; None: nothing is logged.
        folder: the run's, whose name is the project's; trackers that write files do it in
            `tracking/` there.
        trial: what the tracker calls it, such as `lora-0`.
        options: of the trial, logged once.
    """
    if name is None:
        yield lambda progress: None
        return
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS

    cls = {str(key): each for key, each in LOGGER_TYPE_TO_CLASS.items()}[name]
    more = {"logging_dir": str(folder / "tracking")} if cls.requires_logging_directory else {}
    tracker = cls(trial if more else f"{folder.name}/{trial}", **more)
    tracker.start()
    tracker.store_init_configuration(options)

    def log(progress: Progress) -> None:
        values = {"loss": progress.loss, "validation": progress.score, "done": progress.done}
        told = {key: value for key, value in values.items() if value is not None}
        if progress.step is not None:
            tracker.log(told, step=progress.step)

    try:
        yield log
    finally:
        tracker.finish()
