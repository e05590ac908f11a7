"""The command line: `tunewell COMMAND ...`, read off the same options as everything else."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from tunewell import __version__
from tunewell.errors import (
    ConfigError,
    DiskFull,
    TrainingDiverged,
    UserError,
    did_you_mean,
    is_disk_full,
)
from tunewell.terminal import (
    asking,
    documents,
    mixing,
    pretraining,
    rows,
    running,
    serving,
    show,
    talking,
    web,
)

COMMANDS = {
    "compare": running.compare,
    "fit": running.fit,
    "predict": asking.predict,
    "chat": talking.chat,
    "check": running.check,
    "show": rows.rows,
    "plan": running.plan,
    "report": asking.report,
    "serve": serving.serve,
    "export": serving.export,
    "push": serving.push,
    "eject": serving.eject,
    "methods": asking.methods,
    "tasks": asking.tasks,
    "web": web.web,
    "mix": mixing.mix,
    "index": documents.index,
    "ask": documents.ask,
    "pretrain": pretraining.pretrain,
}
"""Name -> what runs it; the first line of its docstring is its help."""

FULL = "Make room on the disk and give the same command again; what is finished is kept."


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0; 1 where no method came to its end; 2 for what the user can mend; 3
        where the training of `fit` diverged; 4 where the disk is full; 130 where it was stopped,
        with Ctrl-C or SIGTERM.
    """
    argv = sys.argv[1:] if argv is None else argv
    try:
        with _sigterm_as_ctrl_c():
            return _run(argv)
    except (UserError, TrainingDiverged) as error:
        return _told(error, argv)
    except KeyboardInterrupt:
        show.tell("stopped.")
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        if not is_disk_full(error):
            raise
        return _told(DiskFull(f"A file could not be written: {error.strerror}.", "", FULL), argv)


def _told(error: UserError | TrainingDiverged, argv: list[str]) -> int:
    """Tell a mistake; the exit status that it ends with."""
    show.tell(error)
    if "--json" in argv:
        show.show_json(show.error_json(error))
    return error.exit_status


def _run(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help"):
        print(_short_help())
        return 0
    if argv[0] == "--version":
        print(f"tunewell {__version__}")
        return 0
    if argv[0] not in COMMANDS:
        raise _no_command(argv[0])
    try:
        return COMMANDS[argv[0]](argv[1:])
    except SystemExit as stop:
        if stop.code:
            raise
        return 0  # tyro has printed the help


@contextlib.contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Whoever ends a run gets its report, also where it is a scheduler and not a key."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _no_command(name: str) -> ConfigError:
    if Path(name).exists():
        remedy = f"`tunewell compare {shlex.quote(name)}` compares methods on it."
        return ConfigError(f"{name!r} is no command.", "A command comes first.", remedy)
    return ConfigError(
        f"There is no command {name!r}.",
        did_you_mean(name, COMMANDS),
        "`tunewell --help` says what each does.",
    )


def _short_help() -> str:
    lines = [f"  {name:<9}{(run.__doc__ or '').splitlines()[0]}" for name, run in COMMANDS.items()]
    return "\n".join(
        [
            "Compare every way of fitting a language model to your data.",
            "",
            "  tunewell compare reviews.csv",
            '  tunewell predict runs/reviews "The plot was thin but the acting was superb."',
            "",
            "Commands; each takes --help and --json:",
            *lines,
            "",
            "  tunewell --version",
        ]
    )
