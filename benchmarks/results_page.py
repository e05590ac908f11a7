"""Writes docs/results.md from run folders: python benchmarks/results_page.py RUN ... > PAGE.

The data's folder, as TUNEWELL_DATA names it, is written as that variable.
"""

import json
import os
import sys
from pathlib import Path

from tunewell.tell.table import plain
from tunewell.tell.units import seconds

INTRODUCTION = """\
# Results

Real runs on public data sets, written by `benchmarks/results.sh` and
`python benchmarks/results_page.py`. An interval is at 95 %; "versus best" is in points and
simultaneous over all pairs. Training is what it takes to make that model alone; the run's own
seconds include the search, the tests, and whatever else the machine was doing.

The two runs below went side by side on a machine of two cores that they shared with other work,
so seconds are longer than on a quiet one, by a factor of two or more, and uneven from row to row;
scores and intervals are not touched by that. Both were stopped and went on; the machine line is
that of the last part (on the finance topics everything up to the first trial of `lora` ran with
two threads). `features` was run with `C` 1, 0.1 and 10 first and then, when validation showed that
smaller values do better, with today's default of 0.03 and its two neighbours: six trials instead
of three.
"""


def section(run: Path) -> str:
    """One run: what was asked, the sentence, the table, and what it took."""
    comparison = json.loads((run / "comparison.json").read_text(encoding="utf-8"))
    data = os.environ.get("TUNEWELL_DATA", "")
    command = comparison["command"].replace(data, "$TUNEWELL_DATA") if data else ""
    command = command.replace(str(run), f"runs/{run.name}")
    rows, machine = comparison["rows"], comparison["machine"]
    versions = machine["versions"]
    spent = sum(result.get("spent_seconds") or 0.0 for result in comparison["results"])
    cpu = sum(result.get("cpu_seconds") or 0.0 for result in comparison["results"])
    facts = ", ".join(f"{name} {versions[name]}" for name in ("torch", "transformers", "peft"))
    return f"""\
## {comparison["name"].replace("_", " ")}

{comparison["why"]}

{comparison["created"][:10]}; {rows["train"]} training, {rows["validation"]} validation and
{rows["test"]} test rows, {len(comparison["labels"])} classes; {comparison["metric"]} decides
({comparison["metric_why"]}); {machine["processor"]}, {machine["threads"]} threads,
{machine["dtype"]}; tunewell {comparison["version"]}, {facts}.
All trials took {seconds(spent)}, the picked fits {cpu:.0f} seconds of processor time.

```sh
{command}
```

{plain(comparison)}
{trials(comparison)}"""


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
            score = f"{100 * trial['validation']:.1f} %"
            score = f"**{score}**" if trial["folder"] == result.get("folder") else score
            lines.append(f"| {result['name']} | {', '.join(tried)} | {score} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print("\n".join([INTRODUCTION, *(section(Path(run)) for run in sys.argv[1:])]), end="")
