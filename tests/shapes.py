"""Small random backbones of the shapes of models that people have, and each method on each."""

import json
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import toy
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.values import Backbone, Machine

HIDDEN, LAYERS, HEADS, WINDOW = 16, 2, 2, 128

BERT_LIKE = {
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": 2 * HIDDEN,
    "max_position_embeddings": WINDOW,
}
LLAMA_LIKE = {**BERT_LIKE, "num_key_value_heads": 1, "bos_token_id": 2, "eos_token_id": 3}
HEAD_DIM = {"head_dim": 12}
"""Heads that together are wider than the hidden state, as published ones are."""
SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("Bert", BERT_LIKE),
    "distilbert": (
        "DistilBert",
        {
            "dim": HIDDEN,
            "n_layers": LAYERS,
            "n_heads": HEADS,
            "hidden_dim": 2 * HIDDEN,
            "max_position_embeddings": WINDOW,
        },
    ),
    "roberta": ("Roberta", {**BERT_LIKE, "pad_token_id": 0, "type_vocab_size": 1}),
    "electra": ("Electra", {**BERT_LIKE, "embedding_size": 8}),
    "xlnet": (
        "XLNet",
        {
            "d_model": HIDDEN,
            "n_layer": LAYERS,
            "n_head": HEADS,
            "d_inner": 2 * HIDDEN,
            "pad_token_id": 0,
        },
    ),
    "modernbert": (
        "ModernBert",
        {
            **BERT_LIKE,
            "global_attn_every_n_layers": 2,
            "local_attention": 8,
            "pad_token_id": 0,
            "cls_token_id": 2,
            "sep_token_id": 3,
            "bos_token_id": 2,
            "eos_token_id": 3,
        },
    ),
    "deberta-v3": (
        "DebertaV2",
        {
            **BERT_LIKE,
            "relative_attention": True,
            "position_buckets": 8,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
            "type_vocab_size": 0,
            "pooler_hidden_size": HIDDEN,
        },
    ),
    "gpt2": (
        "GPT2",
        {
            "n_embd": HIDDEN,
            "n_layer": LAYERS,
            "n_head": HEADS,
            "n_positions": WINDOW,
            "bos_token_id": 2,
            "eos_token_id": 3,
        },
    ),
    "opt": (
        "OPT",
        {
            "hidden_size": HIDDEN,
            "word_embed_proj_dim": HIDDEN,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "ffn_dim": 2 * HIDDEN,
            "max_position_embeddings": WINDOW,
            "pad_token_id": 0,
            "bos_token_id": 2,
            "eos_token_id": 3,
        },
    ),
    "falcon": (
        "Falcon",
        {
            "hidden_size": HIDDEN,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "max_position_embeddings": WINDOW,
            "bos_token_id": 2,
            "eos_token_id": 3,
        },
    ),
    "llama": ("Llama", LLAMA_LIKE),
    "mistral": ("Mistral", {**LLAMA_LIKE, "sliding_window": 8}),
    "qwen2": ("Qwen2", LLAMA_LIKE),
    "qwen3": ("Qwen3", {**LLAMA_LIKE, **HEAD_DIM}),
    "gemma": ("Gemma", {**LLAMA_LIKE, **HEAD_DIM, "pad_token_id": 0}),
    "t5": (
        "T5",
        {
            "d_model": HIDDEN,
            "num_layers": LAYERS,
            "num_heads": HEADS,
            "d_kv": HIDDEN // HEADS,
            "d_ff": 2 * HIDDEN,
            "pad_token_id": 0,
            "eos_token_id": 3,
            "decoder_start_token_id": 0,
        },
    ),
}
DECODERS = ("gpt2", "opt", "falcon", "llama", "mistral", "qwen2", "qwen3", "gemma")
METHODS = tuple(
    name
    for name, method in registry.methods().items()
    if method.needs_backbone and (method.answers is None or "label" in method.answers)
    if name != "prompt_search"  # which needs an output layer that writes: `fit/test_prompting.py`
)
CELLS = tuple((method, shape) for method in METHODS for shape in SHAPES)

TRAIN, VALIDATION = toy.examples(24), toy.examples(9, seed=1)
INPUTS = [example.input for example in VALIDATION]
TASK = registry.task("classify").from_examples(TRAIN)
MACHINE = Machine(threads=1)
CLOSE = 1e-5
"""Most that a probability may differ."""


def byte_tokenizer(folder: Path):
    """Byte-level pieces as decoders have them; no padding token, nothing put around a text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=360,
        special_tokens=["<none>", "<other>", "<begin>", "<end>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    chance = random.Random(0)
    core.train_from_iterator([toy.sentence("sea", chance) for _ in range(200)], trainer)
    made = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<begin>", eos_token="<end>", model_max_length=WINDOW
    )
    made.save_pretrained(folder)
    return made


def save(shape: str, folder: Path, layers: int = LAYERS, words: bool = False) -> Path:
    """Random weights of a shape, large enough for each to count, and a tokenizer.

    Args:
        words: whether with the layer that fills in words.
    """
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    made = byte_tokenizer(folder) if shape in DECODERS else toy.tokenizer(folder)
    kind, sizes = SHAPES[shape]
    deep = {"num_hidden_layers", "n_layers", "n_layer", "num_layers"} & set(sizes)
    sizes = {**sizes, **dict.fromkeys(deep, layers)}
    config = getattr(transformers, f"{kind}Config")(vocab_size=len(made), **sizes)
    for name in {"initializer_range", "init_std"} & set(vars(config)):
        setattr(config, name, 0.2)
    torch.manual_seed(0)
    auto = transformers.AutoModelForMaskedLM if words else transformers.AutoModel
    auto.from_config(config).save_pretrained(folder)
    return folder


@dataclass(frozen=True)
class Outcome:
    """What came of one method on one shape."""

    status: str
    """`works`, `skipped` or `failed`."""
    reason: str = ""


def try_out(method: str, backbone: Backbone, folder: Path) -> tuple[Outcome, Any]:
    """Train for a few steps, answer rows alone and together, and save; the answers' scores."""
    made = registry.methods()[method]()
    if hasattr(made, "base_method"):
        made = replace(made, base_method="head")
    if hasattr(made, "epochs"):
        made = replace(made, epochs=2, batch_size=8)
    texts = toy.texts(folder.parent / "texts.jsonl")
    job = Job(TASK, TRAIN, VALIDATION, backbone, MACHINE, seed=1, texts=texts)
    try:
        predictor = made.fit(job)
    except NotApplicable as reason:
        return Outcome("skipped", str(reason)), None
    together = [answer.scores for answer in predictor.predict(INPUTS)]
    alone = [predictor.predict([text])[0].scores for text in INPUTS]
    apart = max(abs(one[k] - two[k]) for one, two in zip(together, alone, strict=True) for k in one)
    if not apart < CLOSE:
        return Outcome("failed", f"a row alone is answered differently, by {apart:.1e}"), None
    predictor.save(folder)
    return Outcome("works"), together


def outcomes(cells: Sequence[tuple[str, str]], root: Path) -> dict[tuple[str, str], Outcome]:
    """What came of some methods on some shapes; one fresh process loads all that was saved."""
    from tunewell.fit.backbones import resolve

    backbones = {shape: resolve(str(save(shape, root / shape))) for _, shape in cells}
    found, told = {}, {}
    for method, shape in cells:
        folder = root / f"{method} on {shape}"
        try:
            found[method, shape], scores = try_out(method, backbones[shape], folder)
        except Exception as error:  # noqa: BLE001 (a cell that fails is told with all others)
            found[method, shape], scores = Outcome("failed", repr(error)), None
        if scores is not None:
            told[str(folder)] = scores
    for folder, fault in loaded_elsewhere(told, root).items():
        method, _, shape = Path(folder).name.partition(" on ")
        found[method, shape] = Outcome("failed", fault)
    return found


def loaded_elsewhere(told: dict[str, Any], root: Path) -> dict[str, str]:
    """What is wrong with saved folders, by folder, after one fresh process has loaded them all."""
    (root / "told.json").write_text(json.dumps([told, INPUTS, CLOSE]))
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(root / "told.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


ELSEWHERE = """
import json, sys
from pathlib import Path
from tunewell.measure.trial import load_model
from tunewell.values import Machine

told, inputs, close = json.load(open(sys.argv[1]))
faults = {}
for folder, before in told.items():
    try:
        answers = load_model(Path(folder), Machine(threads=1)).predict(inputs)
        after = [answer.scores for answer in answers]
        apart = max(abs(a[k] - b[k]) for a, b in zip(before, after, strict=True) for k in a)
        if not apart < close:
            faults[folder] = f"loaded elsewhere it answers differently, by {apart:.1e}"
    except Exception as error:
        faults[folder] = f"cannot be loaded: {error!r}"
print(json.dumps(faults))
"""


def page(found: dict[tuple[str, str], Outcome]) -> str:
    """The outcomes as a page: methods down, shapes across, reasons below."""
    import peft
    import transformers

    reasons = list(dict.fromkeys(outcome.reason for outcome in found.values() if outcome.reason))

    def cell(outcome: Outcome) -> str:
        number = f" ({reasons.index(outcome.reason) + 1})" if outcome.reason else ""
        return {"works": "yes", "skipped": "no", "failed": "failed"}[outcome.status] + number

    lines = [
        "# Methods and shapes of models",
        "",
        "Each method on a small random model of each shape: trained for a few steps, answered rows",
        "alone and in a padded batch with the same probabilities (1e-5), saved, and loaded in",
        "another process with the same answers. `instructed` and `augment` stand on `head` here.",
        f"With transformers {transformers.__version__} and peft {peft.__version__}; written by",
        "`python tests/shapes_table.py`.",
        "",
        "| | " + " | ".join(SHAPES) + " |",
        "|:---|" + ":---|" * len(SHAPES),
    ]
    for method in METHODS:
        cells = [cell(found[method, shape]) for shape in SHAPES]
        lines.append(f"| `{method}` | " + " | ".join(cells) + " |")
    lines += ["", *(f"{number}. {reason}" for number, reason in enumerate(reasons, start=1)), ""]
    return "\n".join(lines)
