"""The rows of a comparison as every face shows them: terminal, Markdown, report."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from typing import Any

from tunewell.contracts import Metric
from tunewell.tell import units
from tunewell.tell.scores import Reading, reading
from tunewell.tell.scores import metric_name as metric_name

Score = dict[str, float]


@dataclass(frozen=True)
class Column:
    """A column of the comparison: its key in `Row.cells`, its heading, where it stands in line."""

    key: str
    heading: str
    priority: int
    """Narrow terminals leave out the highest first; 0 is never left out."""
    number: bool = True


@dataclass(frozen=True)
class Row:
    """One result, with its figures as texts (`cells`, by column) and as numbers for pictures."""

    name: str
    backbone: str
    status: str
    recommended: bool
    best: bool
    score: Score | None
    training_seconds: float | None
    prediction_seconds: float | None
    no_better: bool
    """Whether it ended no better than what never looks at the input."""
    note: str
    """All that is to be said about the row, in one line."""
    notes: tuple[str, ...]
    """What was noted while it ran."""
    cells: dict[str, str]
    result: dict[str, Any]


def metric_record(metric: Metric) -> dict[str, Any]:
    """What `reading` must know of a metric, as `comparison.json` keeps it."""
    scale = metric.scale
    return {
        "words": metric.words,
        "percent": scale.percent,
        "lower_is_better": scale.lower_is_better,
        "low": scale.low if math.isfinite(scale.low) else None,
        "high": scale.high if math.isfinite(scale.high) else None,
        "meaning": metric_meaning(metric),
    }


def metric_meaning(metric: Metric) -> str:
    """What a metric says, in a sentence for people who do not know its name."""
    known = {
        "accuracy": "The share of rows that are answered right.",
        "macro_f1": "Every category counts the same, however rare it is: missing a rare one hurts.",
        "spearman": "Whether answers put the rows in the right order: 1 is the very order, 0 is "
        "chance, -1 the order upside down.",
        "pearson": "How near answers come to the right numbers on a straight line: 1 is all the "
        "way, 0 is not at all, -1 the line upside down.",
        "mean_absolute_error": "How far an answer is from the right number on average, in its own "
        "unit; less is better.",
    }
    told = getattr(metric, "meaning", "") or (inspect.getdoc(type(metric)) or "")
    return known.get(metric.name, told.partition("\n")[0])


def columns(comparison: dict[str, Any]) -> list[Column]:
    """The columns of this comparison, in order; the backbone is one where there are several."""
    metric = reading(comparison, comparison["metric"]).words
    backbone = [Column("backbone", "backbone", 1, number=False)]
    forgetting = [Column("forgetting", "forgetting", 7)]
    return [
        Column("name", "method", 0, number=False),
        *(backbone if several_backbones(comparison) else []),
        Column("score", metric, 0),
        Column("versus", "versus best", 3),
        *(forgetting if any(forgot(row) for row in comparison["results"]) else []),
        Column("cost", "training", 0),
        Column("milliseconds", "prediction", 2),
        *([Column("spent", "1,000 answers", 1)] if spends(comparison) else []),
        Column("trainable", "trainable parameters", 5),
        Column("peak", "peak memory", 4),
        Column("disk", "size", 6),
    ]


def forgot(result: dict[str, Any]) -> dict[str, float] | None:
    """By how many bits a tuned model finds other texts harder; None where that is not known."""
    return (result.get("forgetting") or {}).get("change") if result["status"] == "ok" else None


def several_backbones(comparison: dict[str, Any]) -> bool:
    """Whether a method's name alone does not say what a row is."""
    return len({row["backbone"] for row in comparison["results"] if row.get("backbone")}) > 1


def spends(comparison: dict[str, Any]) -> bool:
    """Whether an answer of some method is paid for."""
    return any(row.get("spent") for row in comparison["results"])


def _price(spent: dict[str, float]) -> str:
    """What a thousand answers cost: money where prices are known, else tokens."""
    if "money" in spent:
        return f"{1000 * spent['money']:.3g}"
    return f"{units.count(round(1000 * (spent['tokens_read'] + spent['tokens_written'])))} tokens"


def rows(comparison: dict[str, Any]) -> list[Row]:
    """One row a result, in the order that the comparison has them."""
    metric = comparison["metric"]
    scores = [score["value"] for item in comparison["results"] if (score := _score(item, metric))]
    top = reading(comparison, metric).best(scores)
    return [_row(item, comparison, top) for item in comparison["results"]]


def _row(result: dict[str, Any], comparison: dict[str, Any], top: float | None) -> Row:
    name = result.get("name") or result["method"]
    read = reading(comparison, comparison["metric"])
    score = _score(result, comparison["metric"])
    best = score is not None and score["value"] == top
    finished = result["status"] == "ok"
    milliseconds = result.get("milliseconds_per_prediction")
    cells = {
        "name": result["method"] if several_backbones(comparison) else name,
        "backbone": result.get("backbone") or units.NOTHING,
        "score": read.interval(score) if score else units.NOTHING,
        "versus": _versus(result, best, read),
        "forgetting": _forgetting(result),
        "cost": _figure(result, "cost_seconds", units.seconds),
        "milliseconds": _figure(result, "milliseconds_per_prediction", units.milliseconds),
        "spent": _figure(result, "spent", _price),
        "trainable": _figure(result, "trainable_parameters", units.count),
        "peak": _figure(result, "peak_bytes", units.megabytes),
        "disk": _figure(result, "disk_bytes", units.megabytes),
    }
    return Row(
        name=name,
        backbone=result.get("backbone") or "",
        status=result["status"],
        recommended=finished and name == comparison.get("recommended"),
        best=best,
        score=score,
        training_seconds=result.get("cost_seconds") if finished else None,
        prediction_seconds=milliseconds / 1000 if finished and milliseconds is not None else None,
        no_better=finished and result.get("beats_majority") is False,
        note=_note(result, comparison.get("answers", "label")),
        notes=tuple(result.get("notes") or ()),
        cells=cells,
        result=result,
    )


def _score(result: dict[str, Any], metric: str) -> Score | None:
    return (result.get("scores") or {}).get(metric) if result["status"] == "ok" else None


def _figure(result: dict[str, Any], key: str, show: Any) -> str:
    value = result.get(key) if result["status"] == "ok" else None
    return units.NOTHING if value is None else show(value)


def _versus(result: dict[str, Any], best: bool, read: Reading) -> str:
    versus = result.get("versus_best")
    if best:
        return "best"
    if result["status"] != "ok" or not versus:
        return units.NOTHING
    low, high = read.difference(versus["low"]), read.difference(versus["high"])
    return f"{read.difference(versus['difference'])} [{low}, {high}]"


def _forgetting(result: dict[str, Any]) -> str:
    change = forgot(result)
    if change is None:
        unchanged = result["status"] == "ok" and (result.get("forgetting") or {}).get("unchanged")
        return "0" if unchanged else units.NOTHING
    value, low, high = (units.signed(change[end]) for end in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _note(result: dict[str, Any], kind: str) -> str:
    if result["status"] != "ok":
        reason = result.get("reason") or "no reason was given"
        return f"{result['status']}: {reason}".rstrip(". ")
    no_better = result.get("beats_majority") is False
    guess = "the majority class" if kind == "label" else "a guess that never looks at the input"
    warned = [f"no better than {guess}"] if no_better else []
    parts = dict.fromkeys([*warned, *(result.get("notes") or [])])
    return "; ".join(part.rstrip(".; ") for part in parts)
