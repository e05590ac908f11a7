"""What a mix is made of: the runs of its sets alone, and the run of all of them together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path

from tunewell.errors import ConfigError
from tunewell.options import Layer, Resolved, resolve, run_options, yaml_layer
from tunewell.read import Source
from tunewell.yaml_file import read_yaml

ROWS, TOGETHER = "rows", "together"
"""Folders of a mix that are no set's own."""


@dataclass(frozen=True)
class MixOptions:
    """What is mixed, and in which shares."""

    sets: tuple[str, ...]
    """YAML files of options, each with the data and the task of one set, as for `compare`."""
    weights: tuple[float, ...] | None = None
    """What each set counts for among the training rows, in their order, such as 1,3. Not given: as
    many rows as it has."""
    temperature: float = 1.0
    """With no weights: rows to the power of 1/temperature; above 1 small sets get more, and rows
    of theirs come again (arXiv 1910.10683, section 3.5.2)."""
    joins: tuple[float, ...] | None = None
    """From which share of the training on each set is learnt, in their order, such as 0,0.5. Not
    given: all of them from the start."""
    replay: float | None = None
    """Share of the rows that sets which were there before have, once another has joined: a half in
    arXiv 1811.11682, a hundredth for large models in arXiv 2205.12393. Not given: they go on with
    all of their rows."""
    out: str = "runs/mix"
    """The folder for all runs of the mix."""

    def __post_init__(self) -> None:
        """Refuse what cannot be mixed."""
        if len(self.sets) < 2:
            raise ConfigError("sets names one set.", "Two or more are mixed.")
        names = Counter(self.names)
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise ConfigError(f"sets has two files called {twice[0]}.", "Names must differ.")
        taken = [name for name in self.names if name in (ROWS, TOGETHER)]
        if taken:
            raise ConfigError(f"sets has a file called {taken[0]}.", "Give it another name.")
        if self.weights is not None and self.temperature != 1:
            raise ConfigError("temperature does nothing beside weights.", "Give one of the two.")
        if self.temperature <= 0:
            raise ConfigError(f"temperature is {self.temperature:g}.", "More than 0 is expected.")
        if self.weights is not None and (
            len(self.weights) != len(self.sets) or min(self.weights) <= 0
        ):
            given = ",".join(f"{weight:g}" for weight in self.weights)
            raise ConfigError(
                f"weights is {given}.", f"{len(self.sets)} numbers above 0 are expected."
            )
        if self.joins is not None and (
            len(self.joins) != len(self.sets) or min(self.joins) != 0 or max(self.joins) >= 1
        ):
            given = ",".join(f"{share:g}" for share in self.joins)
            raise ConfigError(
                f"joins is {given}.",
                f"{len(self.sets)} shares from 0 to below 1 are expected, and 0 for one at least.",
            )
        if self.replay is not None and not any(self.joins or ()):
            raise ConfigError("replay does nothing: no set joins later.", "Say when with joins.")
        if self.replay is not None and not 0 <= self.replay < 1:
            raise ConfigError(
                f"replay is {self.replay:g}.", "A share from 0 to below 1 is expected."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """What the sets are called: their files' names."""
        return tuple(Path(path).stem for path in self.sets)


@dataclass(frozen=True)
class Mix:
    """The options of every run of a mix, resolved."""

    options: MixOptions
    alone: dict[str, Resolved]
    """By the name of the set."""
    together: Resolved

    @property
    def folder(self) -> Path:
        """Where all of it is kept."""
        return Path(self.options.out)


def read_mix(path: str, typed: Layer) -> Mix:
    """The mix that a YAML file describes, with what was typed over it.

    Whatever in the file is no option of the mix itself is one of all its runs, and wins over the
    sets' own files.

    Raises:
        ConfigError: every mistake in an option of the mix, or of one of its runs.
    """
    values = read_yaml(path)
    own = {field.name for field in fields(MixOptions)}
    mine = Layer("yaml", {name: v for name, v in values.items() if name in own}, path)
    options: MixOptions = resolve(MixOptions, mine, typed).options
    shared = {name: value for name, value in values.items() if name not in own}
    asked = [field.name for field in fields(Source) if field.name in shared]
    if asked:
        raise ConfigError(
            f"{asked[0]} in {path} belongs to one set.",
            f"Rows are named in the files of the sets: {', '.join(options.sets)}.",
        )
    alone = {
        name: resolve(
            run_options(),
            yaml_layer(file),
            Layer("yaml", {**shared, "out": f"{options.out}/{name}"}, path),
        )
        for name, file in zip(options.names, options.sets, strict=True)
    }
    rows, out = f"{options.out}/{ROWS}", f"{options.out}/{TOGETHER}"
    all_of_them = {**shared, "data": rows, "task": "chat", "out": out}
    together = resolve(run_options(), Layer("yaml", all_of_them, path))
    return Mix(options, alone, together)
