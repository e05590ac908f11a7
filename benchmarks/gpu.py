"""Tunewell against a Trainer and PEFT script on a GPU: python benchmarks/gpu.py (nine minutes).

A decoder of about half a billion parameters in the shape of Qwen2 (LoRA and full) and an encoder
of MiniLM's size (full), both in random weights, with a tokenizer of made-up words: nothing is
fetched. First each model's rows are run end to end and alone, to see that they say the same. Then
sides take turns in fresh processes; the first round is left out. No run begins that the minutes
have no room for. `--device cpu --tiny` tries everything in a minute of a CPU. Where Tunewell is
not installed, `bash benchmarks/gpu_wheels.sh FOLDER` fetches what it needs beside torch,
transformers and peft, and PYTHONPATH=src finds it.
Prints a table, and writes gpu.json into the folder that OUT names, else into runs/gpu.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WORDS = [a + b + c for a in "bdfgklmnprstvz" for b in "aeiou" for c in ("la", "ri", "no", "ket")]
RATES = {"full": 2e-5, "lora": 2e-4}
PAIRS = (("decoder", "lora"), ("decoder", "full"), ("encoder", "full"))
GOALS = {("decoder", "lora"): 1.8, ("encoder", "full"): 3.0}
LONGEST = 150.0
"""Seconds that a run may take."""


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
    """That count; one more goes before them where there are several."""
    wide: int
    """Of the matrices whose product tells the peak."""


WHOLE = Size(
    decoder={"hidden_size": 896, "num_hidden_layers": 24, "intermediate_size": 4864}
    | {"num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151_936},
    encoder={"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}
    | {"num_attention_heads": 12, "vocab_size": 30_522},
    rows=2048,
    tokens=512,
    epochs=2,
    rounds=2,
    wide=8192,
)
TINY = Size(
    decoder={"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64}
    | {"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 400},
    encoder={"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64}
    | {"num_attention_heads": 4, "vocab_size": 400},
    rows=48,
    tokens=32,
    epochs=1,
    rounds=1,
    wide=1024,
)


@dataclass(frozen=True)
class Bench:
    """What all runs share."""

    size: Size
    device: str
    work: Path
    tokens: int
    """Of the training rows."""
    peak: float
    """Operations a second."""
    parameters: dict[str, int]
    """Of each model, outside of its embeddings."""


def main() -> None:
    import torch

    ask = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    ask.add_argument("--tiny", action="store_true", help="a size that a CPU does in a minute")
    ask.add_argument("--device", choices=["cpu", "cuda"], help="a GPU where there is one")
    ask.add_argument("--minutes", type=float, default=9.5, help="that all of it may take")
    asked = ask.parse_args()
    begun = time.monotonic()
    size = TINY if asked.tiny else WHOLE
    out = Path(os.environ.get("OUT") or "runs/gpu")
    out.mkdir(parents=True, exist_ok=True)
    # Models and rows are too large to keep beside the results.
    work = Path(tempfile.mkdtemp(prefix="tunewell-"))
    device = asked.device or ("cuda" if torch.cuda.is_available() else "cpu")
    bench = Bench(
        size, device, work, make_rows(work / "rows", size), measured_peak(device, size), {}
    )
    bench = replace(bench, parameters={kind: make_model(bench, kind) for kind in dict(PAIRS)})
    facts = {**asdict(bench), "work": None, "machine": machine(device), "exact": {}, "runs": []}
    print(f"{facts['machine']}, bf16 peak {bench.peak / 1e12:.1f} TFLOP/s", flush=True)
    print(f"{bench.tokens} tokens an epoch, parameters {bench.parameters}", flush=True)
    for kind in bench.parameters:
        facts["exact"][kind] = exactness(bench, kind)
        print(kind, facts["exact"][kind], flush=True)
    longest = 0.0
    for number in range(size.rounds + (size.rounds > 1)):
        for kind, method in PAIRS:
            for side in ("script", "tunewell"):
                left = 60 * asked.minutes - (time.monotonic() - begun)
                if left < longest + 5:
                    continue
                before = time.monotonic()
                one = run(bench, side, kind, method, number, min(left, LONGEST))
                longest = max(longest, time.monotonic() - before)
                facts["runs"].append(one)
                print(json.dumps(one), flush=True)
                (out / "gpu.json").write_text(json.dumps(facts, indent=1))
    shutil.rmtree(work)
    print(table([one for one in facts["runs"] if one["round"] or size.rounds == 1]))


def machine(device: str) -> str:
    """The device, and the versions of what decides its speed."""
    from importlib import metadata, util

    import torch

    name = torch.cuda.get_device_name() if device == "cuda" else "a CPU"
    packages = ("torch", "transformers", "peft", "liger-kernel", "flash-attn")
    there = [p for p in packages if util.find_spec(p.replace("-", "_")) is not None]
    return ", ".join([name, *(f"{package} {metadata.version(package)}" for package in there)])


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


def make_model(bench: Bench, kind: str) -> int:
    """A model in random weights with a tokenizer of words; parameters outside of embeddings."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import AutoModel, BertConfig, LlamaConfig, PreTrainedTokenizerFast

    torch.manual_seed(0)
    shape = getattr(bench.size, kind)
    config: Any = BertConfig(**shape)
    if kind == "decoder":  # Qwen2's own class would bring a tokenizer of its own with it
        config = LlamaConfig(**shape, attention_bias=True)
        config.max_position_embeddings = bench.size.tokens
    config.pad_token_id = 0
    model = AutoModel.from_config(config)
    folder = bench.work / kind
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


def measured_peak(device: str, size: Size) -> float:
    """Operations a second of bf16 matrix products: ten after three."""
    import torch

    one, other = (
        torch.randn(size.wide, size.wide, dtype=torch.bfloat16, device=device) for _ in range(2)
    )
    begun = 0.0
    for number in range(13):
        if number == 3:
            if device == "cuda":
                torch.cuda.synchronize()
            begun = time.perf_counter()
        one @ other
    if device == "cuda":
        torch.cuda.synchronize()
    return 10 * 2 * size.wide**3 / (time.perf_counter() - begun)


def exactness(bench: Bench, kind: str) -> dict[str, Any]:
    """Whether rows end to end say what they say alone, as `gpu_exact.py` tells it."""
    words = [str(HERE / "gpu_exact.py"), str(bench.work / kind), "--device", bench.device]
    return told(words, LONGEST)


def run(
    bench: Bench, side: str, kind: str, method: str, number: int, seconds: float
) -> dict[str, Any]:
    """One side in a fresh process: accuracy, seconds from loading to trained, peak bytes."""
    rows, model, size = bench.work / "rows", str(bench.work / kind), bench.size
    if side == "script":
        words = [str(HERE / "rivals/trainer_gpu.py"), method, str(rows), "--model", model]
        words += ["--epochs", str(size.epochs), "--learning-rate", str(RATES[method])]
    else:
        words = ["-m", "tunewell", "fit", str(rows / "train.csv"), "--method", method]
        for part in ("validation", "test"):
            words += [f"--{part}", str(rows / f"{part}.csv")]
        words += [f"--{method}.epochs", str(size.epochs), "--backbone", model]
        words += [f"--{method}.learning_rate", str(RATES[method]), "--budget", "1h", "--json"]
        words += ["--out", str(bench.work / f"run-{kind}-{method}-{number}")]
    words += ["--max-length", str(size.tokens), "--device", bench.device]
    one = told(words, seconds)
    if side == "tunewell" and "failure" not in one:
        result = one["results"][0]
        one = {
            "accuracy": result["scores"]["accuracy"]["value"],
            "seconds": result["cost_seconds"],
            "peak_bytes": result["peak_bytes"],
        }
    if one.get("seconds"):
        one["tokens_per_second"] = size.epochs * bench.tokens / one["seconds"]
        operations = (6 if method == "full" else 4) * bench.parameters[kind]
        one["share_of_peak"] = operations * one["tokens_per_second"] / bench.peak
    return {"round": number, "side": side, "model": kind, "method": method, **one}


def told(words: list[str], seconds: float) -> dict[str, Any]:
    """What a process of Python prints, as JSON, or why it does not."""
    paths = [str(HERE.parent / "src"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(paths)}
    try:
        done = subprocess.run(
            [sys.executable, *words],
            capture_output=True,
            text=True,
            env=environment,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return {"failure": f"more than {seconds:.0f} s"}
    if done.returncode:
        return {"failure": done.stderr[-600:]}
    text = done.stdout.strip()
    return json.loads(text if text.startswith("{\n") else text.splitlines()[-1])


def table(runs: list[dict[str, Any]]) -> str:
    """Of each pair the medians of both sides, and the ratios of their speed and memory."""
    lines = [
        "Ratios are ours to theirs, figures theirs / ours.",
        "",
        "| what | goal | speed | memory | tokens / s | share of peak | peak GB | accuracy |",
        "|:---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for kind, method in PAIRS:
        both = []
        for side in ("script", "tunewell"):
            mine = [r for r in runs if (r["side"], r["model"], r["method"]) == (side, kind, method)]
            both.append({r["round"]: r for r in mine if r.get("seconds")})
        theirs, ours = both
        rounds = sorted(theirs.keys() & ours.keys())
        if not rounds:
            lines.append(f"| {method}, {kind} | {GOALS.get((kind, method), '')} | not measured |")
            continue

        def ratios(name: str, rounds: Any = rounds, both: Any = (ours, theirs)) -> str:
            found = [both[0][n][name] / both[1][n][name] for n in rounds if both[1][n][name]]
            if not found:
                return ""
            middle = statistics.median(found)
            return f"{middle:.2f} [{min(found):.2f}, {max(found):.2f}]"

        def each(name: str, scale: float, rounds: Any = rounds, both: Any = (theirs, ours)) -> str:
            return " / ".join(
                f"{scale * statistics.median(side[n][name] for n in rounds):.3g}" for side in both
            )

        cells = [
            f"{method}, {kind}",
            f"{GOALS.get((kind, method), '')}",
            ratios("tokens_per_second"),
            ratios("peak_bytes"),
            each("tokens_per_second", 1),
            each("share_of_peak", 1),
            each("peak_bytes", 1e-9),
            each("accuracy", 1),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
