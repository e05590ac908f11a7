"""A model of a run as `eject` sees it: the method that fitted it, and what it wrote."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tunewell import registry
from tunewell.errors import ConfigError
from tunewell.fit import backbones
from tunewell.fit.by_hand import ByHand
from tunewell.fit.heads import head_for
from tunewell.fit.heads.own import has_new_bias
from tunewell.fit.records import found_again, read_record
from tunewell.fit.schedule import settled_on
from tunewell.values import Backbone, Machine, read_json


def no_script(why: str) -> ConfigError:
    """That a model has no script, and why."""
    return ConfigError(
        f"There is no script for this model: {why}.",
        "",
        "`tunewell export` writes the model itself for use without Tunewell.",
    )


@dataclass(frozen=True)
class Fitted:
    """A model of a run."""

    folder: Path
    value: dict[str, Any]
    """Its `model.json`."""
    method: Any
    task: Any
    lead: str = ""
    """What was put before each text."""
    copies: ByHand | None = None
    """How altered copies of rows were made, where they were learnt as well."""

    @property
    def options(self) -> dict[str, Any]:
        """Those of the method."""
        return {f.name: getattr(self.method, f.name) for f in fields(self.method)}

    @property
    def trained(self) -> bool:
        """Whether it is a network that the loop has trained."""
        return "head" in self.value

    @property
    def windows(self) -> bool:
        """Whether long rows are read in windows."""
        return getattr(self.task, "windows", False)


@dataclass(frozen=True)
class Network:
    """What a model of the same shape is called inside, seen on one that was loaded for it."""

    backbone: Backbone
    body: Any
    name: str
    """What the whole calls the body: `body` where the output layers are ours."""
    new_bias: bool
    """Whether the output layer has a bias that is new."""
    fresh: tuple[str, ...] = ()
    """Parameters inside a stock body that no file holds."""
    new: tuple[str, ...] = ()
    """Parameters of stock output layers that no file holds."""


def fitted_in(model: Path, trial: dict[str, Any]) -> Fitted:
    """The model in a folder; of one that was made by way of another method, that.

    Raises:
        ConfigError: it was made by way of two others in an order that is not written out.
    """
    value = read_json(model / "model.json")
    method, lead, copies = _made(registry.method(trial["method"]), trial["options"]), "", None
    while hasattr(method, "base_method"):
        if hasattr(method, "rows_by_hand"):
            copies = method.rows_by_hand()
        elif copies is not None or lead:
            raise no_script(f"{method.name} inside of another such method is not written out")
        elif "lead" not in value:
            raise no_script(f"what {method.name} reads before it learns is not written out")
        else:
            lead, model = value["lead"], model / "base"
            value = read_json(model / "model.json")
        method = registry.method(method.base_method)()
    if "backbone" in value:
        method = settled_on(method, read_record(model, Machine())[0].backbone)
    task = registry.task(value["task"]["name"]).from_json(value["task"])
    if not hasattr(method, "by_hand") and "asked" not in value:
        why = (
            f"{method.name} is written out where a model is asked"
            if getattr(method, "asks", False)
            else ""
        )
        raise no_script(why or f"{method.name} has no lines that could be written out")
    return Fitted(model, value, method, task, lead, copies)


def _made(kind: Any, options: dict[str, Any]) -> Any:
    known = {field.name for field in fields(kind)}
    return kind(**{name: each for name, each in options.items() if name in known})


def network_of(fitted: Fitted) -> Network:
    """The backbone of a trained model, and what its network is made of."""
    record, value = read_record(fitted.folder, Machine())
    backbone, dropout = found_again(record.backbone), fitted.options["dropout"]
    if value["head"]["pooling"] is not None:
        body = backbones.load_model(backbone, dropout=dropout)
        return Network(backbone, body, "body", True)
    model: Any = head_for(record.task, backbone).build(backbone, dropout, 0)
    new = tuple(sorted(model.fresh_head))
    return Network(
        backbone,
        model.base_model,
        model.base_model_prefix,
        has_new_bias(model) if fitted.task.head == "sequence" else False,
        tuple(sorted(model.fresh_parameters)),
        new,
    )
