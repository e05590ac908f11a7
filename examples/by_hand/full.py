"""Train every weight of a sentence encoder by hand: transformers, torch and one loop.

    python examples/by_hand/full.py examples/support.csv BACKBONE

The CSV has the columns `text` and `label`; BACKBONE is a folder or a name on the Hub.
"""

import csv
import random
import sys
from pathlib import Path

import torch
from torch import nn
from transformers import AutoModel, AutoTokenizer


class Classifier(nn.Module):
    """The mean of a text's token vectors, and one linear layer from there to the labels."""

    def __init__(self, backbone, labels):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(backbone.config.hidden_size, labels)

    def forward(self, input_ids, attention_mask):
        hidden = self.backbone(input_ids=input_ids, attention_mask=attention_mask)
        mask = attention_mask.unsqueeze(-1)  # (batch, tokens, 1)
        return self.head((hidden.last_hidden_state * mask).sum(1) / mask.sum(1))


def logits_of(model, tokenizer, texts):
    """Logits (texts, labels); texts are cut at 256 tokens and padded to the longest."""
    batch = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
    return model(batch["input_ids"], batch["attention_mask"])


def train(model, tokenizer, texts, labels, batches, learning_rate, warmup_steps):
    """One step of AdamW for each list of row numbers; the loss of every step."""
    steps, moving = len(batches), [p for p in model.parameters() if p.requires_grad]
    matrices = {"params": [p for p in moving if p.ndim > 1], "weight_decay": 0.01}
    vectors = {"params": [p for p in moving if p.ndim < 2], "weight_decay": 0.0}
    optimizer = torch.optim.AdamW([matrices, vectors], lr=learning_rate)
    losses = []
    model.train()
    for step, rows in enumerate(batches):
        up, down = (step + 1) / max(1, warmup_steps), (steps - step) / (steps - warmup_steps)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(up, down)
        logits = logits_of(model, tokenizer, [texts[row] for row in rows])
        loss = nn.functional.cross_entropy(logits, torch.tensor([labels[row] for row in rows]))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(moving, 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def main(file, backbone, epochs=8, batch_size=16, learning_rate=2e-4):
    """Train on four rows in five and print the accuracy on the others."""
    torch.manual_seed(0)
    chance = random.Random(0)
    with Path(file).open(encoding="utf-8", newline="") as lines:
        table = list(csv.DictReader(lines))
    chance.shuffle(table)
    texts, names = [row["text"] for row in table], sorted({row["label"] for row in table})
    labels, test = [names.index(row["label"]) for row in table], len(table) // 5

    tokenizer = AutoTokenizer.from_pretrained(backbone)
    model = Classifier(AutoModel.from_pretrained(backbone), len(names))
    batches = []
    for _ in range(epochs):
        rows = chance.sample(range(test, len(table)), len(table) - test)
        batches += [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
    train(model, tokenizer, texts, labels, batches, learning_rate, len(batches) // 10)

    model.eval()
    with torch.no_grad():
        answers = logits_of(model, tokenizer, texts[:test]).argmax(-1).tolist()
    right = sum(answer == label for answer, label in zip(answers, labels, strict=False))
    print(f"right in {right} of {test} test rows: accuracy {right / test:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
