"""What came of a pre-training, in sentences and as the card of the model: README.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunewell.tell import units

USE = {
    "causal": """\
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = "."
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder).eval()
batch = tokenizer("The town lies on", return_tensors="pt")
with torch.no_grad():
    written = model.generate(**batch, max_new_tokens=40, do_sample=True, top_p=0.9)[0]
print(tokenizer.decode(written, skip_special_tokens=True))
""",
    "masked": """\
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

folder = "."
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForMaskedLM.from_pretrained(folder).eval()
batch = tokenizer(f"The town lies on the {tokenizer.mask_token}.", return_tensors="pt")
with torch.no_grad():
    logits = model(**batch).logits[0, batch["input_ids"][0] == tokenizer.mask_token_id]
print(tokenizer.decode(logits.argmax(-1)))
""",
}


def plan_sentences(record: dict[str, Any]) -> list[str]:
    """What the dial has set: the shape, the tokens, the batch and the learning rate."""
    shape, course = record["shape"], record["course"]
    count = units.count(record["parameters"])
    if record["backbone"]:
        lines = [f"{record['backbone']} reads on: {count} parameters, all of them move."]
    else:
        lines = [
            f"A new {record['objective']} model of {count} parameters: {shape['layers']} layers of "
            f"width {shape['hidden']}, {shape['vocabulary']:,} entries in its vocabulary."
        ]
    tokens = units.count(record["planned_tokens"])
    each = record["planned_tokens"] / record["parameters"]
    a_parameter = f"{each:,.0f}" if each >= 10 else f"{each:.2g}"
    span = f", for {units.seconds(course['seconds'])}" if course["seconds"] else ""
    return [
        *lines,
        f"About {tokens} tokens ({a_parameter} a parameter){span}: steps of "
        f"{course['blocks'] * course['window']:,} tokens in blocks of {course['window']:,}, "
        f"highest learning rate {units.option(course['learning_rate'])}.",
    ]


def result_sentences(record: dict[str, Any]) -> list[str]:
    """How well the model knows what it has not read, how fast it learnt, and from how much."""
    of = "a byte" if record["objective"] == "causal" else "a hidden byte"
    held_out = f"{record['held_out']} documents that it has not read"
    lines = [f"{_bits(record['bits_per_byte'])} bits {of} on {held_out}."]
    if record["before"]:
        change = record["change"]
        lines = [
            f"{lines[0][:-1]}, after {record['before']['value']:.3f} before: a change of "
            f"{change['value']:+.3f} [{change['low']:+.3f}, {change['high']:+.3f}]."
        ]
    times = record["tokens_read"] / max(1, record["tokens"])
    again = f", each {times:.1f} times" if times > 1.05 else ""
    return [
        *lines,
        f"{units.count(record['tokens_read'])} tokens read in {units.seconds(record['seconds'])}, "
        f"of {units.count(record['tokens'])} drawn from {record['documents']:,} documents"
        f"{again}.",
        f"{record['tokens_per_second']:,.0f} tokens a second, {units.percent(record['peak_share'])}"
        f" of what the machine was measured to reach in matrix products ({record['dtype']}).",
    ]


def _bits(interval: dict[str, float]) -> str:
    return f"{interval['value']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"


def card(record: dict[str, Any]) -> str:
    """The card of a model, from its record."""
    causal = record["objective"] == "causal"
    kind = "writes on from a text" if causal else "fills in hidden words"
    says, begun = "writes" if causal else "fills in", record["backbone"]
    title = f"{begun}, read on" if begun else f"A model of {record['parameters']:,} parameters"
    besides = ", beside what it knew before" if begun else ", and knows nothing else"
    files = "\n".join(f"- `{Path(name).name}`" for name in record["files"])
    sentences = [*plan_sentences(record), *result_sentences(record)]
    facts = "\n".join(f"- {sentence}" for sentence in sentences)
    return f"""\
# {title}

It {kind}. `tunewell pretrain` made it of these texts{besides}:

{files}

{facts}

It was not taught to follow instructions, nor to avoid what should not be said. What it {says} is
likely text, not truth.

With Tunewell it is a backbone: `tunewell compare DATA --backbone FOLDER`. Without, from inside of
this folder:

```python
{USE[record["objective"]].rstrip()}
```
"""
