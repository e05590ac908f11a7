"""Writes docs/performance.md from what was measured: python -m benchmarks.performance_page."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed.compared import (
    FIGURES,
    Comparison,
    accuracies,
    finished,
    less_accurate,
    ratio,
    training_ratio,
)
from benchmarks.speed.comparisons import COMPARISONS
from benchmarks.speed.sides import Side
from benchmarks.speed.work import trained

INTRODUCTION = """\
# Performance

What Tunewell costs, measured against what people do without it. `make bench` measures again and
writes this page anew; `python -m benchmarks.speed NAME` measures one comparison alone.

Each side is a fresh process on one core with one thread; imports and start-up, reading,
validation after each epoch and the test rows are included, and on our side planning, timing the
answers, saving and the report. Both sides read the same film reviews, cut at the same length, with
the same epochs and the same learning rate; rival and Tunewell take turns. A ratio is how many
times less Tunewell takes, the median over the rounds with the lowest and the highest; *training
alone* is the same of the training without all else. A ratio counts only where Tunewell's accuracy
is not surely lower (95 % interval of the difference); else it stands in brackets. The rivals'
scripts are in `benchmarks/rivals/`.
"""

GPU = "not measured here; `python benchmarks/gpu.py` measures it where there is a GPU"
ON_A_GPU = (
    (
        "LoRA on a decoder of half a billion parameters, against Trainer, PEFT, flash attention",
        "1.8",
    ),
    ("`full` at MiniLM's size on a GPU, against the Trainer", "3"),
    ("peak memory on a GPU at the same tokens, of the script's", "≤ 0.5"),
)
NOT_TRIED = """\
## On a GPU

Nothing here has run on a GPU yet: there was none at hand. What is there for one, and how far it
was tried:

- Rows run end to end there as well, by torch's own kernel for rows of many lengths
  (`torch.nn.attention.varlen`, FlashAttention), in bfloat16. Before its first use the kernel is
  tried against rows one after the other, outputs and gradients, for each shape of heads, causal or
  not, with and without a window and keys before the text; where it differs or is not there, rows
  stay padded. Tried on a CPU with plain steps in the kernel's place, and torch's own on shapes
  alone. flash-attn is not used: torch has the same kernel.
- With `pip install 'tunewell[gpu]'` norms and gated layers of decoders run by liger-kernel, module
  by module where it says the same. The loss over words is computed in pieces without it.
- All methods and tasks were fitted on a made-up device of which torch knows only that it is not
  the CPU: answers are the CPU's (`pytest -m slow tests/fit/test_device.py`).
- The best weights so far lie in the machine's memory, not on the GPU; layers run twice for their
  gradients (gradient checkpointing) only where memory has run out.

`python benchmarks/gpu.py` measures the three goals above where there is a GPU, in under ten
minutes (on a CPU, `--device cpu --tiny` tries all of it: a minute of the processor's);
`bash benchmarks/gpu_wheels.sh FOLDER` fetches the four wheels (1.2 MB) that a machine
lacks that has torch, transformers, peft and what they bring along.
"""
UNKNOWN = "What limits it is not known yet."
TRAINING_MEETS_IT = (
    "The training alone meets the goal; what is left is start-up, planning, timing the answers and"
    " the report, which weigh much where rows are so few."
)


def main() -> None:
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/speed/measured.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    rounds = by_round(record)
    others = sorted(path.parent.glob("train*/measured.json"))
    parts = [
        INTRODUCTION,
        circumstances(record),
        goals(record, rounds),
        *(more_rows(json.loads(other.read_text(encoding="utf-8"))) for other in others),
        lost(record, rounds),
        NOT_TRIED,
        costs(record, rounds),
        commands(record),
    ]
    print("\n".join(parts), end="")


def by_round(record: dict[str, Any]) -> list[dict[str, Any]]:
    """{side: what was measured} of each round."""
    rounds: dict[int, dict[str, Any]] = {}
    for one in record["measurements"]:
        rounds.setdefault(one["round"], {})[one["side"]] = one
    return [rounds[number] for number in sorted(rounds)]


def circumstances(record: dict[str, Any]) -> str:
    """When, where, with what, and how busy the machine was."""
    machine, size = record["machine"], record["size"]
    loads = [one["cost"]["load"] for one in record["measurements"]]
    peaks = {
        name: statistics.median(p[name] for p in record["peaks"]) for name in record["peaks"][0]
    }
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    tokens = record["tokens"]["train"]
    rounds = max(one["round"] for one in record["measurements"])
    return f"""\
{record["begun"]} to {record["ended"]} (UTC), {rounds} rounds (what takes longest
in the first alone). {machine["processor"]}, {machine["cores"]} cores
({", ".join(machine["flags"])}),
{machine["memory_bytes"] / 2**30:.0f} GB, {machine["system"]}; one process on each of
{len(record["cores"])} cores. Load {machine["load_before"]:.1f} before, {min(loads):.1f} to
{max(loads):.1f} during. Matrix products reach {peaks["float32"] / 1e9:.0f} GFLOP/s in float32 and
{peaks["bfloat16"] / 1e9:.0f} in bfloat16 on one core. Python {machine["python"]}, tunewell
{machine["tunewell"]}, {versions}.

{size["train"]} training, {size["validation"]} validation and {size["test"]} test rows of IMDB,
{tokens["256"] / tokens["rows"]:.0f} tokens a row at most 256, {size["epochs"]} epochs;
{size["answered"]} rows are predicted; `all-MiniLM-L6-v2`. `{record["command"]}`
"""


def goals(record: dict[str, Any], rounds: list[dict[str, Any]]) -> str:
    """Every comparison with its goal and its ratio."""
    lines = ["## Goals", "", *table(COMPARISONS, record, rounds)]
    lines += [f"| {what} | {goal} | {GPU} | | | |" for what, goal in ON_A_GPU]
    return "\n".join(lines) + "\n"


def more_rows(record: dict[str, Any]) -> str:
    """The same of some comparisons with more training rows, where the fixed costs weigh less."""
    rounds, size, machine = by_round(record), record["size"], record["machine"]
    loads = [one["cost"]["load"] for one in record["measurements"]]
    there = [one for one in COMPARISONS if ratio(one, rounds) is not None]
    told = f"""\
## With {size["train"]} training rows

What does not grow with the rows (start-up, planning, timing the answers, the report) weighs less
here. {record["begun"]} to {record["ended"]} (UTC), {len(rounds)}
round{"s" * (len(rounds) > 1)}, load {machine["load_before"]:.1f} before and {min(loads):.1f} to \
{max(loads):.1f} during; all else as above. `{record["command"]}`
"""
    return "\n".join([told, *table(there, record, rounds)]) + "\n"


def table(
    comparisons: Sequence[Comparison], record: dict[str, Any], rounds: list[dict[str, Any]]
) -> list[str]:
    """Lines: every comparison with its goal, its ratio, and whether it is met."""
    lines = [
        "| what | goal | measured | training alone | accuracy, theirs / ours | |",
        "|:---|---:|---:|---:|---:|:---|",
    ]
    for comparison in comparisons:
        found, alone = ratio(comparison, rounds), training_ratio(comparison, rounds)
        told = "not measured"
        if found is not None:
            told = f"{number(found.value)} [{number(found.low)}, {number(found.high)}]"
        if void(comparison, record, rounds):
            told = f"({told})"
        sign = "≤ " if comparison.at_most else ""
        goal = f"{sign}{comparison.goal:g}" if comparison.goal else ""
        both = accuracies(comparison, rounds).values()
        right = ", ".join(f"{100 * a:.0f} / {100 * b:.0f} %" for a, b in both)
        cells = [
            comparison.what,
            goal,
            told,
            f"{alone:.2f}" if alone and not comparison.at_most else "",
            right,
            verdict(comparison, record, rounds),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def number(value: float) -> str:
    """A ratio with two decimals, a tiny figure with its power of ten."""
    return f"{value:.2f}" if value >= 0.01 else f"{value:.0e}"


def void(comparison: Comparison, record: dict[str, Any], rounds: list[dict[str, Any]]) -> bool:
    """Whether Tunewell is surely less accurate in a method: its speed is worth nothing then."""
    rows = {side.part: record["size"]["test"] for side in comparison.sides}
    rows |= {"answered": record["size"]["answered"], "long/train": record["size"]["long"]}
    return any(
        less_accurate(theirs, ours, rows[comparison.ours[0].part])
        for theirs, ours in accuracies(comparison, rounds).values()
    )


def verdict(comparison: Comparison, record: dict[str, Any], rounds: list[dict[str, Any]]) -> str:
    """Met, missed or void; nothing without a goal."""
    found = ratio(comparison, rounds)
    if found is None or comparison.goal is None:
        return ""
    if void(comparison, record, rounds):
        return "void: less accurate"
    met = found.value <= comparison.goal if comparison.at_most else found.value >= comparison.goal
    return "met" if met else "missed"


def lost(record: dict[str, Any], rounds: list[dict[str, Any]]) -> str:
    """What Tunewell loses or misses, and what limits it."""
    lines = ["## Missed", ""]
    for comparison in COMPARISONS:
        found = ratio(comparison, rounds)
        told = verdict(comparison, record, rounds)
        a_race = comparison.rivals and not comparison.at_most and comparison.name != "control"
        slower = a_race and found is not None and found.high < 1
        if told.startswith(("missed", "void")) or slower:
            alone = training_ratio(comparison, rounds) or 0.0
            within = not comparison.at_most and alone >= (comparison.goal or 1.0)
            why = TRAINING_MEETS_IT if within else comparison.limit or UNKNOWN
            lines.append(f"- {comparison.what}: {told or 'slower than the rival'}. {why}")
    if len(lines) == 2:
        lines.append("Nothing that was measured.")
    return "\n".join(lines) + "\n"


def costs(record: dict[str, Any], rounds: list[dict[str, Any]]) -> str:
    """Each side's own figures, the medians of the rounds."""
    lines = [
        "## Each side",
        "",
        "Medians of the rounds. Tokens are real ones, none of padding, a CPU second of training;"
        " the share is of the operations that those tokens ask for, in the higher of the two peaks."
        " Where frozen layers are kept, less is computed than is asked for.",
        "",
        "| side | CPU s | wall s | peak MB | training alone, CPU s | tokens / s | share of peak |",
        "|:---|---:|---:|---:|---:|---:|---:|",
    ]
    highest = max(max(peak.values()) for peak in record["peaks"])
    for side in sides():
        there = [r[side.name] for r in rounds if finished(r.get(side.name))]
        if not there:
            continue
        cost = {
            name: statistics.median(one["cost"][name] for one in there)
            for name in ("cpu_seconds", "wall_seconds", "peak_bytes")
        }
        cells = [
            side.name,
            f"{cost['cpu_seconds']:.1f}",
            f"{cost['wall_seconds']:.1f}",
            f"{cost['peak_bytes'] / 1e6:.0f}",
            *training(side, there, record, highest),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def training(
    side: Side, there: list[dict[str, Any]], record: dict[str, Any], highest: float
) -> list[str]:
    """Seconds, tokens a second and share of the peak of a side that trains one method."""
    methods = list(there[0]["outcome"]["training"])
    if len(methods) != 1:
        return ["", "", ""]
    seconds = statistics.median(one["outcome"]["training"][methods[0]] for one in there)
    speed = trained(side, methods[0], seconds, record)
    if speed is None:
        return [f"{seconds:.1f}", "", ""]
    return [f"{seconds:.1f}", f"{speed[0]:.0f}", f"{100 * speed[1] / highest:.0f} %"]


def sides() -> list[Side]:
    """Every side once, in the order of the comparisons."""
    return list(dict.fromkeys(side for one in COMPARISONS for side in one.sides))


def commands(record: dict[str, Any]) -> str:
    """What was run; {rows} and {out} are folders of the benchmark."""
    lines = ["## Commands", "", "```sh"]
    epochs = str(record["size"]["epochs"])
    measured = {
        one["side"]: one["command"].replace("{epochs}", epochs) for one in record["measurements"]
    }
    lines += [f"# {name}\n{command}" for name, command in measured.items()]
    lines += [
        "```",
        "",
        f"Ratios are of {FIGURES['cpu_seconds']}, of memory of {FIGURES['peak_bytes']}.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
