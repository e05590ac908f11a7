"""Fine-tune a classifier with the Trainer of transformers, as tutorials do.

    python trainer.py METHOD ROWS OUT [--best] [--no-attention-dropout]

METHOD says what moves: full, head, last_layers (two) or lora (with peft). ROWS is a folder with
train.csv, validation.csv and test.csv, each with the columns `text` and `label`. Every row is
padded to the longest allowed length and all is computed in float32. With --best, batches are
padded to their own longest row, rows of like length go together, and products are in bfloat16.
"""

import argparse
import json
import time

import numpy as np
from datasets import load_dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)


def choose_what_moves(model, method):
    """Freeze all but what the method trains; the head always moves."""
    if method == "full":
        return model
    if method == "lora":
        from peft import LoraConfig, TaskType, get_peft_model

        targets = ["query", "key", "value", "dense"]
        config = LoraConfig(
            task_type=TaskType.SEQ_CLS,
            r=8,
            lora_alpha=16,
            lora_dropout=0.1,
            target_modules=targets,
            exclude_modules=".*pooler.*",
        )
        return get_peft_model(model, config)
    for parameter in model.base_model.parameters():
        parameter.requires_grad = False
    if method == "last_layers":
        for parameter in model.base_model.encoder.layer[-2:].parameters():
            parameter.requires_grad = True
        for parameter in model.base_model.pooler.parameters():
            parameter.requires_grad = True
    return model


def accuracy(prediction):
    """What share of the rows is right."""
    return {"accuracy": float(np.mean(prediction.predictions.argmax(-1) == prediction.label_ids))}


def main():
    """Train, score the test rows, save the model and print what came out."""
    ask = argparse.ArgumentParser()
    ask.add_argument("method", choices=["full", "head", "last_layers", "lora"])
    ask.add_argument("rows")
    ask.add_argument("out")
    ask.add_argument("--model", required=True)
    ask.add_argument("--epochs", type=int, required=True)
    ask.add_argument("--learning-rate", type=float, required=True)
    ask.add_argument("--max-length", type=int, default=256)
    ask.add_argument("--best", action="store_true")
    ask.add_argument("--no-attention-dropout", action="store_true")
    asked = ask.parse_args()

    files = {part: f"{asked.rows}/{part}.csv" for part in ("train", "validation", "test")}
    rows = load_dataset("csv", data_files=files, cache_dir=f"{asked.out}/datasets")
    labels = sorted(set(rows["train"]["label"]))
    tokenizer = AutoTokenizer.from_pretrained(asked.model)

    def tokenize(batch):
        padding = False if asked.best else "max_length"
        tokens = tokenizer(
            batch["text"], truncation=True, max_length=asked.max_length, padding=padding
        )
        return {**tokens, "labels": [labels.index(label) for label in batch["label"]]}

    rows = rows.map(tokenize, batched=True, remove_columns=["text", "label"])
    dropout = {"attention_probs_dropout_prob": 0.0} if asked.no_attention_dropout else {}
    model = AutoModelForSequenceClassification.from_pretrained(
        asked.model,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
        **dropout,
    )
    tuned = {"bf16": True, "use_cpu": True, "train_sampling_strategy": "group_by_length"}
    trainer = Trainer(
        model=choose_what_moves(model, asked.method),
        args=TrainingArguments(
            output_dir=f"{asked.out}/trainer",
            learning_rate=asked.learning_rate,
            per_device_train_batch_size=16,
            per_device_eval_batch_size=16,
            num_train_epochs=asked.epochs,
            weight_decay=0.01,
            eval_strategy="epoch",
            save_strategy="epoch",
            load_best_model_at_end=True,
            report_to="none",
            seed=0,
            **(tuned if asked.best else {}),
        ),
        train_dataset=rows["train"],
        eval_dataset=rows["validation"],
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer) if asked.best else None,
        compute_metrics=accuracy,
    )
    begun = time.process_time()
    trainer.train()
    seconds = time.process_time() - begun
    score = trainer.evaluate(rows["test"])["eval_accuracy"]
    trainer.save_model(f"{asked.out}/model")
    print(json.dumps({"accuracy": {asked.method: score}, "training": {asked.method: seconds}}))


if __name__ == "__main__":
    main()
