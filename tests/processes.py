"""Processes that can be killed; forked from one that has imported all, so they start fast."""

import multiprocessing
import os
import signal
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path

HEAVY = [
    "pytest",
    "torch",
    "peft",
    "accelerate",
    "sklearn.linear_model",
    "sklearn.feature_extraction.text",
    "transformers.models.bert.modeling_bert",
    "tunewell.run",
    "tunewell.ladder",
    "tunewell.fit.loop",
    "tunewell.measure.trial",
    "tunewell.tell.report",
]


@cache
def _context():
    """A server with a memory of its own, which imports once and forks often."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(HEAVY)
    return context


def start(target, *args):
    """A process that runs `target(*args)`; it has a `pid` and can be killed and joined."""
    process = _context().Process(target=target, args=args, daemon=True)
    process.start()
    return process


def command_line(argv, folder, output):
    """Run a command in a folder; what it says goes to the file `output`. For `start`.

    Each step of a training is a line, so that whoever watches the file can stop it in the middle.
    """
    from tunewell.cli import main
    from tunewell.terminal import progress

    own = progress.watching

    @contextmanager
    def step_by_step(bar):
        with own(bar) as watch:

            def tell(event):
                if event.kind == "progress":
                    print(f"step of {event.message}")
                watch(event)

            yield tell

    progress.watching = step_by_step
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    with Path(output).open("w", buffering=1) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.stdout = sys.stderr = file
        sys.exit(main(argv))
