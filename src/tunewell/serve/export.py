"""A run's model as a folder that opens elsewhere, checked on real rows before it is handed over."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from tunewell import run
from tunewell.errors import ConfigError, NotApplicable
from tunewell.fit.machine import available_threads
from tunewell.fit.trained import TrainedPredictor, load_trained
from tunewell.measure.intervals import effective_rows, intervals
from tunewell.measure.trial import load_model
from tunewell.serve import onnx
from tunewell.serve.card import write_card
from tunewell.serve.rows import answered_rows
from tunewell.serve.settings import Form
from tunewell.values import Answer, Example, Interval, Machine, read_json, write_json

FORMS: tuple[Form, ...] = get_args(Form)
TOLERANCE = {"hf": 1e-5, "merged": 1e-5, "adapter": 1e-5, "onnx": 1e-4}
"""What a probability may differ by from the model's own, computed in float32."""
LOSS = 0.01
"""Share of the metric's range that 8-bit weights may lose."""
ROWS = 1000
"""Rows at most that a copy is tried on."""


@dataclass(frozen=True)
class Exported:
    """What was written and how it did."""

    folder: Path
    form: Form
    rows: int
    """Test rows that it was tried on."""
    largest_difference: float
    """Of a probability, or of what else the answers say, from the model in float32."""
    scores: dict[str, Interval] | None = None
    """For 8-bit weights: the deciding metric before (`float32`) and after (`int8`)."""
    bytes: int = 0
    """Of all files."""


def export(folder: str | Path, form: Form, out: str | Path) -> Exported:
    """Write the model of a run for use without Tunewell.

    Args:
        folder: a run, for its recommended model, or the folder of a model inside a run.
        form: `hf`, whole weights for transformers; `merged`, the same of a LoRA; `adapter`,
            peft's own small files; `onnx`; `onnx-int8`.
        out: a folder that is not there yet.

    Raises:
        ConfigError: this model has no such form, or the copy answers otherwise than the model.
        ResourceError: a package is missing.
    """
    model, out = run.model_folder(folder), Path(out)
    if out.exists():
        raise ConfigError(f"{out} is there already.", "", "Choose another name with --out.")
    if form.startswith("onnx"):
        onnx.require()
    rows = [row for row, _ in zip(answered_rows(model), range(ROWS), strict=False)]
    if not rows:
        raise ConfigError(
            f"There are no test rows beside {model} to try the copy on.",
            "",
            "Name the run itself, whose recommended model has answered them.",
        )
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        told = _write(model, form, part, rows)
        told = replace(told, folder=out, bytes=sum(f.stat().st_size for f in part.iterdir()))
        write_card(part, model, told)
        write_json(part / "export.json", {"format": 1, **_record(told)})
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return told


def _write(model: Path, form: Form, part: Path, rows: Sequence[Example]) -> Exported:
    """Write the form, load it back, and hold its answers against the model's own."""
    inputs = [row.input for row in rows]
    adapter = (model / "adapter_config.json").exists()
    if form == "adapter":
        if not adapter:
            raise _no_form(model, form, "is no adapter of peft's")
        if read_json(model / "model.json")["backbone"].get("bits"):
            raise _no_form(model, form, "stands beside a backbone in few bits, unlike peft's own")
        shutil.copytree(model, part, dirs_exist_ok=True)
        own = _in_float32(load_trained(model, _machine())).predict(inputs)
        return _held(form, own, _loaded(part).predict(inputs), rows)
    predictor = load_model(model, _machine())
    if not hasattr(predictor, "whole"):
        raise _no_form(model, form, "is not one network")
    own = _in_float32(predictor).predict(inputs)
    try:
        network = _in_float32(predictor.whole())
    except NotApplicable as reason:
        raise _no_form(model, form, f"is not one network, as {reason}") from None
    if form in ("hf", "merged"):
        if form == "merged" and not adapter:
            raise _no_form(model, form, "has nothing to merge")
        network.save(part)
        if read_json(part / "model.json")["body"] != "own":
            raise _no_form(model, form, "has modules that transformers has not")
        return _held(form, own, _loaded(part).predict(inputs), rows)
    if network.task.answers == "text":
        raise _no_form(model, form, "writes texts word after word, which is no single graph")
    network.tokenizer.save_pretrained(part)
    onnx.write(network, inputs[:3], part)
    exact = _held("onnx", own, onnx.load(part, network).predict(inputs), rows)
    if form == "onnx":
        return exact
    onnx.quantise(part)
    return _quantised(network, own, onnx.load(part, network).predict(inputs), rows)


def _machine() -> Machine:
    return Machine(device="cpu", dtype="float32", threads=available_threads())


def _loaded(part: Path) -> TrainedPredictor:
    """What was written, read back; it is no folder of ours from here on."""
    back = _in_float32(load_trained(part, _machine()))
    (part / "model.json").unlink()
    return back


def _in_float32(predictor: Any) -> Any:
    """A predictor whose products are in float32, as elsewhere, whatever it was fitted in."""
    record = predictor.record
    return replace(
        predictor, record=replace(record, machine=replace(record.machine, dtype="float32"))
    )


def _held(
    form: Form, own: Sequence[Answer], other: Sequence[Answer], rows: Sequence[Example]
) -> Exported:
    apart = max(map(difference, own, other))
    if apart > TOLERANCE[form]:
        raise ConfigError(
            f"The copy answers otherwise than the model: {apart:.1e} apart on {len(rows)} rows.",
            f"At most {TOLERANCE[form]:.0e} was expected, so it was not kept.",
            "Export it in another form, such as --to hf.",
        )
    return Exported(Path(), form, len(rows), apart)


def difference(own: Answer, other: Answer) -> float:
    """How far apart two answers are, by their probabilities where they have them.

    >>> difference(Answer("a", 0.75), Answer("a", 0.5)), difference(Answer("a"), Answer("b"))
    (0.25, 1.0)
    """
    if own.scores is not None and other.scores is not None:
        return max(abs(own.scores[label] - other.scores[label]) for label in own.scores)
    if isinstance(own.value, float) and isinstance(other.value, float):
        return abs(own.value - other.value)
    if own.value != other.value:
        return 1.0
    return abs((own.confidence or 0.0) - (other.confidence or 0.0))


def _quantised(
    network: TrainedPredictor,
    own: Sequence[Answer],
    other: Sequence[Answer],
    rows: Sequence[Example],
) -> Exported:
    """The scores before and after; refused where too much is lost."""
    import numpy as np

    task = network.task
    metric, targets = task.metrics[task.metric], [row.target for row in rows]
    sides = {"float32": own, "int8": other}
    sums = {name: np.stack([metric.statistics(targets, a)]) for name, a in sides.items()}
    scores = intervals(metric, sums, effective_rows=effective_rows(metric, targets))
    before, after = scores["float32"].value, scores["int8"].value
    worse = metric.scale.better(before) - metric.scale.better(after)
    if worse > LOSS * (1.0 if metric.scale.percent else abs(before)):
        goes = "rises" if metric.scale.lower_is_better else "falls"
        raise ConfigError(
            f"With 8-bit weights {metric.words} {goes} from {before:.3f} to {after:.3f} "
            f"on {len(rows)} rows.",
            "At most a hundredth worse was expected, so it was not kept.",
            "Export it with --to onnx.",
        )
    return Exported(Path(), "onnx-int8", len(rows), max(map(difference, own, other)), scores)


def _no_form(model: Path, form: Form, why: str) -> ConfigError:
    method = read_json(model / "model.json")["method"]
    return ConfigError(
        f"The model of {method} {why}, so there is no --to {form} of it.",
        f"Forms: {', '.join(FORMS)}.",
        "`tunewell serve` and `tunewell predict` answer with every model.",
    )


def _record(told: Exported) -> dict[str, Any]:
    from tunewell.fit.machine import facts
    from tunewell.values import to_json

    record = to_json(replace(told, folder=Path()))
    del record["folder"]
    return json.loads(json.dumps({**record, "versions": facts()["versions"]}))
