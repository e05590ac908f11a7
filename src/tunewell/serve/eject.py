"""A run's model as one plain script: the same rows, options and seed, the loop by hand."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tunewell import registry, run
from tunewell.errors import ConfigError
from tunewell.fit import backbones
from tunewell.fit.heads import head_for
from tunewell.fit.heads.own import has_new_bias
from tunewell.fit.records import found_again, read_record
from tunewell.fit.schedule import settled_on
from tunewell.options import from_keywords
from tunewell.read import Data
from tunewell.ready import read_rows
from tunewell.serve.script_kinds import Fragments, fragments
from tunewell.serve.script_parts import Made, script
from tunewell.serve.script_rows import reading
from tunewell.serve.script_writing import DOC as WRITING
from tunewell.serve.script_writing import writing_script
from tunewell.serve.scripts import DOC
from tunewell.values import Backbone, Machine, read_json


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
    trial = read_json(model.parent / "trial.json")
    home = model.parent.parent.parent
    data = read_rows(from_keywords({"data": home / "run.yaml"}).options)
    if data.fingerprint != trial["data"]:
        raise ConfigError("The rows are no longer those that this model was fitted to.")
    if any(example.during != (0.0, 1.0) for example in data.train):
        raise _no_script("rows of a part of the training are not written out")
    fitted = _fitted(model, trial)
    if "asked" in fitted.value:
        raise _no_script("what a model is asked in words is not written out")
    if fitted.task.head == "writing":
        return _writing(fitted, data, trial, out, _scored(home, model))
    value, kind = fitted.value, fragments(fitted.task)
    _refuse_unwritable(fitted, kind, data)
    assert kind is not None
    backbone, network, body, new_bias = None, None, "body", False
    if "backbone" in value:
        backbone, network, body, new_bias = _network(fitted)
    piece = fitted.method.by_hand(network, fitted.task)
    if body != "body" and not piece.any_head:
        raise _no_script("this method is written out for our head alone; --pooling mean has it")
    made = Made(
        piece=piece,
        fragments=kind,
        metric=fitted.task.metric,
        options=fitted.options,
        seed=trial["seed"],
        value=value,
        backbone=backbone,
        body=body,
        lead=fitted.lead,
        reading=reading(data, out, kind.meant),
        windows=getattr(fitted.task, "windows", False),
        new_bias=new_bias,
    )
    name = f"{trial['method']} on {backbone.name}" if backbone else trial["method"]
    told = textwrap.fill(DOC.format(told=_scored(home, model)), 88)
    return "\n".join([f'"""Fits {name} again, without Tunewell.\n\n{told}\n"""\n', *script(made)])


def _writing(
    fitted: Fitted, data: Data, trial: dict[str, Any], out: Path | None, scored: str
) -> str:
    """The script of a model that writes."""
    if not hasattr(fitted.method, "by_hand") or "head" not in fitted.value:
        raise _no_script(f"{fitted.method.name} is not one of the methods that can be written out")
    if fitted.value["body"] == "soft":
        raise _no_script("virtual tokens before what a decoder reads are not written out")
    record, value = read_record(fitted.folder, Machine())
    backbone = found_again(record.backbone)
    head = head_for(record.task, backbone)
    network = head.build(backbone, fitted.options["dropout"], 0)
    piece = fitted.method.by_hand(network, record.task)
    seed, options = trial["seed"], fitted.options
    parts = writing_script(piece, head, value, options, seed, backbone, data, out)
    told = textwrap.fill(WRITING.format(told=scored), 88)
    name = f"{trial['method']} on {backbone.name}"
    return "\n".join([f'"""Fits {name} again, without Tunewell.\n\n{told}\n"""\n', *parts])


@dataclass(frozen=True)
class Fitted:
    """A model of a run: the method that trained it, and what it wrote."""

    folder: Path
    value: dict[str, Any]
    """Its `model.json`."""
    method: Any
    options: dict[str, Any]
    task: Any
    lead: str = ""
    """What was put before each text."""


def _fitted(model: Path, trial: dict[str, Any]) -> Fitted:
    """The model in a folder; where it holds another one, that, and what stands before its texts."""
    value, kind, options = read_json(model / "model.json"), None, trial["options"]
    lead = value.get("lead", "")
    if lead:
        model = model / "base"
        value = read_json(model / "model.json")
        kind, options = registry.method(value["method"]), {}
    kind = kind or registry.method(trial["method"])
    known = {field.name for field in fields(kind)}
    method = kind(**{k: v for k, v in options.items() if k in known})
    if "backbone" in value:
        method = settled_on(method, read_record(model, Machine())[0].backbone)
    task = registry.task(value["task"]["name"]).from_json(value["task"])
    found = {name: getattr(method, name) for name in known}
    return Fitted(model, value, method, found, task, lead)


def _refuse_unwritable(fitted: Fitted, kind: Fragments | None, data: Data) -> None:
    """A ConfigError where no script can be written."""
    why, task, method = "", fitted.task, fitted.method
    if not hasattr(method, "by_hand"):
        why = f"{method.name} is not one of the methods that can be written out"
    elif kind is None:
        why = "scripts are written for tasks with labels, numbers or texts for answers"
    elif not all(isinstance(example.input, str) for example in data.train):
        why = "scripts are written for one text a row"
    elif task.metric not in kind.scores:
        why = f"the metric {task.metric} is not written out"
    elif task.answers != "label" and "head" not in fitted.value:
        why = f"{method.name} is written out for labels alone"
    elif task.answers == "label" and task.thresholds:
        why = "a label has a threshold of its own, which is not written out"
    elif getattr(task, "windows", False) and "head" not in fitted.value:
        why = "windows of long texts are not written out for a method that does not train"
    elif _changed(task) - {"long_texts"}:
        why = "what the task does for rare labels is not written out"
    if why:
        raise _no_script(why)


def _changed(task: Any) -> set[str]:
    """Options of a task that are not the usual ones."""
    own = getattr(task, "options", None)
    if own is None:
        return set()
    usual = type(task)().options
    return {f.name for f in fields(own) if getattr(own, f.name) != getattr(usual, f.name)}


def _no_script(why: str) -> ConfigError:
    return ConfigError(
        f"There is no script for this model: {why}.",
        "",
        "`tunewell export` writes the model itself for use without Tunewell.",
    )


def _network(fitted: Fitted) -> tuple[Backbone, Any, str, bool]:
    """The backbone, its network, to see what its parts are called, and what the whole calls it.

    And whether the output layer has a bias that is new.
    """
    record, value = read_record(fitted.folder, Machine())
    backbone, dropout = found_again(record.backbone), fitted.options.get("dropout")
    if (value.get("head") or {"pooling": "mean"})["pooling"] is not None:
        return backbone, backbones.load_model(backbone, dropout=dropout), "body", True
    model: Any = head_for(record.task, backbone).build(backbone, dropout or 0.0, 0)
    if model.fresh_parameters:
        raise _no_script("its backbone lacks a pooler, and one was made new")
    return backbone, model.base_model, model.base_model_prefix, has_new_bias(model)


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
