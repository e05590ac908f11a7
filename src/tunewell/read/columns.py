"""Which columns hold what a task reads: as the user says, else by name, else by content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tunewell.errors import ConfigError, did_you_mean
from tunewell.read.guess import guess_labels, guess_texts, unclear
from tunewell.read.looks import Look, look_at, sample_rows
from tunewell.read.named import option_for, remedy_for
from tunewell.read.names import plain
from tunewell.read.records import Columns
from tunewell.read.words import columns_listed, shown
from tunewell.values import Column

GUESS = {"texts": guess_texts, "labels": guess_labels}
Found = tuple[tuple[str, ...], str]
"""Columns of the file, and how they were found."""


def find(
    path: str | Path,
    wanted: Sequence[Column],
    said: Mapping[str, str],
    group: str | None = None,
    usual: Mapping[str, str] | None = None,
    elsewhere: str = "elsewhere",
) -> Columns:
    """The columns of a table that hold what is wanted.

    Args:
        wanted: the task's columns, those of the target among them where there is to be one.
        said: by the task's name of a column what the user calls it, several with commas.
        group: the column whose equal values stay together, as the user calls it.
        usual: what columns are called elsewhere: where the file has them, nothing is guessed.
        elsewhere: where that is, for the sentence on how they were found.

    Raises:
        ConfigError: a given column does not exist.
        DataError: no column, or more than one, is plausible.
    """
    path, usual = Path(path), usual or {}
    asked = [*said.values(), *([group] if group is not None else [])]
    all_said = all(column.name in said for column in wanted)
    names, sample = sample_rows(path, enough=asked if all_said else ())
    found: dict[str, Found] = {
        column.name: (_said(said[column.name], column, names, path), "as you said")
        for column in wanted
        if column.name in said
    }
    tie = None
    if group is not None:
        tie = _match(group, names, path, "Choose one of them with --group.")
    _refuse_twice(path, wanted, found, tie)
    taken = {name for headers, _ in found.values() for name in headers} | {tie}
    looks = {
        name: look_at([cells.get(name, "") for cells in sample])
        for name in names
        if name not in taken
    }
    missing = [column for column in wanted if column.name not in found]
    for column in missing:
        guessed = _called(column, usual.get(column.name, ""), looks, elsewhere)
        if guessed is None:
            guessed = _guess(path, column, names, looks, wanted, missing)
        if guessed is not None:
            found[column.name] = guessed
            for name in guessed[0]:
                del looks[name]
    named = {c.name: found[c.name][0] for c in wanted if c.name in found}
    why = _sentence(wanted, found, tie)
    single = {name: ",".join(headers) for name, headers in named.items()}
    return Columns(single.get("input"), single.get("target"), tie, why, named)


def columns_in(path: Path, columns: Columns, like: Path, wanted: Sequence[Column]) -> Columns:
    """The same columns in another file; without those that it may lack, groups among them."""
    tie = columns.group
    headers = [name for each in columns.named.values() for name in each]
    names, _ = sample_rows(path, enough=headers if tie is None else [*headers, tie])
    remedy = f"Call its columns as in {like}."
    there = [*names, *map(plain, names)]  # one that is there twice is refused, not passed over
    spare = {column.name for column in wanted if not column.needed and not column.target}
    named = {
        name: tuple(_match(header, names, path, remedy) for header in each)
        for name, each in columns.named.items()
        if name not in spare or any(_like(header, there) for header in each)
    }
    single = {name: ",".join(each) for name, each in named.items()}
    tie = tie if tie in names else None
    return Columns(single.get("input"), single.get("target"), tie, columns.why, named)


def _said(given: str, column: Column, names: Sequence[str], path: Path) -> tuple[str, ...]:
    """The columns that the user names; a name with a comma in it is tried as a whole first."""
    remedy = f"Choose one of them with {option_for(column)}."
    parts = [part.strip() for part in given.split(",") if part.strip()]
    if given in names or len(parts) < 2:
        return (_match(given, names, path, remedy),)
    if not column.several:
        raise ConfigError(
            f"{option_for(column)} {given}: one column was expected.",
            f"Its columns: {columns_listed(names)}.",
        )
    return tuple(_match(part, names, path, remedy) for part in parts)


def _refuse_twice(
    path: Path, wanted: Sequence[Column], found: Mapping[str, Found], tie: str | None
) -> None:
    headers = [name for names, _ in found.values() for name in names]
    headers += [tie] if tie is not None else []
    twice = next((name for name in headers if headers.count(name) > 1), None)
    if twice is not None:
        expected = "Input, target and group are different columns."
        if [column.name for column in wanted] not in (["input", "target"], ["input"]):
            expected = "Each holds something else."
        raise ConfigError(f"{path}: the column {shown(twice)} is named twice.", expected)


def _called(column: Column, usual: str, looks: Mapping[str, Look], elsewhere: str) -> Found | None:
    """The columns that are called as elsewhere, or by one of the usual names."""
    parts = tuple(usual.split(","))
    if usual and (usual in looks or looks.keys() >= set(parts)):
        return ((usual,) if usual in looks else parts), f"as {elsewhere}"
    plainly: dict[str, str] = {}
    for name in looks:
        plainly.setdefault(" ".join(plain(name).casefold().replace("_", " ").split()), name)
    for header in column.headers:
        together = (header,) if isinstance(header, str) else header
        if all(each in plainly for each in together):
            return tuple(plainly[each] for each in together), "by name"
    return None


def _guess(
    path: Path,
    column: Column,
    names: Sequence[str],
    looks: dict[str, Look],
    wanted: Sequence[Column],
    missing: Sequence[Column],
) -> Found | None:
    """The column by its content; None where it need not be there."""
    alone = len(names) == 1 and len(wanted) == 1
    if alone:
        return (names[0],), "the only one"
    remedy = remedy_for([c for c in wanted if c.needed])
    if column.looks is None or (not column.needed and not looks):
        if column.needed:
            raise unclear(path, names, column.holds, [], remedy)
        return None
    return GUESS[column.looks](path, names, looks, remedy)


def _sentence(wanted: Sequence[Column], found: Mapping[str, Found], tie: str | None) -> str:
    parts = []
    for column in wanted:
        if column.name in found:
            headers, how = found[column.name]
            where = f"column {shown(headers[0])}"
            if len(headers) > 1:
                where = f"columns {columns_listed(headers[:-1])} and {shown(headers[-1])}"
            verb = "" if parts else "are "
            parts.append(f"the {column.holds} {verb}in {where} ({how})")
    if tie is not None:
        parts.append(f"the groups in column {shown(tie)} (as you said)")
    sentence = ", ".join(parts) + "."
    return sentence[0].upper() + sentence[1:]


def _like(name: str, names: Sequence[str]) -> list[str]:
    """The columns that differ from a name by case and space alone."""
    return [each for each in names if each.strip().casefold() == name.strip().casefold()]


def _match(name: str, names: Sequence[str], path: Path, remedy: str) -> str:
    """The column of that name, or the only one that differs from it by case and space alone."""
    if name in names:
        return name
    loose = _like(name, names)
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
