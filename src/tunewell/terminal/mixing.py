"""The command that trains one model on several sets, beside one on each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunewell.errors import ConfigError
from tunewell.fields import options_of
from tunewell.mix.settings import MixOptions, read_mix
from tunewell.terminal import show
from tunewell.terminal.syntax import parse, taking, typed

if TYPE_CHECKING:
    from tunewell.mix.comparing import Effect, Mixed
    from tunewell.values import Interval

_FILE = "A YAML file that names the sets (see docs/mix.md), and options of all runs."


def mix(argv: Sequence[str]) -> int:
    """Train one model on several sets, beside one on each, and say whether they help each other."""
    known = list(options_of(MixOptions).values())
    doc = (mix.__doc__ or "").splitlines()[0]
    asked, left = parse(taking(doc, _FILE, known, "MIX"), "mix", argv)
    if len(asked.data) != 1:
        raise ConfigError("One YAML file is expected.", "", "Name it: `tunewell mix mix.yaml`.")
    described = read_mix(asked.data[0], typed(asked, left, "mix", known, ()))
    from tunewell.mix.comparing import compare_mix, to_record
    from tunewell.terminal.progress import watching

    with watching(sys.stderr.isatty() and not asked.json) as watch:
        done = compare_mix(described, watch)
    if asked.json:
        show.show_json(to_record(done))
    else:
        _show(done)
    if done.interrupted:
        return 130
    return 0 if done.effects else 1


def _show(done: Mixed) -> None:
    """A line for each set and method, and what it comes to."""
    from tunewell.mix.comparing import sentence

    for name, rows in done.rows.items():
        print(
            f"{name}: {rows['alone']:,} training rows, of which {rows['together']:,} were drawn "
            f"for all together; {rows['test']:,} test rows."
        )
    print()
    for effect in done.effects:
        print(_line(effect))
    for what, reason in done.left_out.items():
        print(f"{what}: left out, {reason}")
    if done.effects:
        print(f"\n{sentence(done.effects)}")
    print(f"The runs and their reports lie in {done.folder}.")


def _line(effect: Effect) -> str:
    """One set by one method, in per cent or in the metric's own figures."""

    def told(interval: Interval, sign: str = "") -> str:
        by = 100 if effect.percent else 1
        places = ".1f" if effect.percent else ".3f"
        low, high = (f"{by * each:{sign}{places}}" for each in (interval.low, interval.high))
        return f"{by * interval.value:{sign}{places}} [{low}, {high}]".replace("-", "−")

    return (
        f"{effect.set}, {effect.method}: {effect.words} {told(effect.alone)} alone, "
        f"{told(effect.together)} together; better by {told(effect.difference, '+')}"
    )
