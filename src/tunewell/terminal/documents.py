"""The commands that put documents into an index, and ask it."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from tunewell.documents.settings import AskOptions, IndexOptions
from tunewell.errors import ConfigError
from tunewell.fields import options_of
from tunewell.options import resolve
from tunewell.tell import text, units
from tunewell.terminal import show
from tunewell.terminal.syntax import command_line, parse, taking, typed

if TYPE_CHECKING:
    from tunewell.documents.finding import Found
    from tunewell.documents.indexing import Indexed

_ASKED = (
    "The folder of an index, and a question in quotes; a single - reads it from standard input."
)
_NAMED = 20
"""Files that are named one by one; all of them are in --json."""


def index(argv: Sequence[str]) -> int:
    """Read a folder of documents into an index that can be asked, or bring it up to date."""
    known = options_of(IndexOptions)
    options = [option for name, option in known.items() if name != "data"]
    doc = (index.__doc__ or "").splitlines()[0]
    asked, left = parse(taking(doc, known["data"].help, options, "DOCUMENTS"), "index", argv)
    layer = typed(asked, left, "index", options, ())
    if len(asked.data) != 1 and not layer.mistakes:
        raise ConfigError(
            "One folder of documents is expected.", "", "Name it: `tunewell index handbook`."
        )
    layer.values["data"] = next(iter(asked.data), "")
    chosen = resolve(IndexOptions, layer).options
    from tunewell.documents import indexing
    from tunewell.terminal.progress import watching

    with watching(sys.stderr.isatty() and not asked.json) as watch:
        done = indexing.index(chosen, watch)
    if asked.json:
        show.show_json(done)
    else:
        _show_indexed(done)
    return 0


def ask(argv: Sequence[str]) -> int:
    """Find the passages of an index that answer a question, with file and place; or the answer."""
    given, chosen, json = command_line(
        "ask", ask.__doc__, argv, AskOptions, _ASKED, "INDEX QUESTION"
    )
    if len(given) != 2:
        raise ConfigError(
            "An index and one question are expected.",
            "",
            'Put it in quotes: `tunewell ask runs/handbook "What is the notice period?"`.',
        )
    folder, question = given
    from tunewell.documents.finding import open_index

    question = sys.stdin.read() if question == "-" else question
    found = open_index(folder, chosen.by).find(question, chosen)
    if json:
        show.show_json(found)
    else:
        _show_found(found)
    return 0


def _show_indexed(done: Indexed) -> None:
    """What changed, what was left out and why, and what to type next."""
    unread = [one for one in done.left_out if not one.other_kind]
    for one in unread[:_NAMED]:
        print(f"x {text.visible(one.file)} was left out: {one.reason}.")
    if len(unread) > _NAMED:
        print(f"x and {len(unread) - _NAMED} more files; --json names them all.")
    for file, note in list(done.notes.items())[:_NAMED]:
        print(f"! {text.visible(file)}: {note}.")
    kinds = Counter(PurePosixPath(o.file).suffix for o in done.left_out if o.other_kind)
    if kinds:
        listed = ", ".join(text.visible(kind) for kind, _ in kinds.most_common(5))
        count = sum(kinds.values())
        told = "1 file is no document" if count == 1 else f"{count} files are no documents"
        print(f"- {told} ({listed}).")
    counts = {"added": done.added, "changed": done.changed, "removed": done.removed}
    told = ", ".join(f"{len(names)} {what}" for what, names in counts.items() if names)
    print(
        f"{done.files} documents in {done.passages:,} passages ({told or 'nothing has changed'}), "
        f"{units.seconds(done.seconds)}."
    )
    print(f'Next: tunewell ask {shlex.quote(str(done.folder))} "a question of yours"')


def _show_found(found: Found) -> None:
    """Each passage below its place."""
    for note in found.notes:
        show.say(note)
    if not found.passages:
        print("Nothing was found.")
    if found.answer is not None:
        places = [f"[{n}] {found.passages[n - 1].place}" for n in found.answer.cited]
        cited = "; ".join(map(text.visible, places)) or "it names no passage"
        print(f"{text.visible(found.answer.text)}\n\nBy {found.answer.by} from: {cited}.\n")
    for number, hit in enumerate(found.passages, 1):
        print(f"{number}. {text.visible(hit.place)}")
        for also in hit.also:
            print(f"   also in {text.visible(also)}")
        lines: list[Any] = text.visible(hit.text).splitlines()
        print("\n".join(f"   {line}".rstrip() for line in lines) + "\n")
