"""Each set alone and all of them together, by the same methods, on the same test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewell import run
from tunewell.contracts import Task
from tunewell.errors import ConfigError
from tunewell.measure.answers import groups_of, read_fits, statistics_of
from tunewell.measure.compare import simultaneous
from tunewell.measure.intervals import effective_rows, intervals
from tunewell.mix.rows import drawn, write_rows
from tunewell.mix.settings import ROWS, TOGETHER, Mix
from tunewell.read import Data
from tunewell.ready import learn_task
from tunewell.settings import Event, Watch, silent
from tunewell.values import Interval, to_json, write_json

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Effect:
    """What the other sets did to one set, by one method."""

    set: str
    method: str
    metric: str
    words: str
    """What the metric is called in a sentence."""
    percent: bool
    rows: int
    """Test rows of the set."""
    alone: Interval
    together: Interval
    difference: Interval
    """By how much together is better than alone, on the same test rows."""


@dataclass(frozen=True)
class Mixed:
    """What came of a mix."""

    folder: Path
    rows: dict[str, dict[str, int]]
    """By set: training rows that it has (`alone`) and that it gave (`together`), and `test`."""
    effects: tuple[Effect, ...]
    left_out: dict[str, str]
    """Set and method that have not both come to their end, and why."""
    interrupted: bool = False


def compare_mix(mix: Mix, watch: Watch = silent) -> Mixed:
    """Fit each set alone and all of them together; `mix.json` and the folders of the runs.

    All sets are learnt as messages, so that one model answers them all. The same call goes on
    where it stopped.

    Raises:
        UserError: an option, rows or a backbone is wrong, or the answers of a task are no texts.
    """
    sets = {name: run.rows_of_texts(resolved.options) for name, resolved in mix.alone.items()}
    for name, data in sets.items():
        _refuse_unfit(name, data)
    sizes = [len(data.train) for data in sets.values()]
    counts = drawn(sizes, mix.options.weights, mix.options.temperature)
    write_rows(mix.folder / ROWS, sets, counts, mix.options, mix.together.options.seed)
    comparisons: dict[str, run.Comparison] = {}
    for name, resolved in {**mix.alone, TOGETHER: mix.together}.items():
        said = "all sets together" if name == TOGETHER else f"{name} alone"
        watch(Event("message", f"{said}:"))
        comparisons[name] = run.compare(resolved.options, watch, resolved.origins)
        if comparisons[name].interrupted:
            break
    rows = {
        name: {"alone": len(data.train), "together": count, "test": len(data.test)}
        for (name, data), count in zip(sets.items(), counts, strict=True)
    }
    effects: list[Effect] = []
    left_out: dict[str, str] = {}
    start = 0
    for name, data in sets.items():
        task, _ = learn_task(mix.alone[name].options, data)
        here = slice(start, start + len(data.test))
        start = here.stop
        if name in comparisons and TOGETHER in comparisons:
            both = comparisons[name], comparisons[TOGETHER]
            found, missing = _effects(name, task, *both, here, groups_of(data.test))
            effects += found
            left_out |= missing
    stopped = any(comparison.interrupted for comparison in comparisons.values())
    mixed = Mixed(mix.folder, rows, tuple(effects), left_out, stopped)
    write_json(mix.folder / "mix.json", mixed)
    return mixed


def _refuse_unfit(name: str, data: Data) -> None:
    """ConfigError where rows do not survive as messages that a model answers."""
    task = data.task
    if any(row.during != (0.0, 1.0) for row in data.train):
        raise ConfigError(
            f"{name} cannot be mixed: its rows say themselves when they are learnt.",
            "In a mix `joins` says so.",
            "Take the column `during` out of its file.",
        )
    if task.head != "writing" or getattr(task, "learns_input", False):
        raise ConfigError(
            f"{name} cannot be mixed: rows of {task.name} are no questions with answers.",
            "A set in which a text is asked for is expected: instructions, conversations,"
            " summaries or translations.",
        )


def _effects(
    name: str,
    task: Task,
    alone: run.Comparison,
    together: run.Comparison,
    here: slice,
    groups: np.ndarray | None,
) -> tuple[list[Effect], dict[str, str]]:
    """What each method's model of all sets answers to the test rows of one, beside its own."""
    metric = task.metrics[task.metric]
    effects: list[Effect] = []
    missing: dict[str, str] = {}
    others = {result["name"]: result for result in together.data["results"]}
    for own in alone.data["results"]:
        mixed = others.get(own["name"])
        ended = mixed is not None and own["status"] == mixed["status"] == "ok"
        if mixed is None or not ended:
            reason = own["reason"] or (mixed or {}).get("reason") or "not part of both runs"
            missing[f"{name}, {own['name']}"] = reason
            continue
        fits = read_fits(alone.folder, own["folders"])
        targets = fits[0][0]
        whole = read_fits(together.folder, mixed["folders"])
        parts = [(given[here], said[here]) for given, said in whole]
        if any(given != targets for given, _ in parts):
            raise RuntimeError(f"the test rows of {name} are not those of the run of all sets")
        found = {
            which: statistics_of(metric, rows)
            for which, rows in (("alone", fits), ("together", parts))
        }
        count = effective_rows(metric, targets, task.ideal, groups)
        scores = intervals(metric, found, effective_rows=count, groups=groups)
        pairs = simultaneous(metric, found, effective_rows=count, groups=groups)
        effects.append(
            Effect(
                name,
                own["name"],
                task.metric,
                metric.words,
                metric.scale.percent,
                len(targets),
                scores["alone"],
                scores["together"],
                pairs.between("together", "alone"),
            )
        )
    return effects, missing


def sentence(effects: Sequence[Effect]) -> str:
    """How many sets gained from the others, how many lost, and how many cannot be told."""
    gained = sum(each.difference.low > 0 for each in effects)
    lost = sum(each.difference.high < 0 for each in effects)
    unsure = len(effects) - gained - lost
    return (
        f"Of {len(effects)} pairs of set and method, {gained} surely gained by the other sets, "
        f"{lost} surely lost, and {unsure} cannot be told."
    )


def to_record(mixed: Mixed) -> dict[str, Any]:
    """What `tunewell mix --json` prints."""
    return {**to_json(mixed), "sentence": sentence(mixed.effects)}
