"""The whole pipeline, top to bottom: read, plan, fit, measure, tell.

Heavy packages are imported where they are used, so that `--help` need not wait for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewell import kinds, registry
from tunewell.contracts import Predictor, Task
from tunewell.endpoint import Caps
from tunewell.errors import ConfigError, ResourceError, TrainingDiverged
from tunewell.folder import (
    backbone_at_hand,
    find_faults,
    keep_data,
    keep_options,
    keep_plan,
    keep_results,
    make_plan,
    planned_in,
    with_earlier,
)
from tunewell.ladder import run_ladder
from tunewell.lock import alone_in
from tunewell.plan.choose import Planned
from tunewell.read import Columns, Data, Fault
from tunewell.ready import introduction, learn_task, prepare, read_rows, run_folder
from tunewell.settings import Event, RunOptions, Watch, silent
from tunewell.values import read_json, to_json

if TYPE_CHECKING:
    from tunewell.fit.marked import Marked

__all__ = [
    "Checked",
    "Comparison",
    "Event",
    "RunOptions",
    "Watch",
    "check",
    "compare",
    "fit",
    "learnt",
    "load",
    "messages",
    "plan",
    "report",
    "rows_of_texts",
    "silent",
]


@dataclass(frozen=True)
class Comparison:
    """The results of one ladder on one data set, with the recommendation."""

    data: dict[str, Any]
    """What `comparison.json` holds."""
    folder: Path
    interrupted: bool = False
    """Whether it was stopped before its end."""

    @property
    def recommended(self) -> Predictor:
        """The recommended model, loaded."""
        return load(self.folder)

    def table(self) -> str:
        """Every method with its score, interval and costs, as Markdown."""
        from tunewell.tell.table import plain

        return plain(self.data)


@dataclass(frozen=True)
class Checked:
    """What is in a file and what is wrong with it."""

    columns: Columns
    sizes: dict[str, int]
    """Rows for training, validation and test."""
    faults: tuple[Fault, ...]
    metric: str
    metric_why: str
    task: Task
    """What the rows ask for, as it learnt from them."""
    labels: tuple[tuple[str, int], ...]
    """Every label with the rows in use that have it, the most frequent first."""

    def to_json(self) -> dict[str, Any]:
        """The document that `tunewell check --json` prints."""
        return to_json(self)


def compare(
    options: RunOptions,
    watch: Watch = silent,
    origins: Mapping[str, str] | None = None,
    command: str = "",
) -> Comparison:
    """Run every method on the rows, side by side, and say which to take.

    The folder keeps what is done: the same call goes on where it stopped, and one with another
    method adds to it. Ctrl-C ends it with a report on what there is.

    Raises:
        UserError: before anything runs, where the data, an option or a backbone is wrong.
    """
    ready = prepare(options)
    with alone_in(ready.folder):
        faults = keep_data(ready)
        for sentence in (
            *introduction(ready),
            *(f.sentence for f in faults if f.severity != "note"),
        ):
            watch(Event("message", sentence))
        whole, where = with_earlier(ready, planned_in(ready.folder), origins or {})
        keep_options(whole, where)
        rows, interrupted = run_ladder(ready, keep_plan(ready, watch), watch)
        alone = whole.options == ready.options
        told = keep_results(whole, rows, interrupted, where, command if alone else "")
    return Comparison(told, ready.folder, interrupted)


def fit(
    options: RunOptions,
    method: str,
    watch: Watch = silent,
    origins: Mapping[str, str] | None = None,
    command: str = "",
) -> Comparison:
    """One method with the options given, no search, in a run folder named after data and method.

    Raises:
        ConfigError: the folder holds other methods, one of which might be its recommended model.
        TrainingDiverged: loss or gradients stopped being finite.
        ResourceError: the method did not come to its end.
    """
    registry.method(method)
    out = options.out or f"{run_folder(options)}-{method}"
    others = {row.method for row in planned_in(Path(out))} - {method}
    if others:
        raise ConfigError(
            f"{out} holds other methods: {', '.join(sorted(others))}.",
            f"`fit` makes a folder whose model is that of {method}.",
            f"Choose another --out, or add a row with `tunewell compare DATA --methods {method}`.",
        )
    alone = replace(options, methods=(method,), trials=1, out=out)
    comparison = compare(alone, watch, origins, command)
    result = next(r for r in comparison.data["results"] if r["method"] == method)
    if result["status"] != "ok" and not comparison.interrupted:
        told = f"{method} did not come to its end: {result['reason'].rstrip('.')}."
        diverged = result.get("kind") == TrainingDiverged.__name__
        raise TrainingDiverged(told) if diverged else ResourceError(told)
    return comparison


def check(options: RunOptions) -> Checked:
    """What is in the file, what is wrong with it, and what would be done about it."""
    data = read_rows(options)
    task, why = learn_task(options, data)
    sizes = {part: len(getattr(data, part)) for part in ("train", "validation", "test")}
    faults = find_faults(data, backbone_at_hand(options))
    rows = (*data.train, *data.validation, *data.test)
    labels = Counter(label for e in rows for label in kinds.labels_in(e.target))
    counted = tuple(labels.most_common())
    return Checked(data.columns, sizes, faults, task.metric, why, task, counted)


def learnt(options: RunOptions, rows: int) -> Marked:
    """The first training rows as a model that writes would learn them.

    Raises:
        ConfigError: the task's answers are no texts, or the backbone does not write any.
    """
    from tunewell.fit import hub
    from tunewell.fit.backbones import resolve
    from tunewell.fit.marked import marked

    data = rows_of_texts(options)
    name = (options.backbone or (hub.default(data.task.head == "writing"),))[0]
    return marked(data.task, resolve(name, max_length=options.max_length), data.train[:rows])


def messages(options: RunOptions) -> list[dict[str, Any]]:
    """All rows as OpenAI's messages, those for training first.

    Raises:
        ConfigError: the task's answers are no texts.
    """
    from tunewell.fit.marked import as_messages

    data = rows_of_texts(options)
    return [as_messages(data.task, each) for part in data.parts.values() for each in part]


def rows_of_texts(options: RunOptions) -> Data:
    """The rows of a task whose answers are texts.

    Raises:
        ConfigError: the task's answers are something else.
    """
    able = [name for name, cls in registry.tasks().items() if cls().answers == "text"]
    if options.task not in able:
        raise ConfigError(
            f"The answers of {options.task} are no texts that a model writes.",
            f"Rows can be shown for these tasks: {', '.join(able)}.",
            f"Add --task {able[0]}.",
        )
    return read_rows(options)


def plan(options: RunOptions, watch: Watch = silent) -> tuple[Planned, ...]:
    """What would run, for how long and in how much memory; nothing is run or written."""
    return make_plan(prepare(options), [], watch)


def load(folder: str | Path) -> Predictor:
    """The recommended model of a run, or the model of a model's own folder."""
    from tunewell.fit import machine
    from tunewell.measure.search import searching
    from tunewell.measure.trial import load_model

    place = model_folder(folder)
    predictor = load_model(place, machine.find())
    if hasattr(predictor, "bounded"):
        predictor = predictor.bounded(Caps())
    return searching(predictor, place)


def model_folder(folder: str | Path) -> Path:
    """The folder of the model that `load` loads.

    Raises:
        ConfigError: the run recommends none, or there is neither a run nor a model.
    """
    folder = Path(folder)
    if (folder / "comparison.json").exists():
        comparison = read_json(folder / "comparison.json")
        if comparison["recommended"] is None:
            raise ConfigError(f"{folder} has no model: {comparison['why']}")
        chosen = next(r for r in comparison["results"] if r["name"] == comparison["recommended"])
        folder = folder / chosen["folder"] / "model"
    if not (folder / "model.json").exists():
        raise ConfigError(
            f"{folder} is neither a run nor a model.",
            "A run has a comparison.json, a model a model.json.",
            "`tunewell compare DATA` makes a run under runs/.",
        )
    return folder


def report(folder: str | Path) -> Path:
    """Write `report.html` of a run again, from its results."""
    from tunewell.tell.report import write_report

    folder = Path(folder)
    if not (folder / "comparison.json").exists():
        raise ConfigError(
            f"{folder} is not a run: it has no comparison.json.",
            "",
            "Name a folder that `tunewell compare` made, such as runs/reviews.",
        )
    return write_report(folder)
