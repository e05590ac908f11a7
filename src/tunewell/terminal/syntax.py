"""The syntax of the command line, read by tyro: flags, their values, what is left over."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Sequence
from typing import Annotated, Any, TypeVar

import tyro

from tunewell.convert import metavar
from tunewell.errors import ConfigError
from tunewell.fields import Option, options_of
from tunewell.options import Layer, canonical, resolve, spelt, unknown

Asked = TypeVar("Asked")
Chosen = TypeVar("Chosen")
ORIGIN = "command line"
JSON = tyro.conf.arg(help="One JSON document on standard output.", help_behavior_hint="")


def parse(cls: type[Asked], command: str, argv: Sequence[str]) -> tuple[Asked, list[str]]:
    """A command's arguments, and the tokens that are none of them.

    Args:
        cls: a dataclass whose fields are texts, tuples of texts and flags, all with defaults;
            its docstring is the help.
        command: `compare`, `predict`, ...
        argv: what was typed after the command.

    Raises:
        ConfigError: an option stands without its value.
        SystemExit: help was asked for and has been printed.
    """
    argv = [_renamed(token) for token in argv]
    try:
        return tyro.cli(
            cls,
            prog=f"tunewell {command}",
            args=argv,
            return_unknown_args=True,
            console_outputs=wants_help(argv),
            config=(tyro.conf.FlagCreatePairsOff,),
        )
    except SystemExit as stop:
        if not stop.code:
            raise
        raise _without_value(cls, command, argv) from None


def wants_help(argv: Sequence[str]) -> bool:
    """Whether help is asked for."""
    return not {"-h", "--help"}.isdisjoint(argv)


def taking(doc: str, data: str, options: Iterable[Option], placeholder: str = "DATA") -> type[Any]:
    """The dataclass of a command that takes a data file and options, each a text as typed.

    Args:
        doc: what the command does.
        data: the help of the data file, or of what else the command takes.
        options: in the order of the help.
        placeholder: what stands for it in the help.
    """
    positional = tyro.conf.arg(metavar=placeholder, help=data, help_behavior_hint="")
    many = Annotated[tyro.conf.Positional[tuple[str, ...]], positional]
    # Without a default of (), which tyro would look at through a package that takes long to import.
    fields: list[Any] = [("data", many)]
    for option in options:
        shown = tyro.conf.arg(
            name=_shown(option.name),
            help=option.help.replace("`", ""),
            metavar=metavar(option.hint),
            help_behavior_hint=_hint(option.default),
        )
        fields.append((_field(option.name), Annotated[str | None, shown], None))
    fields.append(("json", Annotated[bool, JSON], False))
    return dataclasses.make_dataclass("Arguments", fields, frozen=True, namespace={"__doc__": doc})


def command_line(
    command: str,
    doc: str | None,
    argv: Sequence[str],
    options: type[Chosen],
    data: str,
    placeholder: str,
) -> tuple[tuple[str, ...], Chosen, bool]:
    """What a command without a YAML file was given: its data, its options, and `--json`.

    Args:
        doc: of the command; its first line is the help.
        data, placeholder: as for `taking`.
    """
    known = list(options_of(options).values())
    line = (doc or "").splitlines()[0]
    asked, left = parse(taking(line, data, known, placeholder), command, argv)
    chosen = resolve(options, typed(asked, left, command, known, ())).options
    return asked.data, chosen, asked.json


def typed(
    asked: Any, left: Sequence[str], command: str, options: Iterable[Option], idle: Container[str]
) -> Layer:
    """The options that were typed, with a mistake for each that there is not.

    Args:
        idle: options of other commands, which this one has no use for.
    """
    names = [option.name for option in options]
    values = {name: getattr(asked, _field(name)) for name in names}
    given = {n: None if text == "none" else text for n, text in values.items() if text is not None}
    return Layer(ORIGIN, given, mistakes=tuple(faults(left, command, names, idle)))


def faults(
    left: Sequence[str], command: str, names: Sequence[str], idle: Container[str] = ()
) -> list[ConfigError]:
    """What is wrong with the tokens that are no arguments; unknown options hide the rest."""
    flags = [token.partition("=")[0] for token in left if token.startswith("-")]
    if flags:
        return [_unwanted(canonical(flag.lstrip("-")), command, names, idle) for flag in flags]
    return [
        ConfigError(
            f"{' '.join(left)!r} is left over.",
            "Lists are written with commas (--methods features,lora), texts in quotes.",
            f"`tunewell {command} --help` shows what is expected.",
        )
    ][: len(left)]


def _unwanted(name: str, command: str, names: Sequence[str], idle: Container[str]) -> ConfigError:
    if name in idle:
        return ConfigError(
            f"{spelt(name, ORIGIN)} does nothing for {command}.",
            "",
            f"`tunewell {command} --help` lists what does.",
        )
    return unknown(name, names, ORIGIN, command=command)


def _renamed(token: str) -> str:
    """A flag with the names that people know from elsewhere made ours."""
    flag, equals, value = token.partition("=")
    return "--" + _shown(canonical(flag[2:])) + equals + value if flag.startswith("--") else token


def _shown(name: str) -> str:
    return name if "." in name else name.replace("_", "-")


def _field(name: str) -> str:
    """The name of the field that takes an option."""
    return name.replace(".", "__")


def _hint(default: Any) -> str:
    """What help says after an option; nothing where the choice is left to us."""
    if default is None or default is dataclasses.MISSING:
        return ""
    return f"(default: {default})"


def _without_value(cls: type[Any], command: str, argv: Sequence[str]) -> ConfigError:
    """The only thing that tyro refuses itself here: a flag without its value."""
    following = [*argv[1:], "--"]
    flags = [
        token
        for token, after in zip(argv, following, strict=True)
        if token.startswith("--") and token not in ("--", "--json") and after.startswith("--")
    ]
    return ConfigError(
        f"{' and '.join(flags[:2]) or 'An option'} needs a value.",
        "",
        f"`tunewell {command} --help` says which.",
    )
