"""A small decoder from scratch, in English: python recipes/tiny_decoder/make.py MINUTES FOLDER.

TUNEWELL_DATA names the folder of the data. See README.md beside this file.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ngram import fit as fit_ngram
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

import tunewell
from tunewell.fit.folders import find
from tunewell.fit.pretraining.blocks import tokenized
from tunewell.measure.intervals import intervals
from tunewell.measure.metrics.surprise import BitsPerByte
from tunewell.read.corpus import Corpus, survey
from tunewell.terminal.progress import watching

SIZE = "8m"
SEED = 0
ROWS, ROW_CHARACTERS = 2000, 600
"""Instruction rows, and characters that one may have: more are for larger models."""
OWN = Path(__file__).resolve().parents[2] / "examples"
INSTRUCTIONS = (
    "What is the capital of France?",
    "Summarise in one sentence: The library is closed on Monday because the roof is mended.",
    "Is this review positive or negative? The food was cold and the waiter was rude.",
    "Name three animals that live in water.",
    "Write a sentence about the sea.",
)
NEW_TOKENS = 48


def main() -> None:
    """Pre-train, measure against a 5-gram, teach instructions, and write the folder."""
    disable_progress_bar()
    minutes, out = float(sys.argv[1]), Path(sys.argv[2])
    data = Path(os.environ["TUNEWELL_DATA"])
    texts = [str(data / "text" / f"{name}_train.jsonl.xz") for name in ("wikipedia", "books")]
    held_out = [str(data / "text" / f"{name}_valid.jsonl.xz") for name in ("wikipedia", "books")]
    begun = time.monotonic()
    with watching(bar=False) as watch:
        base = tunewell.pretrain(
            *texts,
            objective="causal",
            size=SIZE,
            minutes=minutes,
            validation=held_out,
            seed=SEED,
            out=str(out / "base"),
            watch=watch,
        )
        corpus = survey(texts, held_out, SEED)
        five_gram = measured(corpus, base.record, out / "base")
        print(f"5-gram: {five_gram}; model: {base.record['bits_per_byte']}", flush=True)
        rows = instructions(data, out / "instructions.jsonl")
        run = tunewell.fit(
            rows,
            method="full",
            task="instruct",
            backbone=[str(out / "base")],
            max_length=256,
            test_rows=40,
            seed=SEED,
            full={"epochs": 1, "learning_rate": 1e-3},
            out=str(out / "instructed"),
            watch=watch,
        )
    folder = out / "tiny-decoder"
    model = AutoModelForCausalLM.from_pretrained(
        find(str(run.folder)), dtype=torch.bfloat16, trust_remote_code=False
    )
    tokenizer = AutoTokenizer.from_pretrained(find(str(run.folder)), trust_remote_code=False)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    samples = [*continued(out / "base", corpus), *answered(folder)]
    (folder / "README.md").write_text(card(base.record, five_gram, run.data, samples))
    print(f"{folder}, {(time.monotonic() - begun) / 60:.0f} minutes in all", flush=True)


def measured(corpus: Corpus, record: dict[str, Any], base: Path) -> dict[str, float]:
    """Bits per byte of a 5-gram that has read as much, on the same texts."""
    tokenizer = AutoTokenizer.from_pretrained(base, trust_remote_code=False)
    share = record["share"] * min(1.0, record["tokens_read"] / record["tokens"])
    read = tokenized(corpus.texts(share), tokenizer, framed=False)
    model = fit_ngram(read, len(tokenizer), tokenizer.eos_token_id)
    documents = list(tokenized(corpus.held_out, tokenizer, framed=False))
    nats = -model.log_probabilities(documents)
    ends = np.cumsum([len(ids) for ids in documents])
    rows = np.array(
        [
            [part.sum(), len(text.encode())]
            for part, text in zip(np.split(nats, ends[:-1]), corpus.held_out, strict=True)
        ]
    )
    found = intervals(BitsPerByte(), {"ngram": rows[None]})["ngram"]
    return {"value": found.value, "low": found.low, "high": found.high}


def instructions(data: Path, path: Path) -> Path:
    """Short rows of t0_multitask, drawn by chance, and some written for this project."""
    rows = []
    with gzip.open(data / "t0_multitask" / "t0_train.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            answer = row["completion"].removesuffix("<|endoftext|>").strip()
            if answer and len(row["prompt"]) + len(answer) <= ROW_CHARACTERS:
                rows.append({"instruction": row["prompt"].strip(), "output": answer})
    rows = random.Random(SEED).sample(rows, min(ROWS, len(rows)))
    for line in (OWN / "notices.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        asked = f"Summarise in one sentence: {row['document']}"
        rows.append({"instruction": asked, "output": row["summary"]})
    for line in (OWN / "quiz.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        asked = f"{row['question']} Choose one: {', '.join(row['choices'])}."
        rows.append({"instruction": asked, "output": row["answer"]})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def continued(folder: Path, corpus: Corpus) -> list[tuple[str, str]]:
    """How the first five texts that were kept apart go on, from their first ten words."""
    starts = [" ".join(text.split()[:10]) for text in corpus.held_out[:5]]
    return [(start, _written(folder, start, seed)) for seed, start in enumerate(starts)]


def answered(folder: Path) -> list[tuple[str, str]]:
    """What is said to five instructions."""
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    found = []
    for seed, asked in enumerate(INSTRUCTIONS):
        messages = [{"role": "user", "content": asked}]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        found.append((asked, _written(folder, text, seed, special=False)))
    return found


def _written(folder: Path, start: str, seed: int, special: bool = True) -> str:
    """What a model writes behind a text, drawn by chance."""
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=False).float().eval()
    batch = tokenizer(start, return_tensors="pt", add_special_tokens=special)
    torch.manual_seed(seed)
    drawn = {"do_sample": True, "temperature": 0.8, "top_p": 0.9, "max_new_tokens": NEW_TOKENS}
    with torch.no_grad():
        written = model.generate(**batch, **drawn)[0, batch["input_ids"].shape[1] :]
    return tokenizer.decode(written, skip_special_tokens=True).strip()


def card(
    record: dict[str, Any], five_gram: dict[str, float], run: dict[str, Any], samples: Any
) -> str:
    """What the model is, was made of, knows, writes and can't do."""
    (result,) = run["results"]
    scores = "\n".join(
        f"| {name} | {_figure(each)} |" for name, each in result.get("scores", {}).items()
    )
    shown = "\n\n".join(
        f"> {_line(start)}\n>\n> **{_line(text) or '(nothing)'}**" for start, text in samples
    )
    times = record["tokens_read"] / record["parameters"]
    return f"""\
# tiny-decoder

A decoder of {record["parameters"]:,} parameters (a Llama shape: {record["shape"]["layers"]} layers
of width {record["shape"]["hidden"]}, {record["shape"]["vocabulary"]:,} tokens), trained from random
weights by `recipes/tiny_decoder/make.py` and then taught instructions. It is there so that every
command that writes has something to run on without a download.

## What it was made of

- English Wikipedia and public-domain books: {record["tokens_read"]:,} tokens, {times:.2f} a
  parameter, in {record["seconds"] / 60:.0f} minutes on {record["threads"]} threads
  ({record["machine"]["processor"]}), {record["tokens_per_second"]:,.0f} tokens a second,
  {100 * record["peak_share"]:.0f} % of the measured peak of matrix products. Wikipedia's text is
  under CC BY-SA; the books are in the public domain.
- {run["rows"]["train"]:,} rows: short prompts of t0_multitask, and some written for this project.

## What it knows

Bits per byte on {record["held_out"]} documents that it has not read (the first 8,192 characters of
each), before it was taught instructions:

| | bits per byte |
|:---|---:|
| this model | {_figure(record["bits_per_byte"])} |
| a 5-gram (interpolated Kneser-Ney) over the same tokens, which has read as much | \
{_figure(five_gram)} |

On {run["rows"]["test"]} rows like those that it was taught, none of which it has seen:

| | |
|:---|---:|
{scores}

## What it can't do

It has read far less than it takes to write a language well: about twenty tokens a parameter would
be usual. Its sentences are seldom whole, what they say is not to be believed, and it follows few
instructions. It knows English alone. Don't use it where anybody relies on what it says.

## Ten samples, not picked

Five beginnings of texts that were kept apart, continued by the model before instructions, and five
instructions; drawn once, with the seeds 0 to 4, temperature 0.8 and top_p 0.9.

{shown}
"""


def _figure(interval: dict[str, float]) -> str:
    return f"{interval['value']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"


def _line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    main()
