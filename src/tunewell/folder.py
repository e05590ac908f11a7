"""What a run folder holds: each step writes its own file, and nobody else is at work in it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tunewell import __version__, registry
from tunewell.errors import ConfigError, ResourceError
from tunewell.plan.choose import Planned
from tunewell.read import Data, Fault
from tunewell.ready import Ready, chosen_options
from tunewell.settings import Event, RunOptions, Watch
from tunewell.values import Backbone, read_json, to_json, write_json


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """A lock on the run folder; the other's process number is told where there is one."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    holder = folder / ".running"
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        who = holder.read_text() if holder.exists() else "another process"
        raise ResourceError(
            f"{folder} is in use by {who}.", "", "Wait for it, or choose another folder with --out."
        ) from None
    try:
        holder.write_text(f"process {os.getpid()}")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def find_faults(
    options: RunOptions, data: Data, backbone: Backbone | None = None
) -> tuple[Fault, ...]:
    """What `check` finds; lengths in tokens where the backbone is at hand."""
    from tunewell.read import check as check_rows

    if backbone is None:
        from tunewell.fit.backbones import resolve

        try:
            name = (options.backbone or (None,))[0]
            backbone = resolve(name, max_length=options.max_length)
        except ResourceError:
            return check_rows(data)
    from tunewell.fit.backbones import load_tokenizer

    tokenizer = load_tokenizer(backbone)

    def count(texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in tokenizer(list(texts), verbose=False)["input_ids"]]

    return check_rows(data, count, backbone.max_length)


def keep_data(ready: Ready) -> tuple[Fault, ...]:
    """Write `data.json`, or refuse a folder that holds a run on something else; what it found.

    What was found when the folder was made is not looked for again.
    """
    data = ready.data
    sizes = {part: len(getattr(data, part)) for part in ("train", "validation", "test")}
    same = {
        "task": ready.task.name,
        "metric": ready.task.metric,
        "rows": sizes,
        "fingerprint": data.fingerprint,
    }
    path = ready.folder / "data.json"
    if path.exists():
        differ = _differences(read_json(path), same)
        if differ:
            raise ConfigError(
                f"{ready.folder} holds a run that cannot be compared with this one.",
                f"{differ[0][0].upper()}{'; '.join(differ)[1:]}.",
                "Choose another folder with --out.",
            )
        return ()
    faults = find_faults(ready.options, data, ready.backbones[0] if ready.backbones else None)
    value = {**same, "metric_why": ready.metric_why, "columns": data.columns, "faults": faults}
    write_json(path, {**value, "task_record": ready.task.to_json()})
    return faults


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """What keeps two runs from being compared, in words."""
    differ = [
        f"its {name} was {there[name]}, now it is {here[name]}"
        for name in ("task", "metric")
        if there[name] != here[name]
    ]
    if there["fingerprint"] != here["fingerprint"]:
        before, now = (_sizes(each["rows"]) for each in (there, here))
        sizes = f" ({before} then, {now} now)" if before != now else ""
        differ.append(f"its rows or how they are divided were others{sizes}")
    return differ


def _sizes(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {part}" for part, count in rows.items())


def keep_options(ready: Ready, origins: Mapping[str, str]) -> None:
    """Write `run.yaml`, from which the same command can be given again."""
    from tunewell.options import Resolved, to_yaml

    text = to_yaml(Resolved(ready.options, dict(origins)))
    (ready.folder / "run.yaml").write_text(text, encoding="utf-8")


def keep_plan(ready: Ready, watch: Watch) -> tuple[Planned, ...]:
    """The plan of this run; what was planned before is not planned again."""
    from tunewell.plan.choose import planned_from_json

    path = ready.folder / "plan.json"
    options = ready.options
    asked = [options.budget, options.memory, options.trials, options.seeds]
    before: list[Planned] = []
    if path.exists():
        kept = read_json(path)
        before = [planned_from_json(row) for row in kept["rows"]]
        there = {row.keys for row in before}
        if kept["asked"] == asked and {ready.keys(*pair) for pair in ready.pairs} <= there:
            return tuple(before)
    rows = make_plan(ready, before, watch)
    write_json(path, {"asked": asked, "machine": ready.machine, "rows": rows})
    return rows


def make_plan(ready: Ready, before: Sequence[Planned], watch: Watch) -> tuple[Planned, ...]:
    """What would run, in order of cost, with what each would take."""
    from tunewell.options import parse_duration
    from tunewell.plan.ladder import plan_ladder

    return plan_ladder(
        ready.pairs,
        lambda backbone: ready.job(backbone, ready.options.seed),
        ready.keys,
        before,
        trials=ready.options.trials,
        seeds=ready.options.seeds,
        budget_seconds=parse_duration(ready.options.budget),
        test_rows=len(ready.data.test),
        watch=lambda message: watch(Event("message", message)),
    )


def keep_results(
    ready: Ready,
    rows: Sequence[dict[str, Any]],
    interrupted: bool,
    origins: Mapping[str, str],
    command: str,
) -> dict[str, Any]:
    """Write `comparison.json` and `report.html`; what the first holds."""
    from tunewell.fit.machine import facts
    from tunewell.measure.assemble import assemble
    from tunewell.tell.report import write_report

    options, folder = ready.options, ready.folder
    order = list(registry.methods())
    rows = sorted(rows, key=lambda row: (row["backbone"], order.index(row["method"])))
    told = assemble(folder, ready.task, rows, options.prefer, options.margin)
    known = read_json(folder / "data.json")
    comparison = {
        "name": folder.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "command": command,
        "task": ready.task.name,
        "metric": ready.task.metric,
        "metric_why": ready.metric_why,
        "rows": known["rows"],
        "labels": list(ready.task.labels),  # type: ignore[attr-defined]
        "label_names": ready.data.label_names,
        "prefer": options.prefer,
        "margin": options.margin,
        **told,
        "interrupted": interrupted,
        "options": chosen_options(ready, origins),
        "machine": {**to_json(ready.machine), **facts()},
    }
    write_json(folder / "comparison.json", comparison)
    write_report(folder)
    return read_json(folder / "comparison.json")
