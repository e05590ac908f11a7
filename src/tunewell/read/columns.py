"""Which columns hold the texts and the labels: as the user says, else by name, else by content."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunewell.errors import ConfigError, DataError, did_you_mean
from tunewell.read.looks import Look, look_at, sample_rows
from tunewell.read.names import INPUT, TARGET, VAGUE, name_weight, plain
from tunewell.read.records import Columns
from tunewell.read.words import columns_listed, shown

CLEARLY_LONGER = 2.0
MOSTLY = 0.5
SAY_BOTH = "Say it with --input NAME --target NAME."
SAY_INPUT = "Say it with --input NAME."


def find_columns(
    path: str | Path,
    input: str | None = None,
    target: str | None = None,
    group: str | None = None,
    need_target: bool = True,
    usual: str | None = None,
) -> Columns:
    """The columns of texts, labels and groups in a table; what is not given is guessed.

    With `need_target` false no target is looked for beyond the one given. `usual` is what the
    input is called elsewhere: where a column has that name, nothing is guessed.

    Raises:
        ConfigError: a given column does not exist.
        DataError: no column, or more than one, is plausible.
    """
    path = Path(path)
    asked = {
        role: name
        for role, name in (("input", input), ("target", target), ("group", group))
        if name is not None
    }
    wanted = {"input", "target"} if need_target else {"input"}
    names, sample = sample_rows(path, enough=asked.values() if wanted <= asked.keys() else ())
    given = {
        role: _match(name, names, path, f"Choose one of them with --{role}.")
        for role, name in asked.items()
    }
    if len(set(given.values())) < len(given):
        raise ConfigError(
            f"{path}: the column {shown(given['target'] if 'target' in given else given['group'])} "
            "is named twice.",
            "Input, target and group are different columns.",
        )
    how = dict.fromkeys(given, "as you said")
    looks = {
        name: look_at([cells.get(name, "") for cells in sample])
        for name in names
        if name not in given.values()
    }
    if "input" not in given:
        if usual in looks:
            found = usual, "as elsewhere"
        elif len(names) == 1 and not need_target:
            found = names[0], "the only one"
        else:
            found = _guess_input(path, names, looks, SAY_BOTH if need_target else SAY_INPUT)
        given["input"], how["input"] = found
        del looks[given["input"]]
    if "target" not in given and need_target:
        given["target"], how["target"] = _guess_target(path, names, looks)
    said = {"input": "The texts are", "target": "the labels", "group": "the groups"}
    parts = [
        f"{said[role]} in column {shown(given[role])} ({how[role]})"
        for role in said
        if role in given
    ]
    why = ", ".join(parts) + "."
    return Columns(given["input"], given.get("target"), given.get("group"), why)


def columns_in(path: Path, columns: Columns, like: Path) -> Columns:
    """The same columns in another file, which need no group since it is not divided."""
    names, _ = sample_rows(path, enough=(columns.input, columns.target or ""))
    remedy = f"Call its columns as in {like}."
    input, target = (
        _match(name, names, path, remedy) for name in (columns.input, columns.target or "")
    )
    return Columns(input, target, None, columns.why)


def _match(name: str, names: Sequence[str], path: Path, remedy: str) -> str:
    """The column of that name, or the only one that differs from it by case and space alone."""
    if name in names:
        return name
    loose = [each for each in names if each.strip().casefold() == name.strip().casefold()]
    if len(loose) == 1:
        return loose[0]
    alike = [each for each in names if plain(each) == name.strip()]
    if alike:
        raise ConfigError(
            f"{path} has {len(alike)} columns that are called {shown(name.strip())}.",
            "It is not clear which one is meant.",
            f"Name it by its number: {' or '.join(map(repr, alike))}.",
        )
    hint = did_you_mean(name, names)
    hint = f" {hint}" if hint.startswith("Did you mean") else ""
    raise ConfigError(
        f"{path} has no column {shown(name)}.{hint}",
        f"Its columns: {columns_listed(names)}.",
        remedy,
    )


def _guess_input(
    path: Path, names: Sequence[str], looks: dict[str, Look], remedy: str
) -> tuple[str, str]:
    """The column of texts and how it was found."""
    weights = {
        name: name_weight(name, INPUT)
        for name, look in looks.items()
        if look.is_text or look.nested
    }
    by_name = _strongest(weights)
    if len(by_name) == 1:
        return by_name[0], "by its name"
    texts = [
        name
        for name, look in looks.items()
        if look.is_text and not (look.is_label and name_weight(name, TARGET) > 1)
    ]
    rank = {name: _richness(name, looks[name]) for name in by_name or texts}
    order = sorted(rank, key=lambda name: -rank[name])
    close = [name for name in order if rank[name] * CLEARLY_LONGER > rank[order[0]]]
    if len(close) != 1:
        raise _unclear(path, names, "texts", close, remedy)
    return order[0], "the longest of those with such names" if by_name else "by its content"


def _richness(name: str, look: Look) -> float:
    """How long, how varied and how full; a word in the name that texts have counts twice."""
    return look.length * look.varied * look.filled * (2 if name_weight(name, INPUT) else 1)


def _guess_target(path: Path, names: Sequence[str], looks: dict[str, Look]) -> tuple[str, str]:
    """The column of labels and how it was found."""
    weights = {name: name_weight(name, TARGET) for name in looks}
    labels = [name for name, look in looks.items() if look.is_label]
    filled = [name for name in labels if looks[name].filled >= MOSTLY]
    telling = [name for name in looks if weights[name] > VAGUE]
    for candidates in (filled, labels, telling):
        by_name = _strongest({name: weights[name] for name in candidates})
        if len(by_name) == 1:
            return by_name[0], "by its name"
        if by_name:
            raise _unclear(path, names, "labels", by_name)
    plausible = [name for name in filled if looks[name].distinct > 1]
    hinted = [name for name in plausible if weights[name]]
    for candidates in (hinted, plausible):
        if len(candidates) == 1:
            return candidates[0], "by its content"
    if not plausible and len(names) == 2 and looks:
        return next(iter(looks)), "the other column"
    raise _unclear(path, names, "labels", plausible)


def _strongest(weights: dict[str, int]) -> list[str]:
    """The names of the greatest weight, where that is a vague name's or more."""
    greatest = max(weights.values(), default=0)
    return [name for name, weight in weights.items() if weight == greatest >= VAGUE]


def _unclear(
    path: Path, names: Sequence[str], what: str, close: Sequence[str], remedy: str = SAY_BOTH
) -> DataError:
    found = f"it may be {' or '.join(map(shown, close))}" if close else "none looks like it"
    return DataError(
        f"{path}: it is not clear which column holds the {what}; {found}.",
        f"Its columns: {columns_listed(names)}.",
        remedy,
    )
