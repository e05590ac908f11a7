"""What a run folder holds: each step writes its own file, and nobody else is at work in it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tunewell import __version__, registry
from tunewell.chosen import chosen_options
from tunewell.endpoint import PREFIX
from tunewell.errors import ConfigError, ResourceError
from tunewell.plan.choose import Planned
from tunewell.read import Data, Fault
from tunewell.ready import Ready
from tunewell.settings import Event, RunOptions, Watch
from tunewell.values import Backbone, read_json, to_json, write_json

EARLIER = "an earlier command"
"""Where an option came from that this command did not give."""


def backbone_at_hand(options: RunOptions) -> Backbone | None:
    """The first backbone that the options name, if it need not be downloaded."""
    from tunewell.fit import hub
    from tunewell.fit.backbones import resolve

    writes = registry.task(options.task).head == "writing"
    name = (options.backbone or (hub.default(writes),))[0]
    if name.startswith(PREFIX):
        return None
    here = name == hub.EMBEDDED or Path(name).expanduser().exists()
    here = here or hub.cached(name) is not None
    if not here and hub.reachable():
        return None
    try:
        return resolve(name, max_length=options.max_length)
    except ResourceError:
        return None


def find_faults(data: Data, backbone: Backbone | None) -> tuple[Fault, ...]:
    """What is wrong with the rows; with lengths in tokens where there is a backbone."""
    from tunewell.read import check as check_rows

    if backbone is None:
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
    local = [backbone for backbone in ready.backbones if backbone.endpoint is None]
    faults = find_faults(data, local[0] if local else None)
    value = {**same, "metric_why": ready.metric_why, "columns": data.columns, "faults": faults}
    write_json(path, {**value, "task_record": ready.task.to_json(), "leaked": data.leaked})
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


def planned_in(folder: Path) -> list[Planned]:
    """The rows of the plan that a run folder holds; none where there is no plan."""
    from tunewell.plan.choose import planned_from_json

    path = folder / "plan.json"
    return [planned_from_json(row) for row in read_json(path)["rows"]] if path.exists() else []


def with_earlier(
    ready: Ready, plan: Sequence[Planned], origins: Mapping[str, str]
) -> tuple[Ready, dict[str, str]]:
    """As if all whose rows stand in the folder had been asked for at once, and the origins.

    Options of the run itself are those of this command.
    """
    options, told, methods = ready.options, dict(origins), dict(ready.methods)
    for row in plan:
        if row.method in ready.methods or row.method not in registry.methods():
            continue
        kind = registry.method(row.method)
        known = {f.name for f in fields(kind)}
        methods[row.method] = kind(**{k: v for k, v in row.options.items() if k in known})
        default = to_json(kind())
        for name, value in to_json(methods[row.method]).items():
            origin = "default" if value == default[name] else EARLIER
            told[f"{row.method}.{name}"] = origin
    if len(methods) > len(ready.methods):
        methods = {name: methods[name] for name in registry.methods() if name in methods}
        added = {name: methods[name] for name in methods if name not in ready.methods}
        options = replace(options, methods=tuple(methods), **added)
        told["methods"] = f"this and {EARLIER}"
    here = {backbone.fingerprint: backbone.name for backbone in ready.backbones}
    all_of_them = here | {r.fingerprint: r.backbone for r in plan if r.fingerprint not in here}
    all_of_them.pop("", None)
    if len(all_of_them) > len(here):
        options = replace(options, backbone=tuple(dict.fromkeys(all_of_them.values())))
        told["backbone"] = f"this and {EARLIER}" if here else EARLIER
    return replace(ready, options=options, methods=methods), told


def keep_options(ready: Ready, origins: Mapping[str, str]) -> None:
    """Write `run.yaml`, from which the same command can be given again."""
    from tunewell.options import Resolved, to_yaml

    text = to_yaml(Resolved(ready.options, dict(origins)))
    (ready.folder / "run.yaml").write_text(text, encoding="utf-8")


def keep_plan(ready: Ready, watch: Watch) -> tuple[Planned, ...]:
    """The plan of this run; what was planned before is not planned again."""
    path = ready.folder / "plan.json"
    options = ready.options
    asked = [options.budget, options.memory, options.trials, options.seeds]
    before = planned_in(ready.folder)
    if before:
        there = {(row.keys, row.refits, row.backbone) for row in before}
        here = {
            (ready.keys(*pair), ready.refit_keys(*pair), pair[1].name if pair[1] else "")
            for pair in ready.pairs
        }
        if read_json(path)["asked"] == asked and here <= there:
            return tuple(before)
    rows = make_plan(ready, before, watch)
    write_json(path, {"asked": asked, "machine": ready.machine, "rows": rows})
    return rows


def make_plan(ready: Ready, before: Sequence[Planned], watch: Watch) -> tuple[Planned, ...]:
    """What would run, in order of cost, with what each would take."""
    from tunewell.fit.machine import import_heavy_packages
    from tunewell.measure.trial import ended
    from tunewell.options import parse_duration
    from tunewell.plan.ladder import plan_ladder

    if ready.backbones:
        import_heavy_packages()
    return plan_ladder(
        ready.pairs,
        lambda backbone: ready.job(backbone, ready.options.seed),
        ready.keys,
        ready.refit_keys,
        before,
        ended(ready.folder / "trials"),
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
    from tunewell.fit.earlier import tuned_for
    from tunewell.fit.machine import facts
    from tunewell.measure.assemble import assemble
    from tunewell.tell.report import write_report
    from tunewell.tell.rows import metric_record

    options, folder = ready.options, ready.folder
    place = {name: number for number, name in enumerate(registry.methods())}
    last = len(place)  # for a method whose package is gone
    called = {row["fingerprint"]: row["backbone"] for row in rows}
    rows = sorted(
        rows, key=lambda row: (called[row["fingerprint"]], place.get(row["method"], last))
    )
    known = read_json(folder / "data.json")
    leaked = known.get("leaked") or ()
    local = [backbone for backbone in ready.backbones if backbone.endpoint is None]
    made = {backbone.name: tuned_for(backbone.folder) for backbone in local}
    tuned = {name: run for name, run in made.items() if run is not None}
    asked = (rows, options.prefer, options.margin, leaked, tuned)
    told = assemble(folder, ready.task, ready.data.test, *asked)
    comparison = {
        "name": folder.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "command": command or f"tunewell compare {shlex.quote(str(folder / 'run.yaml'))}",
        "task": ready.task.name,
        "metric": ready.task.metric,
        "metric_why": ready.metric_why,
        "rows": known["rows"],
        "answers": ready.task.answers,
        "metrics": {name: metric_record(each) for name, each in ready.task.metrics.items()},
        "labels": list(getattr(ready.task, "labels", ())),
        "label_names": ready.data.label_names,
        "prefer": options.prefer,
        "margin": options.margin,
        "tuned": tuned,
        **told,
        "interrupted": interrupted,
        "options": chosen_options(ready, origins),
        "machine": {**to_json(ready.machine), **facts()},
    }
    write_json(folder / "comparison.json", comparison)
    write_report(folder)
    return read_json(folder / "comparison.json")
