"""Published sets of texts to be written, as files that `tunewell compare` reads.

    python -m benchmarks.text_rows $TUNEWELL_DATA runs/data

The quotations lose the column that repeats the others; the captions lie in two files, a sentence a
line; the contracts are JSON by number; of Alpaca the rows are taken whose answer has at most three
words, which a small model can learn to give.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.task_rows import places, write

WORDS = 3
"""Most words of an answer of Alpaca."""


def quotes(file: Path) -> Iterator[dict[str, str]]:
    """The text of each quotation."""
    with file.open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            yield {"text": row["quote"]}


def captions(english: Path, german: Path) -> Iterator[dict[str, str]]:
    """A caption in both languages."""
    with (
        gzip.open(english, "rt", encoding="utf-8") as one,
        gzip.open(german, "rt", encoding="utf-8") as other,
    ):
        for source, target in zip(one, other, strict=True):
            yield {"english": source.strip(), "german": target.strip()}


def contracts(file: Path) -> Iterator[dict[str, str]]:
    """A piece of a contract, and what it says in plain English."""
    for row in json.loads(file.read_text(encoding="utf-8")).values():
        yield {"document": row["original_text"], "summary": row["reference_summary"]}


def short_answers(file: Path) -> Iterator[dict[str, Any]]:
    """Instructions whose answer has few words."""
    with gzip.open(file, "rt", encoding="utf-8") as text:
        for row in json.load(text):
            if 0 < len(row["output"].split()) <= WORDS:
                yield row


if __name__ == "__main__":
    asked = places(__doc__)
    data, out = asked.data, asked.out
    write(quotes(data / "english_quotes" / "quotes.csv"), out / "quotes.jsonl")
    write(contracts(data / "legal_summarization" / "all_v1.json"), out / "contracts.jsonl")
    write(short_answers(data / "alpaca" / "alpaca_data.json.gz"), out / "alpaca_short.jsonl")
    pairs = data / "multi30k"
    for part, name in (("train", "train"), ("test", "test_2016_flickr")):
        rows = captions(pairs / f"{name}.en.gz", pairs / f"{name}.de.gz")
        write(rows, out / f"captions_{part}.jsonl")
