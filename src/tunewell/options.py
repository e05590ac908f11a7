"""A dataclass's fields -> YAML, keywords, command line and help, all read off the same place."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from tunewell import registry
from tunewell.convert import convert, expected, joined, parse_bytes, parse_duration
from tunewell.errors import ConfigError
from tunewell.fields import Option, options_of, sections, with_sections
from tunewell.fields import field_docs as field_docs
from tunewell.values import to_json
from tunewell.yaml_file import read_yaml, write_yaml

ALIASES = {
    "num_train_epochs": "epochs",
    "per_device_train_batch_size": "batch_size",
    "output_dir": "out",
}
"""Names that people know from elsewhere -> ours; understood wherever options are typed."""

SHORT = {"documents": "retrieve.documents"}
"""Options of one method that may be typed without its name."""

_MEASURES: dict[str, tuple[Callable[[str], float], str]] = {
    "budget": (parse_duration, "a length of time such as 90s, 15m or 1h30m"),
    "memory": (parse_bytes, "an amount of memory such as 8GB or 512MB"),
}


@dataclass(frozen=True)
class Resolved:
    """The options of a run and where each came from."""

    options: Any
    origins: dict[str, str]
    """Dotted name -> `default`, `yaml`, `command line`, `keyword` or `chosen`."""


@dataclass(frozen=True)
class Layer:
    """What one source says: options as typed, by dotted name; later layers win."""

    origin: str
    values: dict[str, Any]
    place: str = ""
    """Where it was read, for messages: `run.yaml`."""
    mistakes: tuple[ConfigError, ...] = ()
    """What was wrong with it before any value was looked at."""


@cache
def run_options() -> type[Any]:
    """The options of a run and, under the name of each method and task, its own."""
    from tunewell.settings import RunOptions

    return with_sections(RunOptions, registry.task_options() | registry.methods())


def from_keywords(keywords: dict[str, Any]) -> Resolved:
    """Options given in Python; those of a method as a nested dict: `lora={"rank": 16}`."""
    return resolve(run_options(), *over_yaml(Layer("keyword", flatten(keywords))))


def over_yaml(layer: Layer) -> list[Layer]:
    """The layer, over the YAML file of options that it names in the place of the data."""
    data = layer.values.get("data")
    if not isinstance(data, (str, Path)) or Path(data).suffix.lower() not in (".yaml", ".yml"):
        return [layer]
    others = {name: value for name, value in layer.values.items() if name != "data"}
    return [yaml_layer(data), replace(layer, values=others)]


def yaml_layer(path: str | Path) -> Layer:
    """What a YAML file says, to be resolved with other layers."""
    return Layer("yaml", read_yaml(path), str(path))


def to_yaml(resolved: Resolved) -> str:
    """Every option as YAML with its origin as a comment; `yaml_layer` reads the same again.

    Options without an origin were given in Python.
    """
    values = flatten(to_json(resolved.options))
    return write_yaml(values, {name: resolved.origins.get(name, "keyword") for name in values})


def flatten(nested: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested options by dotted name.

    >>> flatten({"seed": 1, "lora": {"rank": 16}})
    {'seed': 1, 'lora.rank': 16}
    """
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        name = prefix + str(key)
        flat |= flatten(value, name + ".") if isinstance(value, dict) else {name: value}
    return flat


def canonical(name: str) -> str:
    """A name as typed -> ours: dashes, and what others call it."""
    section, dot, own = name.replace("-", "_").rpartition(".")
    own = ALIASES.get(own, own)
    return section + dot + own if section else SHORT.get(own, own)


def resolve(cls: type[Any], *layers: Layer) -> Resolved:
    """Class defaults, then each layer over them.

    Raises:
        ConfigError: every mistake in every layer, in at most three lines.
    """
    known, nested = options_of(cls), sections(cls)
    values: dict[str, Any] = {}
    origins = dict.fromkeys(known, "default")
    mistakes = [mistake for layer in layers for mistake in layer.mistakes]
    for layer in layers:
        for typed, value in joined(layer.values, known).items():
            name = canonical(typed)
            if name in nested and value is None:  # `lora:` with nothing under it
                continue
            try:
                values[name] = _read(name, value, known, layer)
                origins[name] = layer.origin
            except ConfigError as error:
                mistakes.append(error)
    required = [o.name for o in known.values() if o.default is dataclasses.MISSING]
    missing = [name for name in required if name not in values]
    mistakes += [_missing(name) for name in missing if not mistakes]
    mistakes += _idle(values, origins)
    own = {name: value for name, value in values.items() if "." not in name}
    for name, section in nested.items():
        inside = {n.partition(".")[2]: v for n, v in values.items() if n.startswith(name + ".")}
        own[name] = _build(section, inside, name + ".", origins, mistakes)
    options = None if missing else _build(cls, own, "", origins, mistakes)
    if mistakes:
        raise together(mistakes)
    return Resolved(options, origins)


def together(mistakes: list[ConfigError]) -> ConfigError:
    """Several mistakes as one, in at most three lines."""
    if len(mistakes) == 1:
        return mistakes[0]
    told = [f"{mistake.found} {mistake.expected}".strip() for mistake in mistakes]
    return ConfigError("\n".join([*told[:2], " ".join(told[2:])]).strip())


def unknown(
    name: str, known: Iterable[str], origin: str, place: str = "", command: str = "compare"
) -> ConfigError:
    """The error for an option that there is not, with the nearest that there is."""
    known = list(known)
    own = name.rpartition(".")[2]
    near = [other for other in known if other.rpartition(".")[2] == own][:3]
    if "." in name:
        near = difflib.get_close_matches(name, near, n=1, cutoff=0.6) or near
    near = near or difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return ConfigError(
        f"There is no option {spelt(name, origin)}{f' in {place}' if place else ''}.",
        f"Did you mean {' or '.join(spelt(other, origin) for other in near)}?" if near else "",
        f"`tunewell {command} --help` lists all options.",
    )


def spelt(name: str, origin: str) -> str:
    """An option's name as it is typed there.

    >>> spelt("max_length", "command line"), spelt("lora.rank", "yaml")
    ('--max-length', 'lora.rank')
    """
    if origin != "command line":
        return name
    return "--" + (name if "." in name else name.replace("_", "-"))


def _read(name: str, value: Any, known: dict[str, Option], layer: Layer) -> Any:
    """The value as the option's type."""
    if name not in known:
        raise unknown(name, known, layer.origin, layer.place)
    option = known[name]
    try:
        read = convert(value, option.hint)
    except ValueError:
        raise _wrong(name, value, layer, expected(option.hint)) from None
    lowest = _lowest(read, option)
    if lowest is not None and read < lowest:
        raise _wrong(name, value, layer, f"{expected(option.hint)} from {lowest} up")
    return _known(name, read, layer)


def _wrong(name: str, value: Any, layer: Layer, wanted: str) -> ConfigError:
    place = f" in {layer.place}" if layer.place else ""
    found = f"{spelt(name, layer.origin)} is {value!r}{place}."
    return ConfigError(found, f"{wanted[0].upper()}{wanted[1:]} is expected.")


def _lowest(value: Any, option: Option) -> int | None:
    """Numbers are counts, sizes and rates: none below 0; a count of 0 only where that is usual."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return 1 if isinstance(value, int) and option.default != 0 else 0


def _known(name: str, value: Any, layer: Layer) -> Any:
    """The value, where what it names is there."""
    if name == "task":
        return registry.task(value).name
    if name == "methods" and value is not None:
        return tuple(registry.method(item).name for item in value)
    if name in _MEASURES and value is not None:
        parse, wanted = _MEASURES[name]
        try:
            parse(value)
        except ConfigError:
            raise _wrong(name, value, layer, wanted) from None
    return value


def _missing(name: str) -> ConfigError:
    return ConfigError(
        f"No {name} is given.", "", "Name a file, as in `tunewell compare reviews.csv`."
    )


def _idle(values: dict[str, Any], origins: dict[str, str]) -> list[ConfigError]:
    """Options typed just now for a method that will not run, or for another task."""
    methods = values.get("methods")
    task = values.get("task", "classify")
    typed = [n for n in values if "." in n and origins.get(n) in ("command line", "keyword")]
    mistakes = []
    for name in typed:
        section = name.partition(".")[0]
        idle = f"{spelt(name, origins[name])} does nothing:"
        if section in registry.task_options():
            if section != task:
                mistakes.append(ConfigError(f"{idle} the task is {task}."))
        elif methods is not None and section not in methods:
            told = f"Chosen: {', '.join(methods)}."
            mistakes.append(ConfigError(f"{idle} {section} is not chosen.", told))
    return mistakes


def _build(
    cls: type[Any],
    values: dict[str, Any],
    prefix: str,
    origins: dict[str, str],
    mistakes: list[ConfigError],
) -> Any:
    """The dataclass with the values; None where it refuses them, which joins the mistakes."""
    try:
        return cls(**values)
    except ConfigError as error:
        field, _, rest = error.found.partition(" ")
        name = prefix + field
        found = f"{spelt(name, origins[name])} {rest}" if name in origins else error.found
        mistakes.append(ConfigError(found, error.expected, error.remedy))
        return None
