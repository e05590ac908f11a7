"""The card beside a saved model: what it is, and the few lines that run it without us."""

from __future__ import annotations

from tunewell.fit.records import Record

POOLED = {
    "mean": 'mask = batch["attention_mask"].unsqueeze(-1)\n'
    "    vector = (hidden * mask).sum(1) / mask.sum(1)",
    "cls": "vector = hidden[:, 0]",
    "last": 'vector = hidden[torch.arange(len(hidden)), batch["attention_mask"].sum(1) - 1]',
}


def pooled_card(record: Record, body: str, pooling: str, layers: tuple[str, ...]) -> str:
    """A card for a backbone, pooled, with output layers of ours.

    Args:
        body: `own` weights in the folder, an `adapter` in it, or the untouched `backbone`.
        pooling: `mean`, `cls` or `last`.
        layers: names of the linear layers in `head.safetensors`, "" for a single one; a GELU
            stands between two.
    """
    where = "folder" if body == "own" else repr(record.backbone.name)
    adapter = (
        "backbone = PeftModel.from_pretrained(backbone, folder)\n" if body == "adapter" else ""
    )
    steps = []
    for number, name in enumerate(layers):
        lead = f"{name}." if name else ""
        if number:
            steps.append("vector = torch.nn.functional.gelu(vector)")
        steps.append(f'vector = vector @ head["{lead}weight"].T + head["{lead}bias"]')
    inside = "\n    ".join(
        ["hidden = backbone(**batch).last_hidden_state", POOLED[pooling], *steps]
    )
    code = f"""\
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer
{"from peft import PeftModel" if adapter else ""}
folder = "."
labels = {_labels(record)!r}
tokenizer = AutoTokenizer.from_pretrained(folder)
backbone = AutoModel.from_pretrained({where}).eval()
{adapter}head = load_file(f"{{folder}}/head.safetensors")
cut = {{"truncation": True, "max_length": {record.backbone.max_length}}}
batch = tokenizer(["a text"], padding=True, return_tensors="pt", **cut)
with torch.no_grad():
    {inside}
print([labels[number] for number in vector.argmax(-1)])
"""
    return _card(record, code)


def stock_card(record: Record, body: str) -> str:
    """A card for a model with its architecture's own classification head."""
    adapter = body == "adapter"
    package, auto = (
        ("peft", "AutoPeftModelForSequenceClassification")
        if adapter
        else ("transformers", "AutoModelForSequenceClassification")
    )
    count = f", num_labels={len(_labels(record))}" if adapter else ""
    padding = "model.config.pad_token_id = tokenizer.pad_token_id\n" if adapter else ""
    code = f"""\
import torch
from {package} import {auto}
from transformers import AutoTokenizer

folder = "."
labels = {_labels(record)!r}
tokenizer = AutoTokenizer.from_pretrained(folder)
model = {auto}.from_pretrained(folder{count}).eval()
{padding}cut = {{"truncation": True, "max_length": {record.backbone.max_length}}}
batch = tokenizer(["a text"], padding=True, return_tensors="pt", **cut)
with torch.no_grad():
    logits = model(**batch).logits
print([labels[number] for number in logits.argmax(-1)])
"""
    return _card(record, code)


def _labels(record: Record) -> list[str]:
    return list(record.task.labels)  # type: ignore[attr-defined]


def _card(record: Record, code: str) -> str:
    return f"""\
# {record.method} on {record.backbone.name}

Fitted by Tunewell for the task `{record.task.name}`. With Tunewell:
`tunewell predict FOLDER "a text"`. Without it, from inside this folder:

```python
{code.rstrip()}
```

The backbone's files had the SHA-256 fingerprint `{record.backbone.fingerprint}`.
"""
