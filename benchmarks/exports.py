"""What each form of one exported model weighs, and how far its answers are from the model's own.

    python -m benchmarks.exports runs/topics/trials/lora-0/model

Prints the rows of a table; seconds are CPU time, for writing, loading back, and answering the
test rows (a thousand at most) by the model and by its copy.
"""

import sys
import tempfile
import time
from pathlib import Path

from tunewell.errors import ConfigError
from tunewell.serve.export import FORMS, Exported, export


def main(model: str) -> None:
    """Export a model of a run in every form, and tell of each."""
    print("| `--to` | MB | largest difference | the metric | CPU seconds |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMS:
            begun = time.process_time()
            try:
                told = told_of(export(model, form, Path(folder) / form))
            except ConfigError as refused:
                told = f"– | – | refused: {refused.found}"
            print(f"| `{form}` | {told} | {time.process_time() - begun:.0f} |", flush=True)


def told_of(made: Exported) -> str:
    """Size, difference and metric as cells of the table."""
    scores = made.scores or {}
    metric = " → ".join(
        f"{each.value:.3f} [{each.low:.3f}, {each.high:.3f}]" for each in scores.values()
    )
    return f"{made.bytes / 1e6:.1f} | {made.largest_difference:.1e} | {metric or 'unchanged'}"


if __name__ == "__main__":
    main(sys.argv[1])
