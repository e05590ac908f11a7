"""Encode texts with sentence-transformers and fit a logistic regression of scikit-learn.

    python encode.py ROWS --model MODEL

ROWS is a folder with train.csv and test.csv, each with the columns `text` and `label`.
"""

import argparse
import csv
import json
import time
from pathlib import Path

from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression


def read(path):
    """Texts and labels of a CSV file."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def main():
    """Fit, score the test rows and print what came out."""
    ask = argparse.ArgumentParser()
    ask.add_argument("rows")
    ask.add_argument("--model", required=True)
    ask.add_argument("--max-length", type=int, default=256)
    asked = ask.parse_args()

    texts, labels = read(f"{asked.rows}/train.csv")
    test_texts, test_labels = read(f"{asked.rows}/test.csv")
    encoder = SentenceTransformer(asked.model)
    encoder.max_seq_length = asked.max_length
    begun = time.process_time()
    model = LogisticRegression(max_iter=1000).fit(encoder.encode(texts), labels)
    seconds = time.process_time() - begun
    score = model.score(encoder.encode(test_texts), test_labels)
    print(json.dumps({"accuracy": {"features": score}, "training": {"features": seconds}}))


if __name__ == "__main__":
    main()
