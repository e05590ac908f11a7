"""The command that trains a language model on running text."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from tunewell.errors import ConfigError
from tunewell.fields import options_of
from tunewell.fit.pretraining.settings import PretrainOptions
from tunewell.options import resolve
from tunewell.terminal import show
from tunewell.terminal.syntax import parse, taking, typed


def pretrain(argv: Sequence[str]) -> int:
    """Train a language model on running text, or have one read on."""
    known = options_of(PretrainOptions)
    options = [option for name, option in known.items() if name != "data"]
    doc = (pretrain.__doc__ or "").splitlines()[0]
    asked, left = parse(taking(doc, known["data"].help, options, "TEXT"), "pretrain", argv)
    layer = typed(asked, left, "pretrain", options, ())
    if not asked.data and not layer.mistakes:
        raise ConfigError(
            "No text is given.", "", "Name files or folders: `tunewell pretrain books --size 10m`."
        )
    if asked.data:
        layer.values["data"] = tuple(asked.data)
    chosen = resolve(PretrainOptions, layer).options
    from tunewell.pretraining import pipeline
    from tunewell.terminal.progress import watching

    with watching(sys.stderr.isatty() and not asked.json) as watch:
        done = pipeline.pretrain(chosen, watch)
    if asked.json:
        show.show_json({**done.record, "folder": done.folder})
        return 0
    from tunewell.tell.pretrained import result_sentences

    for sentence in result_sentences(done.record):
        print(sentence)
    print(f"The model: {done.folder}")
    print(f"Next: tunewell compare DATA --backbone {shlex.quote(str(done.folder))}")
    return 0
