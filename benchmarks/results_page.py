"""Writes docs/results.md from run folders: python benchmarks/results_page.py RUN ... > PAGE.

The folders that TUNEWELL_DATA and TUNEWELL_TASK_DATA name are written as these variables.
"""

import json
import os
import sys
from pathlib import Path

from tunewell.tell.scores import reading
from tunewell.tell.table import plain
from tunewell.tell.units import seconds

INTRODUCTION = """\
# Results

Real runs on public data sets, written by `benchmarks/results.sh` and
`python benchmarks/results_page.py`: first the whole ladder, three trials a method, on two sets;
then a comparison of each task on a set of its own, with a few hundred rows and mostly one trial.

An interval is at 95 %; "versus best" is in points and simultaneous over all pairs. Training is
what it takes to make that model alone; the run's own seconds include the search, the tests, and
whatever else the machine was doing: two runs went at a time, each on one core of two, beside other
work, so that seconds are up to five times those of a quiet machine and uneven from row to row.
Scores and intervals are not touched by that.
Some runs were stopped and went on, which notes say.

Rows were cut for time: 1,000 to train on for the finance topics (the file has 16,990), 500 for the
film reviews, and there 128 tokens of 230 (`bag_of_words` reads whole reviews). Everything that
trains the body got three epochs, which is few for 1,000 rows: the highest of three learning rates
won nearly everywhere. `augment` and `instructed` wrap `last_layers`. With two copies of each row
`augment` takes three times the steps of the others in its three epochs; what of its lead is owed
to that, these runs do not say.
"""

ORDER = ("features", "last_layers", "full")
"""From cheap to dear, and from worse to better as the guides have it (Howard and Ruder, 2018;
Peters, Ruder and Smith, 2019, arXiv 1903.05987)."""


def section(run: Path) -> str:
    """One run: what was asked, the sentence, the table, and what it took."""
    comparison = json.loads((run / "comparison.json").read_text(encoding="utf-8"))
    command = comparison["command"].replace(str(run), f"runs/{run.name}")
    for name in ("TUNEWELL_DATA", "TUNEWELL_TASK_DATA"):
        if folder := os.environ.get(name):
            command = command.replace(folder, f"${name}")
    rows, machine = comparison["rows"], comparison["machine"]
    versions = machine["versions"]
    spent = sum(result.get("spent_seconds") or 0.0 for result in comparison["results"])
    cpu = sum(result.get("cpu_seconds") or 0.0 for result in comparison["results"])
    labels = comparison.get("labels")
    classes = f", {len(labels)} classes" if labels else ""
    facts = ", ".join(f"{name} {versions[name]}" for name in ("torch", "transformers", "peft"))
    return f"""\
## {comparison["name"].replace("_", " ")}

{comparison["why"]}

{comparison["created"][:10]}; {rows["train"]} training, {rows["validation"]} validation and
{rows["test"]} test rows{classes}; {comparison["metric"]} decides
({comparison["metric_why"]}); {machine["processor"]}, {machine["threads"]} threads,
{machine["dtype"]}; tunewell {comparison["version"]}, {facts}.
All trials took {seconds(spent)}, the picked fits {cpu:.0f} seconds of processor time.

```sh
{command}
```

{plain(comparison)}
{order(comparison)}{trials(comparison)}"""


def order(comparison: dict) -> str:
    """Whether the guides' order of methods, and the worth of pre-training, show on these rows."""
    pairs = comparison.get("pairs", {})
    steps = [*zip(ORDER[1:], ORDER, strict=False), (ORDER[-1], ORDER[0]), ("full", "from_scratch")]
    lines = []
    for better, worse in steps:
        if worse not in pairs.get(better, {}):
            continue
        found = pairs[better][worse]
        read = reading(comparison, comparison["metric"])
        if found["low"] > 0:
            says = "better"
        else:
            says = "worse" if found["high"] < 0 else "not to be told apart on these rows"
        ends = f"[{read.difference(found['low'])}, {read.difference(found['high'])}]"
        lines.append(
            f"- `{better}` against `{worse}`: {read.difference(found['difference'])} {ends}, {says}"
        )
    if not lines:
        return ""
    title = "The order that the guides give, features < last layers < full, and what "
    return title + "pre-training is worth:\n\n" + "\n".join(lines) + "\n\n"


def trials(comparison: dict) -> str:
    """Each trial's validation score, the picked one in bold."""
    lines = ["| method | what was tried | validation |", "|:---|:---|---:|"]
    for result in comparison["results"]:
        for trial in result["trials"]:
            if len(result["trials"]) < 2 or trial["validation"] is None:
                continue
            tried = [
                f"`{name}` {value:.4g}" if isinstance(value, float) else f"`{name}` {value}"
                for name, value in trial["options"].items()
                if any(other["options"][name] != value for other in result["trials"])
            ]
            score = reading(comparison, comparison["metric"]).figure(trial["validation"])
            score = f"**{score}**" if trial["folder"] == result.get("folder") else score
            lines.append(f"| {result['name']} | {', '.join(tried)} | {score} |")
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


if __name__ == "__main__":
    print("\n".join([INTRODUCTION, *(section(Path(run)) for run in sys.argv[1:])]), end="")
