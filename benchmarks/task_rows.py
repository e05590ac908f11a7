"""Published sets of pairs, choices and emotions, as files that `tunewell compare` reads.

    python benchmarks/task_rows.py $TUNEWELL_DATA runs/data

MRPC and STS-B are tables without quoting, of which some have a header and some have none;
in CommonsenseQA the question and its choices lie in an object of their own; GoEmotions has no
headers.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def mrpc(file: Path) -> Iterator[dict[str, Any]]:
    """Two sentences, and whether they say the same."""
    for line in file.read_text(encoding="utf-8-sig").splitlines():
        quality, _, _, first, second = line.split("\t")
        if quality in ("0", "1"):
            label = "paraphrase" if quality == "1" else "different"
            yield {"sentence1": first, "sentence2": second, "label": label}


def stsb(file: Path) -> Iterator[dict[str, Any]]:
    """Two sentences, and how alike people found them: 0 to 5."""
    for line in file.read_text(encoding="utf-8-sig").splitlines():
        cells = line.split("\t")
        first, second, score = cells[7:10] if cells[0].isdigit() else ("", "", "score")
        if score != "score":
            yield {"sentence1": first, "sentence2": second, "score": float(score)}


def commonsenseqa(file: Path) -> Iterator[dict[str, Any]]:
    """A question, five choices, and the letter of the right one."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            asked = row["question"]
            yield {
                "question": asked["stem"],
                "choices": [choice["text"] for choice in asked["choices"]],
                "answer": row["answerKey"],
            }


def write(rows: Iterable[dict[str, Any]], path: Path) -> None:
    """One JSON object a line."""
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8")


def places(description: str | None) -> argparse.Namespace:
    """The folders `data` and `out` of a command line; the second is made."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("data", type=Path, help="the folder with the published sets")
    parser.add_argument("out", type=Path, help="where to write")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    return asked


if __name__ == "__main__":
    asked = places(__doc__)
    glue = asked.data / "glue_mrpc_stsb"
    for part in ("train", "test"):
        write(mrpc(glue / "MRPC" / f"{part}.tsv"), asked.out / f"mrpc_{part}.jsonl")
        write(stsb(glue / "STS-B" / f"{part}.tsv"), asked.out / f"stsb_{part}.jsonl")
    for part in ("train", "dev"):
        name = asked.data / "commonsenseqa" / f"{part}_rand_split.jsonl.gz"
        write(commonsenseqa(name), asked.out / f"commonsenseqa_{part}.jsonl")
    for part in ("train", "dev", "test"):
        rows = (asked.data / "go_emotions" / f"{part}.tsv").read_text(encoding="utf-8")
        (asked.out / f"go_{part}.tsv").write_text(f"text\tlabels\tid\n{rows}", encoding="utf-8")
    shutil.copy(asked.data / "go_emotions" / "labels.txt", asked.out)
