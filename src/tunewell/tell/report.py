"""The report: one self-contained HTML file, made from a run folder's result files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewell import registry
from tunewell.errors import DataError
from tunewell.tell import text, units
from tunewell.tell.figures import figures, scale
from tunewell.tell.mistakes import mistakes, named
from tunewell.tell.rows import columns, rows
from tunewell.tell.scores import reading
from tunewell.tell.trials import trials
from tunewell.values import whole_file

if TYPE_CHECKING:
    from jinja2 import Environment

    from tunewell.contracts import Task


def write_report(run_folder: Path) -> Path:
    """Writes `report.html` into a run folder and says where it is.

    Reads `comparison.json`, `data.json` where there is one, and the `answers.jsonl` of the
    recommended method. Nothing is run, so an old run can be reported again.

    Raises:
        DataError: a file is missing or is not what a run writes.
    """
    template = environment().get_template("report.html.j2")
    report = run_folder / "report.html"
    with whole_file(report) as aside:
        aside.write_text(template.render(read_view(run_folder)), encoding="utf-8")
    return report


def read_view(run_folder: Path) -> dict[str, Any]:
    """What the templates show of a run folder: see `view`; DataError as in `write_report`."""
    comparison = _read_json(run_folder / "comparison.json")
    data = _read_json(run_folder / "data.json") if (run_folder / "data.json").exists() else {}
    folder = _recommended_folder(run_folder, comparison)
    return view(comparison, data, _read_lines(folder / "answers.jsonl") if folder else ())


def render(
    comparison: dict[str, Any], data: dict[str, Any], answers: Iterable[dict[str, Any]]
) -> str:
    """The report as HTML; the arguments are those of `view`."""
    return environment().get_template("report.html.j2").render(view(comparison, data, answers))


def view(
    comparison: dict[str, Any], data: dict[str, Any], answers: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    """What the templates show, by name.

    Args:
        comparison: the content of `comparison.json`.
        data: the content of `data.json`: `columns` and `faults`; may be empty.
        answers: the lines of the recommended method's `answers.jsonl`; may be empty.
    """
    comparison, data = text.clean(comparison), text.clean(data)
    names = {str(key): str(name) for key, name in (comparison.get("label_names") or {}).items()}
    lines = rows(comparison)
    read = reading(comparison, comparison["metric"])
    repeated = any(line.result.get("scores_without_leaked") for line in lines)
    return {
        "comparison": comparison,
        "columns": columns(comparison),
        "rows": lines,
        "chosen": next((line for line in lines if line.recommended), None),
        "scale": scale(lines),
        "figures": figures(lines, read),
        "mistakes": mistakes(
            (text.clean(answer) for answer in answers),
            comparison.get("labels") or (),
            names,
            _task(data),
        ),
        "named": lambda label: named(text.as_text(label), names),
        "trials": [trials(result, read) for result in comparison["results"]],
        "read": read,
        "reading": lambda metric: reading(comparison, metric),
        "data": data,
        "leaked": len(data.get("leaked") or ()) if repeated else 0,
        "seeds": max([1, *(len(line.result.get("seeds") or ()) for line in lines)]),
        "created": _date(comparison.get("created")),
        "forgetting": _forgetting(comparison["results"]),
        "units": units,
    }


def _task(data: dict[str, Any]) -> Task | None:
    """The task that a run was on; None where its record or the task itself is not there."""
    record = data.get("task_record")
    if not record or record["name"] not in registry.tasks():
        return None
    return registry.task(record["name"]).from_json(record)


@cache
def environment() -> Environment:
    """The templates of the report, everything escaped; the web page adds its own to them."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("tunewell.tell"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (units.percent, units.option, text.shorten, text.capital):
        environment.filters[function.__name__] = function
    return environment


def _forgetting(results: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Whether forgetting is told of any result, what its bits are counted for, or why not."""
    known = [each for row in results if (each := row.get("forgetting"))]
    return {
        "told": any("change" in each for each in known),
        "units": list(dict.fromkeys(each["unit"] for each in known if "unit" in each)),
        "reasons": list(dict.fromkeys(each["reason"] for each in known if "reason" in each)),
    }


def _date(created: str | None) -> str:
    try:
        moment = datetime.fromisoformat(created or "")
    except ValueError:
        return created or ""
    return f"{moment.day} {moment:%B %Y, %H:%M %Z}".strip()


def _recommended_folder(run_folder: Path, comparison: dict[str, Any]) -> Path | None:
    """The folder of the recommended method's trial; never one outside the run."""
    for result in comparison["results"]:
        if result.get("name", result["method"]) == comparison.get("recommended"):
            folder = (run_folder / str(result.get("folder") or "")).resolve()
            inside = folder.is_relative_to(run_folder.resolve())
            return folder if inside and (folder / "answers.jsonl").is_file() else None
    return None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        remedy = "Name the folder that `tunewell compare` wrote, for example runs/reviews."
        raise DataError(f"There is no {path.name} in {path.parent}.", remedy=remedy) from None
    except (ValueError, UnicodeError) as error:
        raise _broken(path, str(error)) from None


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise _broken(path, f"line {number}: {error}") from None


def _broken(path: Path, what: str) -> DataError:
    return DataError(
        f"{path} cannot be read: {what}.",
        remedy="The file was damaged or edited. Run the same `tunewell compare` command again.",
    )
