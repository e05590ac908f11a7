"""Answer texts with a pipeline of transformers, 32 at a time.

    python pipeline.py MODEL ROWS

ROWS is a CSV file with the columns `text` and `label`.
"""

import argparse
import csv
import json
from pathlib import Path

from transformers import pipeline


def main():
    """Answer all rows and print what share is right."""
    ask = argparse.ArgumentParser()
    ask.add_argument("model")
    ask.add_argument("rows")
    ask.add_argument("--max-length", type=int, default=256)
    asked = ask.parse_args()

    with Path(asked.rows).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    classify = pipeline("text-classification", model=asked.model, batch_size=32)
    texts = [row["text"] for row in rows]
    answers = classify(texts, truncation=True, max_length=asked.max_length)
    right = sum(answer["label"] == row["label"] for answer, row in zip(answers, rows, strict=True))
    print(json.dumps({"accuracy": {"prediction": right / len(rows)}}))


if __name__ == "__main__":
    main()
