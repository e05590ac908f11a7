"""The README of an export: a model card with the Hub's header, and the lines that run it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewell import registry
from tunewell.fit.pieces import OVERLAP
from tunewell.values import read_json

if TYPE_CHECKING:
    from tunewell.serve.export import Exported

LIBRARY = {"adapter": "peft", "onnx": "onnx", "onnx-int8": "onnx"}
CUT = 'batch = tokenizer(["a text"], padding=True, truncation=True, max_length={length})'
ONNX = """\
import onnxruntime
from transformers import AutoTokenizer

folder = "."
tokenizer = AutoTokenizer.from_pretrained(folder)
session = onnxruntime.InferenceSession(f"{{folder}}/model.onnx")
{batch}
names = [given.name for given in session.get_inputs()]
logits = session.run(None, {{name: batch[name] for name in names}})[0]
{said}
"""
OVERLAPPING = """\
room = {length} - tokenizer.num_special_tokens_to_add()
cut = {{"truncation": True, "max_length": {length}, "stride": room // {part}}}
batch = tokenizer(["a text"], padding=True, return_overflowing_tokens=True, **cut)
rows = batch["overflow_to_sample_mapping"]"""
"""Lines that read a long text in windows."""
SAID = """\
sums = [sum(logits[n] for n, of in enumerate(rows) if of == row) for row in sorted({*rows})]
print([labels[each.argmax()] for each in sums])"""
"""What is said of the mean of their logits."""


def write_card(folder: Path, model: Path, told: Exported) -> None:
    """Write `README.md`: data, method, options, scores, limits, and how to run it.

    Args:
        folder: of the export; the README that a model's saving left there is taken up.
        model: the model's own folder, inside its run.
        told: what came of the export.
    """
    record, trial = read_json(model / "model.json"), read_json(model.parent / "trial.json")
    home = model.parent.parent.parent
    comparison, data = read_json(home / "comparison.json"), read_json(home / "data.json")
    place = f"trials/{model.parent.name}"
    rows = [row for row in comparison["results"] if row.get("folder") == place]
    lines = [
        _header(record, comparison, rows, told),
        f"# {comparison['name']}: {trial['method']} on {record['backbone']['name']}",
        "",
        f"Fitted by Tunewell {comparison['version']} for the task `{comparison['task']}`.",
        "",
        "## Run it",
        "",
        "From inside this folder:",
        "",
        f"```python\n{_code(folder, record, told).rstrip()}\n```",
        "",
        _checked(told),
        "",
        "## How it was made",
        "",
        _rows_of(data),
        f"Seed {trial['seed']}, {', '.join(f'{k} {v}' for k, v in trial['settings'].items())}.",
        "",
        "| option | value |",
        "|:---|:---|",
        *(f"| {name} | {value} |" for name, value in trial["options"].items()),
        "",
        f"The backbone's files had the SHA-256 fingerprint `{record['backbone']['fingerprint']}`. "
        "Its licence holds for these weights as well.",
        "",
        "The command:",
        "",
        f"    {comparison['command']}",
        "",
        "## What it scored",
        "",
        *(_scores(rows[0]) if rows else ["It was not the pick of its method."]),
        "",
        "## Limits",
        "",
        "The scores hold for rows like those it was fitted to; on texts of another kind they may "
        "be far lower. It repeats what those rows say, their mistakes and their leanings too.",
        "",
    ]
    (folder / "README.md").write_text("\n".join(lines), encoding="utf-8")


def _header(
    record: dict[str, Any], comparison: dict[str, Any], rows: list[Any], told: Exported
) -> str:
    """The Hub's YAML."""
    import yaml

    tag = next((k for k, v in registry.TASK_ALIASES.items() if v == comparison["task"]), None)
    head: dict[str, Any] = {"library_name": LIBRARY.get(told.form, "transformers")}
    if re.fullmatch(r"[\w.-]+/[\w.-]+", record["backbone"]["name"]):
        head["base_model"] = record["backbone"]["name"]
    if tag:
        head["pipeline_tag"] = tag
    head |= {"tags": ["tunewell", record["method"]], "metrics": [comparison["metric"]]}
    if rows and tag:
        value = rows[0]["scores"][comparison["metric"]]["value"]
        head["model-index"] = [
            {
                "name": comparison["name"],
                "results": [
                    {
                        "task": {"type": tag},
                        "dataset": {"name": comparison["name"], "type": "private"},
                        "metrics": [{"type": comparison["metric"], "value": round(value, 4)}],
                    }
                ],
            }
        ]
    return f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n"


def _code(folder: Path, record: dict[str, Any], told: Exported) -> str:
    """The lines that answer a text."""
    readme = folder / "README.md"
    if readme.exists():
        found = re.search(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
        assert found, "the card of a saved model has the lines that run it"
        return found[1]
    labels = record["task"].get("labels")
    said = "print([labels[number] for number in logits.argmax(-1)])" if labels else "print(logits)"
    windows = record["task"].get("options", {}).get("long_texts") == "windows"
    batch = (OVERLAPPING if windows else CUT).format(
        length=record["backbone"]["max_length"], part=OVERLAP
    )
    code = ONNX.format(batch=batch, said=SAID if windows else said)
    return code.replace("folder =", f"labels = {labels!r}\nfolder =", 1) if labels else code


def _checked(told: Exported) -> str:
    if told.scores is None:
        return (
            f"On {told.rows} test rows its answers are those of the model it was made from, "
            f"within {max(told.largest_difference, 1e-9):.0e}."
        )
    before, after = (
        f"{100 * s.value:.1f} [{100 * s.low:.1f}, {100 * s.high:.1f}]"
        for s in (told.scores["float32"], told.scores["int8"])
    )
    return f"On {told.rows} test rows it scored {after} with 8-bit weights, {before} without."


def _rows_of(data: dict[str, Any]) -> str:
    sizes = ", ".join(f"{count} for {part}" for part, count in data["rows"].items())
    return f"Rows: {sizes}; with their split they have the fingerprint `{data['fingerprint']}`."


def _scores(row: dict[str, Any]) -> list[str]:
    """A table of the run's scores on test rows."""
    lines = ["On test rows that it never saw, with 95 % intervals:", "", "| metric | score |"]
    lines.append("|:---|:---|")
    for name, score in row["scores"].items():
        lines.append(f"| {name} | {score['value']:.4f} [{score['low']:.4f}, {score['high']:.4f}] |")
    return lines
