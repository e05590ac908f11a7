"""The comparison: every method's row, all pairs at once, and which one to take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewell import registry
from tunewell.contracts import Scale, Task
from tunewell.measure.answers import Fit, groups_of, read_fits, statistics_of
from tunewell.measure.calibration import calibration
from tunewell.measure.forgetting import read_forgetting
from tunewell.measure.per_label import per_label
from tunewell.measure.per_type import per_type
from tunewell.measure.trial import ended_folders
from tunewell.values import Answer, Example, read_json, to_json

if TYPE_CHECKING:
    import numpy as np

    from tunewell.measure.compare import Pairs

SAMPLES = 5000
SAMPLES_OF_SLOW = 1000
"""Of a metric that ranks rows anew in every resample, where another decides."""
COSTS = {
    "training": "cost_seconds",
    "prediction": "milliseconds_per_prediction",
    "memory": "peak_bytes",
    "size": "disk_bytes",
}


def trials_of(run: Path, method: str, fingerprint: str) -> list[dict[str, Any]]:
    """Every trial of a method on a backbone that has come to an end, oldest first.

    Args:
        fingerprint: the backbone's; "" for methods that stand on none.
    """
    found = []
    for folder in ended_folders(run / "trials"):
        trial, result = read_json(folder / "trial.json"), read_json(folder / "result.json")
        if trial["method"] == method and trial["backbone_fingerprint"] == fingerprint:
            found.append({**trial, **result, "folder": f"trials/{folder.name}"})
    return found


def pick(
    trials: Sequence[dict[str, Any]], metric: str, keys: Sequence[str], scale: Scale = Scale()
) -> dict[str, Any] | None:
    """The trial that validation likes best, the first of `keys` among equals.

    Args:
        keys: of the trials that were asked for, the default first; others in the folder were
            asked for at other times.
        scale: of the metric.
    """
    candidates = [t for t in trials if t["status"] == "ok" and t["key"] in keys]
    candidates.sort(key=lambda t: keys.index(t["key"]))
    return max(candidates, key=lambda t: scale.better(t["validation"][metric]), default=None)


def refits(
    trials: Sequence[dict[str, Any]], picked: dict[str, Any], keys: Sequence[str]
) -> list[dict[str, Any]]:
    """The picked trial's fits with other seeds, in the order of the seeds.

    Args:
        keys: of the refits that were asked for, of whichever trial is picked.
    """
    same = ("options", "settings", "backbone_fingerprint")
    found = [t for t in trials if t["key"] in keys and all(t[n] == picked[n] for n in same)]
    return sorted(found, key=lambda t: t["seed"])


def assemble(
    run: Path,
    task: Task,
    test: Sequence[Example],
    rows: Sequence[dict[str, Any]],
    prefer: str,
    margin: float,
    leaked: Sequence[int] = (),
    tuned: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Results of all planned rows, with intervals, against the best, and the recommendation.

    Args:
        test: the test rows, by whose groups intervals are drawn.
        rows: `{"method", "backbone", "fingerprint", "status", "reason", "keys", "refits"}` of each
            planned row.
        leaked: test rows, by number, that stand among the others too; scores without them are
            given beside the scores.
        tuned: by the name of a backbone that an earlier run made, what it was tuned for.
    """
    from tunewell.measure.compare import recommend
    from tunewell.measure.earlier import worth

    several = len({row["fingerprint"] for row in rows if row["backbone"]}) > 1
    results = [
        {
            "name": f"{row['method']} on {row['backbone']}"
            if several and row["backbone"]
            else row["method"],
            **_row(run, row, trials_of(run, row["method"], row["fingerprint"]), task),
        }
        for row in rows
    ]
    ok = {result["name"]: result for result in results if result["status"] == "ok"}
    if not ok:
        return {
            "results": results,
            "pairs": {},
            "recommended": None,
            "why": "No method came to its end.",
            "groups": None,
        }
    told = {name: read_fits(run, r["folders"]) for name, r in ok.items()}
    groups = groups_of(test)
    pairs = _scored(task, ok, told, leaked, groups)
    for name, result in ok.items():
        result.update(_label_by_label(task, *told[name][0], groups))
    scores = {name: result["scores"][task.metric]["value"] for name, result in ok.items()}
    cost = {name: result[COSTS[prefer]] for name, result in ok.items()}
    scale = task.metrics[task.metric].scale
    good = {name: scale.better(score) for name, score in scores.items()}
    best = min(good, key=lambda name: (-good[name], cost[name]))
    floor = next((name for name, result in ok.items() if result["baseline"]), None)
    against = {
        one: {other: _versus(pairs, one, other) for other in ok if other != one} for one in ok
    }
    for name, result in ok.items():
        result["versus_best"] = _versus(pairs, name, best)
        result["beats_majority"] = None if floor in (None, name) else good[name] > good[floor]
    advice = recommend(scores, pairs, cost, margin, prefer, floor, scale)
    return {
        "results": results,
        "pairs": against,
        "recommended": advice.name,
        "why": advice.why,
        "optimism": pairs.optimism,
        "groups": None if groups is None else int(groups.max()) + 1,
        "worth": worth(rows, ok, pairs, tuned or {}),
    }


def _scored(
    task: Task,
    ok: Mapping[str, dict[str, Any]],
    told: Mapping[str, list[Fit]],
    leaked: Sequence[int],
    groups: np.ndarray | None,
) -> Pairs:
    """Give each result its scores, with and without leaked rows; all pairs by what decides.

    Args:
        told: by name, targets and answers of each seed.
    """
    import numpy as np

    from tunewell.measure.compare import simultaneous
    from tunewell.measure.intervals import effective_rows, intervals

    targets = next(iter(told.values()))[0][0]
    for key, metric in task.metrics.items():
        known = {name: statistics_of(metric, fits) for name, fits in told.items()}
        statistics = {name: each for name, each in known.items() if np.isfinite(each).all()}
        if not statistics:
            continue
        rows_that_count = effective_rows(metric, targets, task.ideal, groups)
        slow = hasattr(metric, "weighted") and key != task.metric
        samples = SAMPLES_OF_SLOW if slow else SAMPLES
        drawn: dict[str, Any] = {"effective_rows": rows_that_count, "groups": groups}
        found = intervals(metric, statistics, samples=samples, **drawn)
        for name, interval in found.items():
            ok[name].setdefault("scores", {})[key] = to_json(interval)
        if 0 < len(leaked) < len(targets):
            without = {name: np.delete(each, leaked, axis=1) for name, each in statistics.items()}
            left = (
                None
                if groups is None
                else np.unique(np.delete(groups, leaked), return_inverse=True)[1]
            )
            for name, interval in intervals(metric, without, samples=samples, groups=left).items():
                ok[name].setdefault("scores_without_leaked", {})[key] = to_json(interval)
        if key == task.metric:
            pairs = simultaneous(metric, statistics, **drawn)
    return pairs


def _label_by_label(
    task: Task, targets: Sequence[Any], answers: Sequence[Answer], groups: np.ndarray | None
) -> dict[str, Any]:
    """What is told of each label or type, and how sure answers are, where that is known."""
    found: dict[str, Any] = {}
    if task.answers in ("label", "labels"):
        found["per_label"] = to_json(per_label(task.labels, targets, answers))  # type: ignore[attr-defined]
    if task.answers == "label":
        found["calibration"] = to_json(calibration(targets, answers))
    if task.answers == "spans":
        found["per_label"] = to_json(per_type(task.labels, targets, answers, groups))  # type: ignore[attr-defined]
    return found


def _versus(pairs: Pairs, one: str, other: str) -> dict[str, float]:
    """By how much one row scores better than another, with the interval."""
    found = pairs.between(one, other)
    return {"difference": found.value, "low": found.low, "high": found.high}


def _row(
    run: Path, row: dict[str, Any], trials: list[dict[str, Any]], task: Task
) -> dict[str, Any]:
    """What is known of a method on a backbone without looking at its answers."""
    metric = task.metric
    result = {
        "method": row["method"],
        "backbone": row["backbone"],
        "baseline": getattr(registry.methods().get(row["method"]), "baseline", False),
        "status": row["status"],
        "reason": row["reason"],
        "trials": [
            {
                "options": trial["options"],
                "seed": trial["seed"],
                "status": trial["status"],
                "reason": trial["reason"],
                "validation": trial.get("validation", {}).get(metric),
                "cost_seconds": trial.get("cost_seconds"),
                "peak_bytes": trial.get("peak_bytes"),
                "planned_seconds": trial.get("planned_seconds"),
                "planned_peak_bytes": trial.get("planned_peak_bytes"),
                "folder": trial["folder"],
            }
            for trial in trials
        ],
        "notes": [],
    }
    picked = pick(trials, metric, row["keys"], task.metrics[metric].scale)
    if picked is None or not (run / picked["folder"] / "test.json").exists():
        ended = [t for t in trials if t["status"] != "ok" and t["key"] in row["keys"]]
        if ended and row["status"] == "ok":
            last = ended[-1]
            result.update(status=last["status"], reason=last["reason"], kind=last.get("kind", ""))
        elif row["status"] == "ok":
            result.update(status="skipped", reason="the run was stopped before this method")
        return result
    again = refits(trials, picked, row["refits"])
    opened = [fit for fit in again if (run / fit["folder"] / "test.json").exists()]
    fits = [picked, *(fit for fit in opened if fit["status"] == "ok")]
    test = read_json(run / picked["folder"] / "test.json")
    parameters = picked["parameters"]
    lines = [row["reason"]] if row["reason"] else []
    lines += [f"seed {t['seed']} failed: {t['reason']}" for t in again if t["status"] == "failed"]
    result.update(
        status="ok",
        reason="",
        options=picked["options"],
        settings=picked["settings"],
        seeds=[fit["seed"] for fit in fits],
        folders=[fit["folder"] for fit in fits],
        folder=picked["folder"],
        trainable_parameters=parameters["trainable"],
        changed_parameters=parameters["changed"],
        total_parameters=parameters["total"],
        cost_seconds=picked["cost_seconds"],
        spent_seconds=sum(trial["spent_seconds"] for trial in trials),
        cpu_seconds=picked["cpu_seconds"],
        peak_bytes=picked["peak_bytes"],
        planned_seconds=picked.get("planned_seconds"),
        planned_peak_bytes=picked.get("planned_peak_bytes"),
        disk_bytes=picked["disk_bytes"],
        milliseconds_per_prediction=test["milliseconds_per_prediction"],
        predictions_per_second=test["predictions_per_second"],
        notes=list(dict.fromkeys([*lines, *picked["notes"], *test.get("notes", ())])),
        forgetting=read_forgetting(run / picked["folder"]),
        **({"spent": test["spent"]} if "spent" in test else {}),
    )
    return result
