"""Fine-tune a classifier on a GPU with transformers and peft, with all that is usual for speed.

    python trainer_gpu.py METHOD ROWS --model MODEL --epochs N --learning-rate RATE

METHOD is full or lora. ROWS is a folder with train.csv and test.csv, each with the columns `text`
and `label`. Products are in bfloat16, rows of like length go together, and flash attention and
liger's kernels are used where they are installed.
"""

import argparse
import csv
import json
import tempfile
import time
from pathlib import Path

import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)
from transformers.utils import is_flash_attn_2_available, is_liger_kernel_available


def read(path, tokenizer, labels, max_length):
    """Rows as token ids and label numbers."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = labels or sorted({row["label"] for row in rows})
    ids = tokenizer([row["text"] for row in rows], truncation=True, max_length=max_length)
    numbers = [labels.index(row["label"]) for row in rows]
    return [
        {"input_ids": one, "labels": number}
        for one, number in zip(ids["input_ids"], numbers, strict=True)
    ], labels


def main():
    """Train, score the test rows and print what came out."""
    ask = argparse.ArgumentParser()
    ask.add_argument("method", choices=["full", "lora"])
    ask.add_argument("rows")
    ask.add_argument("--model", required=True)
    ask.add_argument("--epochs", type=int, required=True)
    ask.add_argument("--learning-rate", type=float, required=True)
    ask.add_argument("--max-length", type=int, default=512)
    ask.add_argument("--batch-size", type=int, default=16)
    ask.add_argument("--device", choices=["cpu", "cuda"])
    asked = ask.parse_args()

    begun = time.perf_counter()
    gpu = asked.device != "cpu" and torch.cuda.is_available()
    tokenizer = AutoTokenizer.from_pretrained(asked.model)
    train, labels = read(f"{asked.rows}/train.csv", tokenizer, None, asked.max_length)
    test, _ = read(f"{asked.rows}/test.csv", tokenizer, labels, asked.max_length)
    model = AutoModelForSequenceClassification.from_pretrained(
        asked.model,
        num_labels=len(labels),
        pad_token_id=tokenizer.pad_token_id,
        dtype=torch.bfloat16 if gpu and asked.method == "lora" else torch.float32,
        attn_implementation="flash_attention_2" if is_flash_attn_2_available() else "sdpa",
    )
    if asked.method == "lora":
        from peft import LoraConfig, TaskType, get_peft_model

        config = LoraConfig(
            task_type=TaskType.SEQ_CLS,
            r=8,
            lora_alpha=16,
            lora_dropout=0.1,
            target_modules="all-linear",
        )
        model = get_peft_model(model, config)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=tempfile.mkdtemp(),
            learning_rate=asked.learning_rate,
            per_device_train_batch_size=asked.batch_size,
            per_device_eval_batch_size=2 * asked.batch_size,
            num_train_epochs=asked.epochs,
            weight_decay=0.01,
            bf16=True,
            use_cpu=not gpu,
            use_liger_kernel=gpu and is_liger_kernel_available(),
            train_sampling_strategy="group_by_length",
            save_strategy="no",
            report_to="none",
            seed=0,
        ),
        train_dataset=train,
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=lambda told: {
            "accuracy": float((told.predictions.argmax(-1) == told.label_ids).mean())
        },
    )
    trainer.train()
    seconds = time.perf_counter() - begun
    peak = torch.cuda.max_memory_allocated() if gpu else 0
    score = trainer.evaluate(test)["eval_accuracy"]
    told = {"accuracy": score, "seconds": seconds, "peak_bytes": peak}
    told["attention"] = trainer.model.config._attn_implementation
    print(json.dumps(told))


if __name__ == "__main__":
    main()
