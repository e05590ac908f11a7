"""Fit SetFit on a few rows: contrastive pairs, then a logistic regression.

    python setfit_few.py ROWS OUT --model MODEL

ROWS is a folder with train.csv and test.csv, each with the columns `text` and `label`.
"""

import argparse
import json
import time

from datasets import load_dataset
from setfit import SetFitModel, Trainer, TrainingArguments


def main():
    """Train, score the test rows and print what came out."""
    ask = argparse.ArgumentParser()
    ask.add_argument("rows")
    ask.add_argument("out")
    ask.add_argument("--model", required=True)
    ask.add_argument("--max-length", type=int, default=256)
    asked = ask.parse_args()

    files = {part: f"{asked.rows}/{part}.csv" for part in ("train", "test")}
    rows = load_dataset("csv", data_files=files, cache_dir=f"{asked.out}/datasets")
    model = SetFitModel.from_pretrained(asked.model, labels=sorted(set(rows["train"]["label"])))
    model.model_body.max_seq_length = asked.max_length
    trainer = Trainer(
        model=model,
        args=TrainingArguments(output_dir=f"{asked.out}/setfit", batch_size=16, num_epochs=1),
        train_dataset=rows["train"],
        eval_dataset=rows["test"],
        metric="accuracy",
    )
    begun = time.process_time()
    trainer.train()
    seconds = time.process_time() - begun
    answers = model.predict(rows["test"]["text"])
    right = sum(
        answer == label for answer, label in zip(answers, rows["test"]["label"], strict=True)
    )
    score = right / len(rows["test"])
    print(json.dumps({"accuracy": {"features": score}, "training": {"features": seconds}}))


if __name__ == "__main__":
    main()
