"""The command that shows rows as a model learns them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunewell.errors import ConfigError
from tunewell.fields import Option, options_of
from tunewell.options import Layer, resolve, run_options
from tunewell.read import Source
from tunewell.terminal import running, show
from tunewell.terminal.syntax import parse, taking, typed
from tunewell.values import to_json, whole_file

if TYPE_CHECKING:
    from tunewell.fit.marked import Marked

SHOWN = 3
"""Rows that are shown where none are asked for."""
MESSAGES = Option(
    "messages",
    str,
    None,
    "Write all rows to this file as OpenAI's messages, an object a line, instead.",
)
OPTIONS = (*options_of(Source), "seed", "backbone", "max_length")
LEARNT = "bold green"


def rows(argv: Sequence[str]) -> int:
    """Show rows as a model that writes reads them, with what it learns in colour."""
    known = options_of(run_options())
    options = [MESSAGES, *(o for name, o in known.items() if name in OPTIONS and name != "data")]
    asked, left = parse(taking(rows.__doc__ or "", known["data"].help, options), "show", argv)
    layer = typed(asked, left, "show", options, known)
    values = dict(layer.values)
    path = values.pop("messages", None)
    layers = running.with_data(Layer(layer.origin, values, mistakes=layer.mistakes), asked.data)
    chosen = resolve(run_options(), *layers).options
    from tunewell import run

    if path is not None:
        count = _write(Path(path), run.messages(chosen))
        show.say(f"{count} rows are in {path}.")
        return 0
    found = run.learnt(chosen, chosen.rows or SHOWN)
    if asked.json:
        show.show_json(to_json(found))
    else:
        _show(found)
    return 0


def _write(path: Path, documents: Sequence[dict[str, object]]) -> int:
    """Write them, an object a line; how many there are."""
    if path.exists():
        raise ConfigError(f"{path} is there already.", "", "Choose another name with --messages.")
    with whole_file(path) as aside, aside.open("w", encoding="utf-8") as file:
        for document in documents:
            file.write(json.dumps(document, ensure_ascii=False) + "\n")
    return len(documents)


def _show(found: Marked) -> None:
    """Rows with what is learnt in colour, or between brackets where there is none."""
    from rich.console import Console
    from rich.text import Text

    from tunewell.tell.text import visible

    console = Console(highlight=False, soft_wrap=True)
    coloured = console.is_terminal and not console.no_color
    for place, parts in found.rows:
        console.print(Text(place, style="dim"))
        line = Text()
        for part in parts:
            said = "\n".join(map(visible, part.text.split("\n")))
            marked = f"[[{said}]]" if part.learnt and not coloured else said
            line.append(marked, style=LEARNT if part.learnt else "")
        console.print(line)
        console.print()
    for note in found.notes:
        console.print(f"! {note}.")
    how = "in colour" if coloured else "between [[ and ]]"
    share = 100 * found.learnt / max(1, found.tokens)
    console.print(
        f"What is {how} is learnt: {found.learnt:,} of {found.tokens:,} tokens ({share:.0f} %)."
    )
