"""The commands that put a run's model to use elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewell.errors import ConfigError
from tunewell.serve.settings import Form, ServeOptions
from tunewell.tell import units
from tunewell.terminal import show
from tunewell.terminal.syntax import command_line

_RUNS = "The runs' folders, each served under its own name, or as NAME=FOLDER under another."
ONE = "The run's folder, for its recommended model, or the folder of a model in a run."


def serve(argv: Sequence[str]) -> int:
    """Answer requests over HTTP with the models of runs."""
    runs, chosen, json = command_line("serve", serve.__doc__, argv, ServeOptions, _RUNS, "RUN")
    if not runs:
        raise ConfigError("Which run?", "Name its folder: `tunewell serve runs/reviews`.")
    from tunewell.serve import server

    def tell(address: str, names: list[str]) -> None:
        if json:
            show.show_json({"address": address, "models": names})
        else:
            show.say(f"Serving {', '.join(names)} on {address}. Ctrl-C stops it.")

    try:
        server.serve(runs, chosen, tell)
    except KeyboardInterrupt:  # as it should end: what was under way has been answered
        show.say("stopped.")
    return 0


@dataclass(frozen=True)
class ExportOptions:
    """What `export` takes besides the run."""

    to: Form = "hf"
    """The form: hf, whole weights for transformers; merged, the same of a LoRA; adapter, peft's
    small files; onnx; onnx-int8, with 8-bit weights."""
    out: str | None = None
    """The folder to write. Not given: exports/ and the name of the run and the form."""


def export(argv: Sequence[str]) -> int:
    """Write the model of a run for transformers, peft or onnxruntime, and try it on real rows."""
    runs, chosen, json = command_line("export", export.__doc__, argv, ExportOptions, ONE, "RUN")
    run = one_run(runs, "tunewell export runs/reviews --to onnx")
    out = chosen.out or f"exports/{Path(run).resolve().name}-{chosen.to}"
    from tunewell.serve import export as exporting

    told = exporting.export(run, chosen.to, out)
    if json:
        show.show_json(told)
        return 0
    print(f"Written to {told.folder}, {units.megabytes(told.bytes)}; README.md says how to run it.")
    if told.scores is None:
        print(f"Its answers to {told.rows} test rows are within {told.largest_difference:.0e}.")
    else:
        before, after = told.scores["float32"], told.scores["int8"]
        print(
            f"On {told.rows} test rows it scores {after.value:.3f} "
            f"[{after.low:.3f}, {after.high:.3f}]; in float32 {before.value:.3f}."
        )
    return 0


@dataclass(frozen=True)
class PushOptions:
    """What `push` takes besides the run."""

    to: str
    """The repository: owner/name, or a name in your own space."""
    form: Form = "hf"
    """As in `tunewell export --to`."""
    private: bool = True
    """Whether a new repository is seen by you alone."""


def push(argv: Sequence[str]) -> int:
    """Send the model of a run, with its card, to the Hugging Face Hub."""
    runs, chosen, json = command_line("push", push.__doc__, argv, PushOptions, ONE, "RUN")
    run = one_run(runs, "tunewell push runs/reviews --to reviews")
    from tunewell.serve import push as pushing

    told = pushing.push(run, chosen.to, chosen.form, chosen.private)
    if json:
        show.show_json(told)
    else:
        print(f"{told.url} has it, tried on {told.exported.rows} test rows before.")
    return 0


@dataclass(frozen=True)
class EjectOptions:
    """What `eject` takes besides the run."""

    out: str | None = None
    """The file to write. Not given: standard output."""


def eject(argv: Sequence[str]) -> int:
    """Write the model of a run as one plain Python script that makes it again without Tunewell."""
    runs, chosen, json = command_line("eject", eject.__doc__, argv, EjectOptions, ONE, "RUN")
    folder = one_run(runs, "tunewell eject runs/reviews --out mine.py")
    from tunewell.serve import eject as ejecting

    out = Path(chosen.out) if chosen.out else None
    if out is not None and out.exists():
        raise ConfigError(f"{out} is there already.", "", "Choose another name with --out.")
    script = ejecting.eject(folder, out)
    if out is not None:
        out.write_text(script, encoding="utf-8")
        show.say(f"Written to {out}; `python {out}` fits the model again.")
    if json:
        show.show_json({"script": script if out is None else None, "out": out})
    elif out is None:
        print(script, end="")
    return 0


def one_run(data: Sequence[str], example: str) -> str:
    """The folder of the one run that a command takes; ConfigError where it was given none."""
    if len(data) != 1:
        found = "Which run?" if not data else "One run is expected."
        raise ConfigError(found, f"Name its folder: `{example}`.")
    return data[0]
