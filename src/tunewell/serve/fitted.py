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
from tunewell.read import Data
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
    copies_first: bool = False
    """Whether they were made of texts that had nothing before them yet."""

    @property
    def options(self) -> dict[str, Any]:
        """Those of the method."""
        return {f.name: getattr(self.method, f.name) for f in fields(self.method)}

    @property
    def backbone(self) -> Backbone | None:
        """What it stands on, as it is on this machine; None: on none."""
        if "backbone" not in self.value:
            return None
        return found_again(read_record(self.folder, Machine())[0].backbone)

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

    body: Any
    name: str
    """What the whole calls the body: `body` where the output layers are ours."""
    new_bias: bool
    """Whether the output layer has a bias that is new."""
    fresh: tuple[str, ...] = ()
    """Parameters inside a stock body that no file holds."""
    new: tuple[str, ...] = ()
    """Parameters of stock output layers that no file holds."""


@dataclass(frozen=True)
class Saying:
    """A model whose answers are words, and what its script is made of."""

    fitted: Fitted
    piece: ByHand
    head: Any
    """Of the model, for its tokens."""
    backbone: Backbone
    seed: int
    data: Data
    out: Path | None
    """Where the script will stand."""

    @property
    def lead(self) -> int:
        """Virtual tokens before what is read of each row."""
        return self.fitted.options["tokens"] if self.fitted.value.get("body") == "soft" else 0


def fitted_in(model: Path, trial: dict[str, Any]) -> Fitted:
    """The model in a folder; of one that was made by way of another method, that.

    Raises:
        ConfigError: it was made by way of a method inside of itself.
    """
    value = read_json(model / "model.json")
    method, lead, copies = _made(registry.method(trial["method"]), trial["options"]), "", None
    copies_first = False
    while hasattr(method, "base_method"):
        copying = hasattr(method, "rows_by_hand")
        if copies is not None if copying else lead:
            raise no_script(f"{method.name} inside of itself is not written out")
        if copying:
            copies, copies_first = method.rows_by_hand(), not lead
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
    return Fitted(model, value, method, task, lead, copies, copies_first and bool(lead))


def _made(kind: Any, options: dict[str, Any]) -> Any:
    known = {field.name for field in fields(kind)}
    return kind(**{name: each for name, each in options.items() if name in known})


def network_of(fitted: Fitted) -> Network:
    """The backbone of a trained model, and what its network is made of."""
    backbone, dropout = fitted.backbone, fitted.options["dropout"]
    assert backbone is not None
    if fitted.value["head"]["pooling"] is not None:
        body = backbones.load_model(backbone, dropout=dropout)
        return Network(body, "body", True)
    model: Any = head_for(fitted.task, backbone).build(backbone, dropout, 0)
    new = tuple(sorted(model.fresh_head))
    return Network(
        model.base_model,
        model.base_model_prefix,
        has_new_bias(model) if fitted.task.head == "sequence" else False,
        tuple(sorted(model.fresh_parameters)),
        new,
    )
