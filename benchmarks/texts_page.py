"""Writes docs/results_texts.md from run folders: python -m benchmarks.texts_page FOLDER > PAGE.

FOLDER is the one that `benchmarks/texts.sh` was given.
"""

import json
import sys
from pathlib import Path

from benchmarks.results_page import section

RUNS = (
    "quotes_complete",
    "alpaca_instruct",
    "contracts_summarise",
    "dialogsum_summarise",
    "captions_translate",
)
INTRODUCTION = """\
# Results: models that write

Real runs on public data sets, written by `benchmarks/texts.sh` and
`python -m benchmarks.texts_page`. The backbone is `tunewell/tiny-decoder`, whose
[card](../src/tunewell/assets/tiny-decoder/README.md) says what it has read. A model so small, which
has read so little, writes nothing to rely on, whatever it is taught. What these runs show is what
each method makes of it: beside the scores of what it writes, bits per byte and perplexity say how
little it expects the right answers (lower is better), `zero_shot` being the model as it stands.

A few hundred rows, one trial a method, three epochs. Other programs ran beside it on two cores:
seconds are up to five times those of a quiet machine. Scores and intervals are not touched by that.
"""
MIXED = """\
## Two sets, one model

`tunewell mix`: the instructions and the captions above, 400 training rows each, alone and together.

```
{told}
```
"""


def surprise(run: Path) -> str:
    """How little each model expected the right texts."""
    results = json.loads((run / "comparison.json").read_text(encoding="utf-8"))["results"]
    lines = ["| method | bits per byte | perplexity per token |", "|:---|---:|---:|"]
    for result in results:
        scores = result.get("scores") or {}
        if "bits_per_byte" in scores:
            bits, per_token = scores["bits_per_byte"], scores["perplexity"]
            lines.append(f"| {result['name']} | {told(bits, 3)} | {told(per_token, 0)} |")
    return "\n".join(lines) + "\n"


def told(interval: dict[str, float], places: int) -> str:
    """A figure with its interval."""
    value, low, high = (f"{interval[end]:.{places}f}" for end in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def mixed(folder: Path, place: str) -> str:
    """What `tunewell mix` said, from the first set on."""
    lines = (folder / "told.txt").read_text(encoding="utf-8").splitlines()
    first = next(n for n, line in enumerate(lines) if " training rows, of which " in line)
    return MIXED.format(told="\n".join(lines[first:]).replace(place, "runs"))


def main() -> None:
    out = Path(sys.argv[1])
    pieces = [part for name in RUNS for part in (section(out / name), surprise(out / name))]
    last = mixed(out / "mix_of_two", str(out))
    print("\n".join([INTRODUCTION, *pieces, last]), end="")


if __name__ == "__main__":
    main()
