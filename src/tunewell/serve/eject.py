"""A run's model as one plain script: the same rows, options and seed, the loop by hand."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tunewell import run
from tunewell.errors import ConfigError
from tunewell.fit.by_hand import ByHand, simple
from tunewell.fit.heads import head_for
from tunewell.measure.metrics.surprise import EXPECTED
from tunewell.options import from_keywords
from tunewell.read import Data
from tunewell.ready import read_rows
from tunewell.serve.fitted import Fitted, Network, Saying, fitted_in, network_of, no_script
from tunewell.serve.plain.pieces import begun
from tunewell.serve.script_asked import DOC as ASKING
from tunewell.serve.script_asked import asking_script
from tunewell.serve.script_expected import DOC as EXPECTING
from tunewell.serve.script_expected import expecting_script
from tunewell.serve.script_filling import filling_script
from tunewell.serve.script_kinds import Fragments, fragments
from tunewell.serve.script_parts import Made, script
from tunewell.serve.script_pieces import General, general_script
from tunewell.serve.script_rows import beside, reading, solved
from tunewell.serve.script_texts import reading_first
from tunewell.serve.script_writing import DOC as WRITING
from tunewell.serve.script_writing import writing_script
from tunewell.serve.scripts import DOC
from tunewell.values import read_json

Lines = Callable[[Any], ByHand]
"""From the body of a model to its method's own lines."""


def eject(folder: str | Path, out: Path | None = None) -> str:
    """The script that makes a run's model again without us; to be run where the run was.

    Args:
        folder: a run, for its recommended model, or the folder of a model inside a run.
        out: where the script will stand. Rows that plain Python does not read from their table
            are written beside it; without it such rows are refused.

    Raises:
        ConfigError: there is no script for this model, or its rows are not what they were.
    """
    model = run.model_folder(folder)
    if not (model.parent / "trial.json").exists():
        raise ConfigError(f"{model} is not inside a run, so its rows are not known.")
    trial = read_json(model.parent / "trial.json")
    home = model.parent.parent.parent
    options = from_keywords({"data": home / "run.yaml"}).options
    data = read_rows(options)
    if data.fingerprint != trial["data"]:
        raise ConfigError("The rows are no longer those that this model was fitted to.")
    if any(example.during != (0.0, 1.0) for example in data.train):
        raise no_script("some of its rows were learnt in a part of the training alone")
    fitted = fitted_in(model, trial)
    if "filled" in fitted.value:
        raise no_script("words that a backbone fills in as it stands are not written out")

    def by_hand(body: Any) -> ByHand:
        piece = fitted.method.by_hand(body, fitted.task)
        if "READING" not in piece.code:
            return piece
        return reading_first(piece, fitted, trial, options, data, out)

    if "asked" in fitted.value and fitted.task.metric in EXPECTED:
        about, parts = EXPECTING, expecting_script(fitted, trial, data, out)
    elif "asked" in fitted.value:
        about, parts = ASKING, asking_script(fitted, trial, data, out)
    elif fitted.task.head in ("writing", "masked") and fitted.trained:
        about, parts = WRITING, _saying(fitted, by_hand, data, trial["seed"], out)
    else:
        about, parts = DOC, _reading(fitted, by_hand, data, trial["seed"], out)
    on = f" on {trial['backbone']}" if trial["backbone"] else ""
    told = textwrap.fill(about.format(told=_scored(home, model)), 88)
    begin = f'"""Fits {trial["method"]}{on} again, without Tunewell.\n\n{told}\n"""\n'
    return "\n".join([begin, *parts])


def _saying(fitted: Fitted, by_hand: Lines, data: Data, seed: int, out: Path | None) -> list[str]:
    """The script of a model that writes, or fills words in."""
    if fitted.lead or fitted.copies:
        raise no_script("a model that writes is written out for methods that stand by themselves")
    backbone = fitted.backbone
    assert backbone is not None
    head = head_for(fitted.task, backbone)
    network = head.build(backbone, fitted.options["dropout"], 0)
    piece = by_hand(network)
    if fitted.value["body"] == "soft" and not (head.one_stack and "VIRTUAL" in piece.code):
        raise no_script(
            f"what {fitted.method.name} puts before what a model that writes reads is not "
            "written out"
        )
    saying = Saying(fitted, piece, head, backbone, seed, data, out)
    return (writing_script if fitted.task.head == "writing" else filling_script)(saying)


def _reading(fitted: Fitted, by_hand: Lines, data: Data, seed: int, out: Path | None) -> list[str]:
    """The script of a model that reads and gives labels, numbers, pieces of texts or vectors."""
    network = network_of(fitted) if fitted.trained else None
    kind = fragments(fitted.task)
    if kind is not None and _is_plain(fitted, kind, data, network):
        return _plain(fitted, by_hand, kind, data, seed, out, network)
    texts = all(isinstance(example.input, str) for example in data.train)
    if not fitted.trained and simple(fitted.task) and not texts:
        raise no_script("its rows are lists of one text")
    made = General(
        task=fitted.task,
        piece=by_hand(network and network.body),
        options=fitted.options,
        seed=seed,
        value=fitted.value,
        backbone=fitted.backbone,
        network=network,
        copies=fitted.copies,
        lead=fitted.lead if fitted.copies_first else "",
    )
    lead = "" if fitted.copies_first else fitted.lead
    rows = {
        part: solved([begun(lead, e.input) for e in own], [e.target for e in own])
        for part, own in data.parts.items()
    }
    return general_script(made, beside(rows, out))


def _plain(
    fitted: Fitted,
    by_hand: Lines,
    kind: Fragments,
    data: Data,
    seed: int,
    out: Path | None,
    network: Network | None,
) -> list[str]:
    """The script of labels or a number for one text, which needs few lines."""
    made = Made(
        piece=by_hand(network and network.body),
        fragments=kind,
        metric=fitted.task.metric,
        options=fitted.options,
        seed=seed,
        value=fitted.value,
        backbone=fitted.backbone,
        body=network.name if network else "body",
        lead=fitted.lead,
        reading=reading(data, out, kind.meant),
        windows=fitted.windows,
        new_bias=network.new_bias if network else False,
        new=network.new if network else (),
    )
    return script(made)


def _is_plain(fitted: Fitted, kind: Fragments, data: Data, network: Network | None) -> bool:
    """Whether a few lines of its own do for a model, and none of ours are needed."""
    task = fitted.task
    if fitted.copies or task.metric not in kind.scores or (network and network.fresh):
        return False
    if not all(isinstance(example.input, str) for example in data.train):
        return False
    if not fitted.trained:
        return simple(task)
    own = task.answers == "label" and task.thresholds
    return not own and not (_changed(task) - {"long_texts"})


def _changed(task: Any) -> set[str]:
    """Options of a task that are not the usual ones."""
    own = getattr(task, "options", None)
    if own is None:
        return set()
    usual = type(task)().options
    return {name for name in vars(own) if getattr(own, name) != getattr(usual, name)}


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
