"""Logistic regression on a frozen sentence encoder by hand: transformers and scikit-learn.

    python examples/by_hand/features.py examples/support.csv BACKBONE

The CSV has the columns `text` and `label`; BACKBONE is a folder or a name on the Hub.
"""

import csv
import random
import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from transformers import AutoModel, AutoTokenizer


def vectors_of(model, tokenizer, texts, batch_size=32):
    """The mean of each text's token vectors: (texts, hidden); texts are cut at 256 tokens."""
    parts = []
    model.eval()
    for start in range(0, len(texts), batch_size):
        batch = tokenizer(
            texts[start : start + batch_size],
            padding=True,
            truncation=True,
            max_length=256,
            return_tensors="pt",
        )
        with torch.inference_mode():
            hidden = model(**batch).last_hidden_state  # (batch, tokens, hidden)
        mask = batch["attention_mask"].unsqueeze(-1)  # (batch, tokens, 1)
        parts.append(((hidden * mask).sum(1) / mask.sum(1)).double().numpy())
    return np.concatenate(parts)


def standardised(vectors, train):
    """Each column with mean 0 and standard deviation 1 over the training rows."""
    return (vectors - train.mean(0)) / train.std(0)


def train(vectors, labels, C):  # noqa: N803
    """Logistic regression with penalty 1 / C."""
    return LogisticRegression(C=C, max_iter=2000, tol=1e-6).fit(vectors, labels)


def main(file, backbone):
    """Train on three rows in five, choose C on one in five, print the accuracy on the others."""
    with Path(file).open(encoding="utf-8", newline="") as lines:
        table = list(csv.DictReader(lines))
    random.Random(0).shuffle(table)
    model = AutoModel.from_pretrained(backbone)
    tokenizer = AutoTokenizer.from_pretrained(backbone)
    vectors = vectors_of(model, tokenizer, [row["text"] for row in table])
    labels = [row["label"] for row in table]

    fifth = len(table) // 5
    test, validation, rest = slice(fifth), slice(fifth, 2 * fifth), slice(2 * fifth, None)
    vectors = standardised(vectors, vectors[rest])
    models = [train(vectors[rest], labels[rest], C) for C in (0.03, 0.003, 0.3)]
    best = max(models, key=lambda model: model.score(vectors[validation], labels[validation]))
    print(f"accuracy on {fifth} test rows: {best.score(vectors[test], labels[test]):.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
