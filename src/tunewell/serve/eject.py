"""A run's model as one plain script: the same rows, options and seed, the loop by hand."""

from __future__ import annotations

import inspect
import json
import textwrap
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from tunewell import registry, run
from tunewell.errors import ConfigError
from tunewell.fit import backbones
from tunewell.fit.by_hand import ByHand
from tunewell.fit.records import found_again, read_record
from tunewell.options import from_keywords
from tunewell.read import Data
from tunewell.ready import read_rows
from tunewell.serve.plain import loop, network, rows
from tunewell.serve.scripts import ANSWERS, CALM, DOC, SCORES, TRAINS
from tunewell.values import Backbone, Example, Machine, read_json

ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "utf-16")
DELIMITERS = (",", "\t", ";", "|")


def eject(folder: str | Path, out: Path | None = None) -> str:
    """The script that makes a run's model again without us; to be run where the run was.

    Args:
        folder: a run, for its recommended model, or the folder of a model inside a run.
        out: where the script will stand. Rows of a table that plain Python does not read are
            written beside it; without it such a table is refused.

    Raises:
        ConfigError: there is no script for this model, or its rows are not what they were.
    """
    model = run.model_folder(folder)
    if not (model.parent / "trial.json").exists():
        raise ConfigError(f"{model} is not inside a run, so its rows are not known.")
    trial, value = read_json(model.parent / "trial.json"), read_json(model / "model.json")
    home = model.parent.parent.parent
    data = read_rows(from_keywords({"data": home / "run.yaml"}).options)
    if data.fingerprint != trial["data"]:
        raise ConfigError("The rows are no longer those that this model was fitted to.")
    kind = registry.method(trial["method"])
    known = {field.name for field in fields(kind)}
    method = kind(**{k: v for k, v in trial["options"].items() if k in known})
    _refuse_unwritable(method, value, data)
    backbone, body = _body(model, method) if "backbone" in value else (None, None)
    task = registry.task(value["task"]["name"]).from_json(value["task"])
    piece = method.by_hand(body, task)
    name = f"{trial['method']} on {backbone.name}" if backbone else trial["method"]
    told = textwrap.fill(DOC.format(told=_scored(home, model)), 88)
    doc = f'"""Fits {name} again, without Tunewell.\n\n{told}\n"""\n'
    reading = _reading(data, out)
    return "\n".join([doc, *_parts(piece, value, trial, backbone, task, reading)])


def _refuse_unwritable(method: Any, value: dict[str, Any], data: Data) -> None:
    """A ConfigError where no script can be written."""
    why = ""
    if not hasattr(method, "by_hand"):
        why = f"{method.name} is not one of the methods that can be written out"
    elif "asked" in value:
        why = "what a model is asked in words is not written out"
    elif data.task.answers != "label":
        why = "scripts are written for tasks with one label a row"
    elif not all(isinstance(example.input, str) for example in data.train):
        why = "scripts are written for one text a row"
    elif "head" in value and value["head"]["pooling"] is None:
        why = "the architecture's own head is not written out; with --pooling mean ours is"
    elif value["task"]["metric"] not in SCORES:
        why = f"the metric {value['task']['metric']} is not written out"
    elif value["task"].get("thresholds"):
        why = "a label has a threshold of its own, which is not written out"
    elif getattr(data.task, "windows", False):
        why = "windows of long texts are not written out"
    elif data.task.options != type(data.task)().options:  # type: ignore[attr-defined]
        why = "what the task does for rare labels is not written out"
    if why:
        raise ConfigError(
            f"There is no script for this model: {why}.",
            "",
            "`tunewell export` writes the model itself for use without Tunewell.",
        )


def _body(model: Path, method: Any) -> tuple[Backbone, Any]:
    """The backbone of a model, and its network, to see what its parts are called."""
    record, _ = read_record(model, Machine())
    backbone = found_again(record.backbone)
    return backbone, backbones.load_model(backbone, dropout=getattr(method, "dropout", None))


def _parts(
    piece: ByHand,
    value: dict[str, Any],
    trial: dict[str, Any],
    backbone: Backbone | None,
    task: Any,
    reading: tuple[str, Any],
) -> list[str]:
    """Imports, options, functions, the method's own lines, and `main`."""
    options, reader = trial["options"], reading[1]
    given: dict[str, Any] = {"LABELS": list(task.labels), "SEED": trial["seed"]}
    if backbone is not None:
        given |= {
            "BACKBONE": str(backbone.folder),
            "MAX_LENGTH": backbone.max_length,
            "POOLING": (value.get("head") or {}).get("pooling") or backbone.pooling or "mean",
            "BFLOAT16": value["dtype"] == "bfloat16",
        }
    if task.temperature != 1:
        given |= {"TEMPERATURE": task.temperature}
    if piece.trains:
        names = ("learning_rate", "epochs", "batch_size", "warmup", "weight_decay")
        given |= {"SCHEDULE": {name: options[name] for name in names}}
        given |= {"DROPOUT": options["dropout"], "HIDDEN": value["head"]["hidden"]}
        given |= {"BODY_DROPOUT": _dropouts(backbone, options["dropout"])}
    functions: list[Any] = [rows.numbers, reader]
    if backbone is not None:
        functions += [network.Classifier, network.token_ids, network.padded, network.in_batches]
    if piece.trains:
        functions += [network.output_layers, loop.epoch_batches, loop.within_tokens]
        functions += [loop.set_modes, loop.train]
    main = TRAINS if piece.trains else ANSWERS
    frozen = value.get("body") == "backbone"
    flags = {
        "feed": main["vectors"] if frozen else main["tokens"],
        "factors": ", factors=factors" if piece.has_factors else "",
        "reader": reader.__name__,
        "read": main["read"] if backbone is not None else main["none"],
        "calm": CALM if task.temperature != 1 else "",
        "auto": backbones.reading_class(backbone) if backbone is not None else "",
    }
    text = main["main"]
    for name, lines in flags.items():
        text = text.replace(f"<{name}>", lines)
    body = [piece.code, *map(inspect.getsource, functions), SCORES[task.metric], text]
    imports = _imports("\n".join(body), piece)
    constants = [f"{name} = {_literal(item)}" for name, item in given.items()]
    return [imports, "", *constants, reading[0], "", "", *_apart(body), _END]


def _apart(blocks: Sequence[str]) -> list[str]:
    return [block.strip("\n") + "\n\n" for block in blocks]


_END = 'if __name__ == "__main__":\n    main()\n'
_STANDARD = ("contextlib", "csv", "json", "random")


def _imports(code: str, piece: ByHand) -> str:
    """The imports that the code has a use for."""
    own = [line for line in piece.imports if line.startswith("import copy")]
    standard = [*own, *(f"import {name}" for name in _STANDARD if f"{name}." in code)]
    abstract = [name for name in ("Callable", "Sequence") if f"{name}[" in code]
    if abstract:
        standard.append(f"from collections.abc import {', '.join(abstract)}")
    standard += ["from pathlib import Path"]
    standard += ["from typing import Any"] if "Any" in code else []
    other = ["import torch", *(line for line in piece.imports if line not in own)]
    if "save_model(" in code:
        other.append("from safetensors.torch import save_model")
    if "f1_score(" in code:
        other.append("from sklearn.metrics import f1_score")
    names = [name for name in ("Tensor", "nn") if f"{name}" in code]
    other += [f"from torch import {', '.join(names)}"] if names else []
    other += ["from transformers import <auto>, AutoTokenizer"] if "AutoTokenizer" in code else []
    other.sort(key=lambda line: line.split()[1])
    text = "\n".join(["from __future__ import annotations", "", *standard, "", *other])
    found = [name for name in ("AutoModelForTextEncoding", "AutoModel") if f"{name}." in code]
    return text.replace("<auto>", found[0] if found else "AutoModel")


def _dropouts(backbone: Backbone | None, dropout: float) -> dict[str, float]:
    """The dropout fields of the backbone's configuration, as the run had them."""
    assert backbone is not None
    config = backbones.load_config(backbone, dropout=dropout)
    numbers = {k: v for k, v in vars(config).items() if "drop" in k and isinstance(v, float | int)}
    return {k: v for k, v in numbers.items() if not isinstance(v, bool)}


def _reading(data: Data, out: Path | None) -> tuple[str, Any]:
    """The constants that name the rows of each part, and the function that reads them."""
    found = _as_csv(data)
    if found is not None:
        return found
    if out is None:
        raise ConfigError(
            "Plain Python does not read this table as Tunewell does.",
            "",
            "Give --out mine.py; the rows are then written beside it, as mine.jsonl.",
        )
    beside = out.with_suffix(".jsonl")
    parts, lines = {}, []
    for name, examples in data.parts.items():
        parts[name] = [*range(len(lines) + 1, len(lines) + 1 + len(examples))]
        lines += [json.dumps({"text": e.input, "label": e.target}) for e in examples]
    beside.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return _constants({str(beside.resolve()): parts}, ()), rows.json_rows


def _as_csv(data: Data) -> tuple[str, Any] | None:
    """Where the csv module reads the same texts and labels under the same numbers."""
    text, label = data.columns.input, data.columns.target
    files: dict[str, dict[str, list[int]]] = {}
    examples: dict[str, list[Example]] = {}
    for part, of_part in data.parts.items():
        for example in of_part:
            files.setdefault(example.source, {}).setdefault(part, []).append(example.row)
            examples.setdefault(example.source, []).append(example)
    sources = [(encoding, delimiter) for encoding in ENCODINGS for delimiter in DELIMITERS]
    for encoding, delimiter in sources:
        arguments = (encoding, delimiter, text, label)
        if all(_reads_alike(file, arguments, examples[file]) for file in files):
            absolute = {str(Path(file).resolve()): parts for file, parts in files.items()}
            return _constants(absolute, arguments), rows.csv_rows
    return None


def _reads_alike(file: str, arguments: Any, examples: Sequence[Example]) -> bool:
    try:
        found = rows.csv_rows(file, *arguments)
        return all(found[example.row] == (example.input, example.target) for example in examples)
    except (OSError, ValueError, KeyError, TypeError, rows.csv.Error):
        return False


def _constants(files: dict[str, dict[str, list[int]]], arguments: Sequence[Any]) -> str:
    """`FILES`: the rows of each part by file, and how a file is read."""
    lines = ["FILES = {"]
    for file, parts in files.items():
        lines.append(f"    {file!r}: {{")
        for part, numbers in parts.items():
            wrapped = textwrap.wrap(_ranges(numbers), 88)
            lines += [f"        {part!r}: (", *(f"            {w + ' '!r}" for w in wrapped)]
            lines.append("        ),")
        lines.append("    },")
    lines += ["}", f"READ_WITH = {tuple(arguments)!r}"]
    return "\n".join(lines)


def _ranges(numbers: Sequence[int]) -> str:
    """Numbers in their order, runs as first-last.

    >>> _ranges([7, 2, 3, 4])
    '7 2-4'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def _scored(home: Path, model: Path) -> str:
    """What the run's report says of this model."""
    comparison = read_json(home / "comparison.json")
    place, metric = f"trials/{model.parent.name}", comparison["metric"]
    for row in comparison["results"]:
        if row.get("folder") == place:
            score = row["scores"][metric]
            low, high = score["low"], score["high"]
            return f"The run scored {metric} {score['value']:.3f} [{low:.3f}, {high:.3f}]."
    return "It was not the pick of its method, so the run has no test score for it."


def _literal(value: Any) -> str:
    text = repr(value)
    if len(text) < 80 or not isinstance(value, list):
        return text
    return "[\n" + "".join(f"    {item!r},\n" for item in value) + "]"
