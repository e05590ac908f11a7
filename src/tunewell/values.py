"""The records that travel through the house: frozen, and JSON in and out."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tunewell.endpoint import Endpoint
from tunewell.surprise import Surprise

LabelScores = dict[str, float]
Kind = Literal["label", "labels", "number", "spans", "span", "choice", "vector", "text"]
"""What a target and the value of an answer are; `kinds` says what each looks like."""


@dataclass(frozen=True)
class Span:
    """A piece of the user's own text: `text[start:end]`, counted in characters."""

    start: int
    end: int
    label: str = ""
    """What the piece is; "" where a task does not name its spans."""
    text: str = ""
    """The piece itself, so that it can be shown without the whole."""


@dataclass(frozen=True)
class Column:
    """A column that a task reads: what the user sees when it is asked for, guessed or missing."""

    name: str
    """As the task's `read` gets it, and as `--columns NAME=...` names it."""
    says: str
    """What is in it, in one sentence."""
    holds: str
    """What its cells are called in sentences, many of them: `texts`."""
    headers: tuple[str | tuple[str, ...], ...] = ()
    """Usual names of the column, the surest first, in lower case and several languages; several
    names together where several columns fill it: `("premise", "hypothesis")`."""
    looks: Literal["texts", "labels"] | None = None
    """How it is told by its content where the name does not tell; None: by its name alone."""
    needed: bool = True
    """Whether a row without it is left out, and a table without it refused."""
    several: bool = False
    """Whether several columns may fill it; where more than one does, `read` gets
    `{column: cell}`, else the cell."""
    nested: bool = False
    """Whether its cells may be lists and objects, as JSON has them; else they are refused."""
    target: bool = False
    """Whether it says what is right, and so is not there where a model is asked."""

    @property
    def one(self) -> str:
        """What one of its cells is called: `text`."""
        return self.holds.removesuffix("s")

    @property
    def usual(self) -> list[str]:
        """Its usual headers as they are shown; of several that begin alike the first alone."""
        shown: dict[str, str] = {}
        for each in self.headers:
            parts = (each,) if isinstance(each, str) else each
            named = [*parts[:2], "…", parts[-1]] if len(parts) > 3 else parts
            shown.setdefault(parts[0] if len(parts) == 1 else f"{parts[0]}+", " + ".join(named))
        return list(shown.values())


@dataclass(frozen=True)
class Example:
    """One row of the user's data.

    Inputs, targets and the values of answers are frozen JSON: texts, numbers, booleans, None,
    tuples and dicts of these, and `Span`. So `to_json` writes them and `frozen` reads them back.
    """

    input: Any
    target: Any
    source: str = ""
    """The file it came from, as the user named it."""
    row: int = 0
    """Its row in that file as a spreadsheet shows it: the header is row 1; 0 if made in memory."""
    group: str | None = None
    """Rows of one group stay on one side of a split."""
    during: tuple[float, float] = (0.0, 1.0)
    """From which share of a training's steps on it is learnt, and up to which."""

    @property
    def place(self) -> str:
        """Where it stands, for messages: `reviews.csv, row 12`."""
        return f"{self.source}, row {self.row}" if self.source else f"row {self.row}"


@dataclass(frozen=True)
class Answer:
    """What a predictor says to one input; `value` None means that it gave no usable answer."""

    value: Any
    confidence: float | None = None
    """0 to 1; None where the method has no notion of it."""
    scores: LabelScores | None = None
    """Each label's probability: they sum to 1 for one label, each stands alone for several."""
    surprise: Surprise | None = None
    """Of the target at this model, where it can tell; measured, never said."""


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ParameterCount:
    """How many numbers a method trains, how many of the model it changes, how many there are.

    `changed` counts the weights that differ once the update is merged (arXiv 2303.15647):
    for LoRA the whole of each target matrix.
    """

    trainable: int = 0
    changed: int = 0
    total: int = 0


@dataclass(frozen=True)
class Backbone:
    """A pretrained model on disk, as this run uses it."""

    name: str
    """What the user typed, and what the results call it."""
    folder: Path
    """Holds config.json, safetensors weights and the tokenizer."""
    fingerprint: str
    """SHA-256 over configuration, weights and tokenizer files."""
    pooling: str | None
    """`mean`, `cls` or `last`; None: the architecture's own classification head."""
    max_length: int
    """Tokens a row may have; longer ones are cut."""
    endpoint: Endpoint | None = None
    """A server that is asked instead; then there is no folder."""
    bits: int | None = None
    """4 or 8: its layers' matrices are kept in so many bits; None: whole."""


@dataclass(frozen=True)
class Machine:
    """Where a trial runs and what decides its bits."""

    device: str = "cpu"
    dtype: str = "float32"
    """`float32` or `bfloat16` (weights stay float32, products run in bfloat16)."""
    threads: int = 1
    memory_bytes: int = 0
    """Memory that a trial may take; 0 where it is not known."""


@dataclass(frozen=True)
class Trial:
    """One method on one backbone with one set of options and one seed."""

    method: str
    backbone: str
    """Its name, for display; "" for methods that stand on none."""
    backbone_fingerprint: str
    options: dict[str, Any]
    """The resolved options of the method."""
    seed: int
    data: str
    """Fingerprint of the rows and their split."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What else decides the numbers: max_length, pooling, metric, rows."""

    @property
    def key(self) -> str:
        """SHA-256 of the content: equal trials have equal keys, so none runs twice.

        What the backbone is called is no part of it: the same weights may lie under many names.
        """
        content = to_json(self)
        del content["backbone"]
        return fingerprint(content)


@dataclass(frozen=True)
class Progress:
    """What a fit tells while it goes."""

    done: float = 0.0
    """0 to 1, of this fit."""
    score: float | None = None
    """The deciding metric on validation so far."""
    loss: float | None = None
    step: int | None = None
    """Optimiser steps that are done, of a fit that takes any."""
    note: str = ""
    """Something the user should know, kept with the result: rows cut short, batch halved."""
    borrowed_seconds: float = 0.0
    """Device seconds of work taken from a shared cache: a cost of this model, not of this run."""
    borrowed_bytes: int = 0
    """Memory of what was loaded before and is shared: a cost of this model, not of this run."""
    measuring_seconds: float = 0.0
    """Seconds of a probe that went into measuring what is shared, not into the fit."""
    answer_seconds: float = 0.0
    """What a probe found that one row takes to be read by what is shared."""


def to_json(value: Any) -> Any:
    """Records, paths, tuples and numpy numbers as plain JSON values.

    >>> to_json(Interval(0.5, 0.4, 0.6))
    {'value': 0.5, 'low': 0.4, 'high': 0.6}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return value.item()
    return value


def frozen(value: Any) -> Any:
    """What `to_json` made of an input, a target or the value of an answer, as it was.

    >>> frozen(to_json(("a", Span(0, 1, "X", "a"))))
    ('a', Span(start=0, end=1, label='X', text='a'))
    """
    if isinstance(value, list):
        return tuple(frozen(item) for item in value)
    if isinstance(value, dict):
        if value.keys() == {"start", "end", "label", "text"}:
            return Span(**value)
        return {key: frozen(item) for key, item in value.items()}
    return value


def fingerprint(value: Any) -> str:
    """SHA-256 of a JSON value, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, which takes its name at the end or is removed."""
    aside = path.with_name(path.name + ".part")
    try:
        yield aside
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write a record whole or not at all."""
    text = json.dumps(to_json(value), ensure_ascii=False, indent=2, allow_nan=False)
    with whole_file(path) as aside:
        aside.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """The JSON value that a file holds."""
    return json.loads(path.read_text(encoding="utf-8"))
