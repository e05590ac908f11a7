"""The card beside a model with a layer over words: one that writes, or one that fills in."""

from __future__ import annotations

from collections.abc import Sequence

from tunewell.fit.backbones import whereabouts
from tunewell.fit.card import BOTTLENECKS, IMPORTS, PUT_ON, as_fitted, framed
from tunewell.fit.records import Record


def writing_card(record: Record, body: str, two: bool, tokens: int, stops: Sequence[int]) -> str:
    """A card for a model that writes.

    Args:
        body: `own` weights in the folder, `bottlenecks`, or what peft opens: an `adapter`, or
            `soft` tokens.
        two: whether it is an encoder-decoder.
        tokens: most of an answer.
        stops: tokens that end one.
    """
    auto, special = ("Seq2SeqLM", "True") if two else ("CausalLM", "False")
    package, start = "transformers", "" if two else 'batch["input_ids"].shape[1]'
    where, apart = "folder", ""
    if body in ("adapter", "soft"):
        package, auto = "peft", f"AutoPeftModelFor{auto}"
    else:
        auto = f"AutoModelFor{auto}"
    if body == "bottlenecks":
        where, apart = repr(whereabouts(record.backbone)), f"backbone = model\n{BOTTLENECKS}"
    imports = IMPORTS[body] + "from safetensors.torch import load_file\n" if apart else ""
    code = f"""\
import torch
from {package} import {auto}
from transformers import AutoTokenizer
{imports}
folder = "."
tokenizer = AutoTokenizer.from_pretrained(folder)
model = {auto}.from_pretrained({where}).{as_fitted(body)}eval()
{apart}messages = [{{"role": "user", "content": "a text"}}]
text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
batch = tokenizer(text, return_tensors="pt", add_special_tokens={special})
greedy = {{"do_sample": False, "max_new_tokens": {tokens}, "eos_token_id": {list(stops)}}}
with torch.no_grad():
    written = model.generate(**batch, **greedy)[0]
print(tokenizer.decode(written[{start}:], skip_special_tokens=True).strip())
"""
    return framed(record, code)


def filling_card(record: Record, body: str) -> str:
    """A card for a model that fills in words; `body` as for one that writes."""
    where, put_on = "folder", ""
    if body != "own":
        where, put_on = repr(whereabouts(record.backbone)), f"backbone = model\n{PUT_ON[body]}"
        put_on += "model = backbone\n" if body == "adapter" else ""
    imports = IMPORTS.get(body, "")
    imports += "from safetensors.torch import load_file\n" if body == "bottlenecks" else ""
    code = f"""\
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer
{imports}
folder = "."
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForMaskedLM.from_pretrained({where}).{as_fitted(body)}eval()
{put_on}batch = tokenizer(f"a text with a {{tokenizer.mask_token}}", return_tensors="pt")
with torch.no_grad():
    logits = model(**batch).logits
blanks = batch["input_ids"] == tokenizer.mask_token_id
print([tokenizer.decode([number]) for number in logits[blanks].argmax(-1)])
"""
    return framed(record, code)
