"""The card beside a saved model: what it is, and the few lines that run it without us."""

from __future__ import annotations

from tunewell.fit.backbones import reading_class, whereabouts
from tunewell.fit.pieces import OVERLAP
from tunewell.fit.records import Record

POOLED = {
    "mean": 'mask = batch["attention_mask"].unsqueeze(-1)\n'
    "    vector = (hidden * mask).sum(1) / mask.sum(1)",
    "cls": "vector = hidden[:, 0]",
    "last": 'vector = hidden[torch.arange(len(hidden)), batch["attention_mask"].sum(1) - 1]',
    "tokens": "vector = hidden",
}
TEXT = '["a text"]'
GIVEN = {
    "span": '["a question"], ["a passage"]',
    "choice": '["a question"] * len(labels), labels',
}
"""What is read, by the kind of answer."""
SAID = {
    "label": "print([labels[number] for number in {0}.argmax(-1)])",
    "labels": "print([[labels[n] for n, share in enumerate(row) if share >= limits[n]]\n"
    "       for row in {0}.sigmoid()])",
    "number": "print(({0}[:, 0].double() * deviation + mean).tolist())",
    "spans": "# A word has the tag of its first token.\n"
    "print([[labels[number] for number in row] for row in {0}.argmax(-1)])",
    "span": "start, end = {0}[0].argmax(0)\n"
    'print([tokenizer.decode(batch["input_ids"][0, start : end + 1])])',
    "choice": "print([labels[{0}[:, 0].argmax()]])",
    "vector": "print(torch.nn.functional.normalize({0}, dim=-1).tolist())",
}
"""What the output says, by the kind of answer."""
BOTTLENECKS = """\
added = load_file(f"{folder}/bottlenecks.safetensors")

def behind(name):
    down, up = [(added[f"{name}.{k}.weight"], added[f"{name}.{k}.bias"]) for k in ("down", "up")]
    f = torch.nn.functional
    return lambda module, args, out: out + f.linear(f.gelu(f.linear(out, *down)), *up)

for name in json.loads(Path(f"{folder}/bottlenecks.json").read_text())["behind"]:
    backbone.get_submodule(name).register_forward_hook(behind(name))
"""
VIRTUAL = """\
backbone = PeftModel.from_pretrained(backbone, folder)

def text_alone(module, args, kwargs, output):
    ids = kwargs["input_ids"] if "input_ids" in kwargs else args[0]
    output.last_hidden_state = output.last_hidden_state[:, -ids.shape[1] :]
    if output.get("pooler_output") is not None:
        output.pooler_output = module.get_base_model().pooler(output.last_hidden_state)
    return output

backbone.register_forward_hook(text_alone, with_kwargs=True)
"""
PUT_ON = {
    "adapter": "backbone = PeftModel.from_pretrained(backbone, folder)\n",
    "virtual": VIRTUAL,
    "bottlenecks": BOTTLENECKS,
}
"""What is put on the backbone, by the kind of body that was saved."""
IMPORTS = {
    "adapter": "from peft import PeftModel\n",
    "virtual": "from peft import PeftModel\n",
    "bottlenecks": "import json\nfrom pathlib import Path\n",
}


def pooled_card(
    record: Record, body: str, pooling: str, layers: tuple[str, ...], by_tokens: bool = False
) -> str:
    """A card for a backbone, pooled, with output layers of ours.

    Args:
        body: `own` weights in the folder, what is in `PUT_ON`, or the untouched `backbone`.
        pooling: `mean`, `cls`, `last` or `tokens`.
        layers: names of the linear layers in `head.safetensors`, "" for a single one; a GELU
            stands between two.
        by_tokens: whether windows of a long text count by their tokens, not all the same.
    """
    auto = reading_class(record.backbone)
    where = "folder" if body == "own" else repr(whereabouts(record.backbone))
    steps = []
    for number, name in enumerate(layers):
        lead = f"{name}." if name else ""
        if number:
            steps.append("vector = torch.nn.functional.gelu(vector)")
        steps.append(f'vector = vector @ head["{lead}weight"].T + head["{lead}bias"]')
    if record.task.head == "vector":
        steps = ["before = vector", *steps, "vector = before + vector"]
    # Likeness is read off two vectors, so they are what is shown.
    kind = "vector" if record.task.head == "vector" else record.task.answers
    inside = "\n    ".join(
        ["hidden = backbone(**batch).last_hidden_state", POOLED[pooling], *steps]
    )
    code = f"""\
import torch
from safetensors.torch import load_file
from transformers import {auto}, AutoTokenizer
{IMPORTS.get(body, "")}
folder = "."
{_known(record)}tokenizer = AutoTokenizer.from_pretrained(folder)
backbone = {auto}.from_pretrained({where}).{as_fitted(body)}eval()
{PUT_ON.get(body, "")}head = load_file(f"{{folder}}/head.safetensors")
{_batch(record)}with torch.no_grad():
    {inside}
{_mean(record, "vector", by_tokens)}{SAID[kind].format("vector")}
"""
    return framed(record, code)


def stock_card(record: Record, body: str) -> str:
    """A card for a model with its architecture's own classification head.

    Args:
        body: `own` weights in the folder, or what is in `PUT_ON`.
    """
    package, auto = "transformers", "AutoModelForSequenceClassification"
    where, padding, apart = "folder", "", ""
    if body == "adapter":
        package, auto = "peft", "AutoPeftModelForSequenceClassification"
    if body != "own":
        where = "folder" if body == "adapter" else repr(whereabouts(record.backbone))
        where += f", num_labels={len(_labels(record)) or 1}"
        padding = "model.config.pad_token_id = tokenizer.pad_token_id\n"
    if body in ("virtual", "bottlenecks"):
        apart = f"""\
backbone = model.base_model
{PUT_ON[body]}setattr(model, model.base_model_prefix, backbone)
model.load_state_dict(load_file(f"{{folder}}/head.safetensors"), strict=False)
"""
    imports = IMPORTS[body] + "from safetensors.torch import load_file\n" if apart else ""
    code = f"""\
import torch
from {package} import {auto}
from transformers import AutoTokenizer
{imports}
folder = "."
{_known(record)}tokenizer = AutoTokenizer.from_pretrained(folder)
model = {auto}.from_pretrained({where}).{as_fitted(body)}eval()
{padding}{apart}{_batch(record)}with torch.no_grad():
    logits = model(**batch).logits
{_mean(record, "logits")}{SAID[record.task.answers].format("logits")}
"""
    return framed(record, code)


def as_fitted(body: str) -> str:
    """A call that widens a backbone which may be stored in 16 bits; what is added to it is not."""
    return "" if body == "own" else "float()."


def _batch(record: Record) -> str:
    """Lines that read a text, cut or in windows as the model was fitted."""
    most = record.backbone.max_length
    given = f'{GIVEN.get(record.task.answers, TEXT)}, padding=True, return_tensors="pt"'
    if not _windows(record):
        return f"""\
cut = {{"truncation": True, "max_length": {most}}}
batch = tokenizer({given}, **cut)
"""
    return f"""\
overlap = ({most} - tokenizer.num_special_tokens_to_add()) // {OVERLAP}
cut = {{"truncation": True, "max_length": {most}, "stride": overlap}}
batch = tokenizer({given}, return_overflowing_tokens=True, **cut)
rows = batch.pop("overflow_to_sample_mapping")
"""


def _mean(record: Record, name: str, by_tokens: bool = False) -> str:
    """Lines that put the windows of each text together, where there are any."""
    if not _windows(record):
        return ""
    counts = 'batch["attention_mask"].sum(1).float()' if by_tokens else "torch.ones(len(rows))"
    return f"""\
counts, each = {counts}, [rows == row for row in rows.unique()]
{name} = torch.stack([counts[of] @ {name}[of] / counts[of].sum() for of in each])
"""


def _windows(record: Record) -> bool:
    return record.task.head == "sequence" and getattr(record.task, "windows", False)


def _labels(record: Record) -> list[str]:
    return list(getattr(record.task, "labels", ()))


def _known(record: Record) -> str:
    """Lines that say what the output layers stand for."""
    task, labels = record.task, _labels(record)
    if task.answers == "number" and task.head != "vector":
        return (
            f"mean, deviation = {getattr(task, 'mean', 0.0)}, {getattr(task, 'deviation', 1.0)}\n"
        )
    if task.answers == "choice":
        return 'labels = ["one choice", "another"]\n'
    if task.answers == "spans":
        labels = ["O", *(f"{mark}-{label}" for label in labels for mark in "BI")]
    known = f"labels = {labels!r}\n" if labels else ""
    if task.answers == "labels":
        known += (
            "import json\nfrom pathlib import Path\n"
            'task = json.loads(Path(f"{folder}/model.json").read_text())["task"]\n'
            'limits = [task.get("thresholds", {}).get(label, 0.5) for label in labels]\n'
        )
    return known


def _bits(record: Record) -> str:
    """What to know of updates that were learnt beside a backbone in few bits."""
    bits = record.backbone.bits
    if bits is None:
        return ""
    return f"""\
The updates were learnt beside a backbone whose matrices are kept in {bits} bits, and Tunewell
keeps them so again. Beside whole matrices, as in these lines, answers differ a little.

"""


def framed(record: Record, code: str) -> str:
    """A card with such code in it."""
    return f"""\
# {record.method} on {record.backbone.name}

Fitted by Tunewell for the task `{record.task.name}`. With Tunewell:
`tunewell predict FOLDER "a text"`. Without it, from inside this folder:

```python
{code.rstrip()}
```

{_bits(record)}The backbone's files had the SHA-256 fingerprint `{record.backbone.fingerprint}`.
"""
