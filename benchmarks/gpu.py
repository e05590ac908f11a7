"""Tunewell against a Trainer and PEFT script on a GPU: python benchmarks/gpu.py (eight minutes).

A decoder of about half a billion parameters (LoRA and full) and an encoder of MiniLM's size
(full), both in random weights, with a tokenizer of made-up words: nothing is fetched. Sides take
turns in fresh processes. `--toy` tries everything at a size that a CPU does in a minute.
Prints a table, and writes gpu.json into the folder that OUT names, else into runs/gpu.
"""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WORDS = [a + b + c for a in "bdfgklmnprstvz" for b in "aeiou" for c in ("la", "ri", "no", "ket")]
RATES = {"full": 2e-5, "lora": 2e-4}


@dataclass(frozen=True)
class Size:
    """How large models and rows are."""

    decoder: dict[str, int]
    encoder: dict[str, int]
    rows: int
    tokens: int
    """A row at most; the rows' lengths are spread as those of film reviews."""
    epochs: int
    rounds: int
    timeout_seconds: float


WHOLE = Size(
    decoder={"hidden_size": 896, "num_hidden_layers": 24, "intermediate_size": 4864}
    | {"num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151_936},
    encoder={"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}
    | {"num_attention_heads": 12, "vocab_size": 30_522},
    rows=2048,
    tokens=512,
    epochs=2,
    rounds=2,
    timeout_seconds=150,
)
TOY = Size(
    decoder={"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64}
    | {"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 400},
    encoder={"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64}
    | {"num_attention_heads": 4, "vocab_size": 400},
    rows=48,
    tokens=32,
    epochs=1,
    rounds=1,
    timeout_seconds=600,
)


def main() -> None:
    size = TOY if "--toy" in sys.argv else WHOLE
    out = Path(os.environ.get("OUT") or "runs/gpu")
    # Models and rows are too large to keep beside the results.
    work = out / "work" if size is TOY else Path(tempfile.mkdtemp(prefix="tunewell-"))
    shutil.rmtree(work, ignore_errors=True)
    tokens = make_rows(work / "rows", size)
    parameters = {kind: make_model(work / kind, kind, size) for kind in ("decoder", "encoder")}
    peak = measured_peak()
    print(
        f"bf16 peak {peak / 1e12:.1f} TFLOP/s, {tokens} tokens an epoch, {parameters}", flush=True
    )
    told: list[dict[str, Any]] = []
    for round_number in range(size.rounds + (size is WHOLE)):
        for kind, method in (("decoder", "lora"), ("decoder", "full"), ("encoder", "full")):
            for side in ("script", "tunewell"):
                one = run(side, kind, method, work, size, round_number)
                one |= {"round": round_number, "side": side, "model": kind, "method": method}
                if one["seconds"]:
                    one["tokens_per_second"] = size.epochs * tokens / one["seconds"]
                    steps = 6 if method == "full" else 4
                    useful = steps * parameters[kind] * one["tokens_per_second"]
                    one["share_of_peak"] = useful / peak
                told.append(one)
                print(json.dumps(one), flush=True)
                out.mkdir(parents=True, exist_ok=True)
                facts = {"peak": peak, "tokens": tokens, "parameters": parameters}
                (out / "gpu.json").write_text(json.dumps({**facts, "runs": told}, indent=1))


def make_rows(folder: Path, size: Size) -> int:
    """Rows of two labels with a word each that gives them away; tokens of the training rows."""
    folder.mkdir(parents=True, exist_ok=True)
    chance, counted = random.Random(0), 0
    for part, rows in (("train", size.rows), ("validation", 64), ("test", 256)):
        with (folder / f"{part}.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(["text", "label"])
            for number in range(min(rows, size.rows)):
                length = min(
                    size.tokens, max(8, int(chance.lognormvariate(0, 0.6) * size.tokens / 2))
                )
                label = ("praise", "blame")[number % 2]
                words = [*chance.choices(WORDS, k=length - 1), f"{label}d"]
                chance.shuffle(words)
                table.writerow([" ".join(words), label])
                counted += length if part == "train" else 0
    return counted


def make_model(folder: Path, kind: str, size: Size) -> int:
    """A model in random weights with a tokenizer of words; parameters outside of embeddings."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import AutoModel, BertConfig, LlamaConfig, PreTrainedTokenizerFast

    torch.manual_seed(0)
    shape = getattr(size, kind)
    config: Any = LlamaConfig(**shape) if kind == "decoder" else BertConfig(**shape)
    config.pad_token_id = 0
    model = AutoModel.from_config(config)
    model.save_pretrained(folder)
    known = ["[PAD]", "[UNK]", *WORDS, "praised", "blamed"]
    tokenizer = Tokenizer(models.WordLevel({w: n for n, w in enumerate(known)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        model_max_length=config.max_position_embeddings,
    ).save_pretrained(folder)
    inside = [p for name, p in model.named_parameters() if "embed" not in name]
    return sum(p.numel() for p in inside)


def measured_peak() -> float:
    """Operations a second of bf16 matrix products: ten after three, 8192 wide on a GPU."""
    import torch

    gpu = torch.cuda.is_available()
    wide = 8192 if gpu else 1024
    one, other = (
        torch.randn(wide, wide, dtype=torch.bfloat16, device="cuda" if gpu else "cpu")
        for _ in range(2)
    )
    for number in range(13):
        if number == 3:
            if gpu:
                torch.cuda.synchronize()
            begun = time.perf_counter()
        one @ other
    if gpu:
        torch.cuda.synchronize()
    return 10 * 2 * wide**3 / (time.perf_counter() - begun)


def run(side: str, kind: str, method: str, work: Path, size: Size, number: int) -> dict[str, Any]:
    """One side in a fresh process: accuracy, seconds from loading to trained, peak bytes."""
    rows, model = work / "rows", work / kind
    if side == "script":
        words = [str(HERE / "rivals/trainer_gpu.py"), method, str(rows), "--model", str(model)]
        words += ["--epochs", str(size.epochs), "--learning-rate", str(RATES[method])]
    else:
        words = ["-m", "tunewell", "fit", str(rows / "train.csv"), "--method", method]
        for part in ("validation", "test"):
            words += [f"--{part}", str(rows / f"{part}.csv")]
        words += [f"--{method}.epochs", str(size.epochs), "--backbone", str(model)]
        words += [f"--{method}.learning_rate", str(RATES[method]), "--budget", "1h", "--json"]
        words += ["--out", str(work / f"run-{kind}-{method}-{number}")]
    words += ["--max-length", str(size.tokens)]
    paths = [str(HERE.parent / "src"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(paths)}
    try:
        done = subprocess.run(
            [sys.executable, *words],
            capture_output=True,
            text=True,
            env=environment,
            timeout=size.timeout_seconds,
        )
    except subprocess.TimeoutExpired:
        return {"seconds": None, "failure": f"more than {size.timeout_seconds} s"}
    if done.returncode:
        return {"seconds": None, "failure": done.stderr[-600:]}
    if side == "script":
        return json.loads(done.stdout.strip().splitlines()[-1])
    result = json.loads(done.stdout)["results"][0]
    score = result["scores"]["accuracy"]["value"]
    return {
        "accuracy": score,
        "seconds": result["cost_seconds"],
        "peak_bytes": result["peak_bytes"],
    }


if __name__ == "__main__":
    main()
