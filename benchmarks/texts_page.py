"""Writes docs/results_texts.md from run folders: python -m benchmarks.texts_page FOLDER > PAGE.

FOLDER is the one that `benchmarks/texts.sh` was given; the decoder may lie where TUNEWELL_DECODER
says.
"""

import json
import os
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
`python -m benchmarks.texts_page`. The backbone is a decoder of {millions:.1f} million parameters
that `tunewell pretrain` made of English Wikipedia from random weights: {tokens:.1f} million tokens
in {minutes:.0f} minutes on one busy core, {bits} bits per byte on articles that it had not read.
A model so small, which has read so little, writes nothing of use, and the scores of its texts are
near 0. What these runs show is that its surprise at the right answers falls: compare bits per byte
and perplexity with `zero_shot`, which is the model as it stands. Lower is better there.

A few hundred rows, one trial a method, three epochs. Two to ten programs ran at a time on two
cores: seconds are up to five times those of a quiet machine. Scores and intervals are not touched
by that.
"""
MIXED = """\
## Two sets, one model

`tunewell mix`: the instructions and the captions above, 400 training rows each, alone and together.

```
{told}
```
"""


def introduction(decoder: Path) -> str:
    """What the backbone is."""
    made = json.loads((decoder / "pretrain.json").read_text(encoding="utf-8"))
    bits = made["bits_per_byte"]
    return INTRODUCTION.format(
        millions=made["parameters"] / 1e6,
        tokens=made["tokens_read"] / 1e6,
        minutes=made["seconds"] / 60,
        bits=f"{bits['value']:.2f} [{bits['low']:.2f}, {bits['high']:.2f}]",
    )


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
    decoder = Path(os.environ.get("TUNEWELL_DECODER") or out / "decoder")
    pieces = [part for name in RUNS for part in (section(out / name), surprise(out / name))]
    pieces = [piece.replace(str(decoder), "$TUNEWELL_DECODER") for piece in pieces]
    last = mixed(out / "mix_of_two", str(out))
    print("\n".join([introduction(decoder), *pieces, last]), end="")


if __name__ == "__main__":
    main()
