"""A script put together: imports, options, functions, the method's own lines, and `main`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunewell.fit import backbones
from tunewell.fit.by_hand import ByHand
from tunewell.serve.plain import loop, network, rows
from tunewell.serve.script_kinds import Fragments
from tunewell.serve.scripts import ANSWERS, ONCE, OURS, STOCK, TRAINS, WHOLE, WINDOWS
from tunewell.values import Backbone

SCHEDULE = ("learning_rate", "epochs", "batch_size", "warmup", "weight_decay")


@dataclass(frozen=True)
class Made:
    """What is known of the model that a script makes again."""

    piece: ByHand
    fragments: Fragments
    metric: str
    options: dict[str, Any]
    """Those of the method that trains."""
    seed: int
    value: dict[str, Any]
    """Its `model.json`."""
    backbone: Backbone | None
    body: str
    """What the model calls its body: `body`, or with a head of its own as transformers does."""
    lead: str
    """Stands before each text."""
    reading: tuple[str, Any]
    """How rows are found and read."""
    windows: bool
    """Whether a long row is read in windows."""
    new_bias: bool
    """Whether the output layer has a bias that is new."""

    @property
    def stock(self) -> bool:
        """Whether the head is the architecture's own."""
        return self.body != "body"


def script(made: Made) -> list[str]:
    """The parts of the script, in order."""
    piece, backbone, kind = made.piece, made.backbone, made.fragments
    given = _constants(made)
    functions: list[Any] = [rows.numbers, made.reading[1]]
    if backbone is not None:
        functions += [] if made.stock else [network.Classifier]
        cut = [network.windows, network.by_row] if made.windows else [network.token_ids]
        functions += [*cut, network.padded, network.in_batches]
    if piece.trains:
        functions += [] if made.stock else [network.output_layers]
        functions += [loop.epoch_batches, loop.within_tokens, loop.set_modes, loop.train]
    own = [kind.losses, kind.answers] if piece.trains else []
    own += [each if isinstance(each, str) else inspect.getsource(each) for each in kind.more]
    blocks = [*own, kind.scores[made.metric], _main(made)]
    own_code = piece.code.replace("model.body", f"model.{made.body}")
    return text_of(replace(piece, code=own_code), given, made.reading[0], functions, blocks)


def text_of(
    piece: ByHand,
    given: dict[str, Any],
    reading: str,
    functions: Sequence[Any],
    blocks: Sequence[str],
) -> list[str]:
    """Imports, constants, the method's lines, functions by their source, and further blocks.

    Args:
        given: constants by name.
        reading: constants that say where rows are.
    """
    body = [piece.code, *map(inspect.getsource, functions), *blocks]
    imports = _imports("\n".join(body), piece)
    constants = [f"{name} = {_literal(item)}" for name, item in given.items()]
    return [imports, "", *constants, reading, "", "", *_apart(body), _END]


def common(
    value: dict[str, Any], options: dict[str, Any], seed: int, backbone: Backbone
) -> dict[str, Any]:
    """Constants of every script that trains a backbone."""
    return {
        "SEED": seed,
        "BACKBONE": str(backbone.folder),
        "MAX_LENGTH": backbone.max_length,
        "BFLOAT16": value["dtype"] == "bfloat16",
        "SCHEDULE": {name: options[name] for name in SCHEDULE},
        "BODY_DROPOUT": _dropouts(backbone, options["dropout"]),
    }


def _constants(made: Made) -> dict[str, Any]:
    """Names and values at the head of the script."""
    value, backbone, options = made.value, made.backbone, made.options
    given: dict[str, Any] = {**made.fragments.constants, "SEED": made.seed}
    given |= {"LEAD": made.lead} if made.lead else {}
    if backbone is None:
        return given
    if made.piece.trains:
        given |= common(value, options, made.seed, backbone)
    else:
        given |= {
            "BACKBONE": str(backbone.folder),
            "MAX_LENGTH": backbone.max_length,
            "BFLOAT16": value["dtype"] == "bfloat16",
        }
    if not made.stock:
        head = value.get("head") or {}
        given |= {"POOLING": head.get("pooling") or backbone.pooling or "mean"}
        if made.piece.trains:
            given |= {"DROPOUT": options["dropout"], "HIDDEN": head["hidden"]}
    return given


def _main(made: Made) -> str:
    """The function `main`."""
    kind, backbone, stock = made.fragments, made.backbone, made.stock
    main = TRAINS if made.piece.trains else ANSWERS
    frozen = made.value.get("body") == "backbone"
    flags = {
        "feed": main["vectors"] if frozen else main["tokens"],
        "model": STOCK if stock else OURS,
        "begin": kind.begin if made.new_bias else "",
        "lengths": ONCE.replace("<body>", made.body) if stock else "",
        "factors": ", factors=factors" if made.piece.has_factors else "",
        "reader": made.reading[1].__name__,
        "read": main["read"] if backbone is not None else main["none"],
        "lead": "LEAD + " if made.lead else "",
        "as read": kind.as_read,
        "targets": kind.targets,
        "outputs": kind.outputs,
        "run": "lambda **batch: model(**batch).logits" if stock else "model",
        "logits": ".logits" if stock else "",
        "told": kind.told,
        "tuned": f", {kind.tuned}" if kind.tuned else "",
        **(WINDOWS if made.windows else WHOLE),
        "calm": kind.calm,
        "auto": backbones.reading_class(backbone) if backbone is not None else "",
    }
    text = main["main"]
    for name, lines in flags.items():
        text = text.replace(f"<{name}>", lines)
    return text


def _apart(blocks: Sequence[str]) -> list[str]:
    return [block.strip("\n") + "\n\n" for block in blocks]


_END = 'if __name__ == "__main__":\n    main()\n'
AUTO = (
    "AutoModel",
    "AutoModelForCausalLM",
    "AutoModelForSeq2SeqLM",
    "AutoModelForSequenceClassification",
    "AutoModelForTextEncoding",
    "AutoTokenizer",
)
_STANDARD = ("contextlib", "csv", "json", "random")


def _imports(code: str, piece: ByHand) -> str:
    """The imports that the code has a use for."""
    own = [line for line in piece.imports if line.startswith("import copy")]
    standard = [*own, *(f"import {name}" for name in _STANDARD if f"{name}." in code)]
    abstract = [name for name in ("Callable", "Sequence") if f"{name}[" in code]
    if abstract:
        standard.append(f"from collections.abc import {', '.join(abstract)}")
    standard += ["from pathlib import Path"]
    standard += ["from typing import Any"] if "Any" in code else []
    other = ["import torch", *(line for line in piece.imports if line not in own)]
    if "save_model(" in code:
        other.append("from safetensors.torch import save_model")
    ranks = [name for name in ("pearsonr", "spearmanr") if f"{name}(" in code]
    other += [f"from scipy.stats import {name}" for name in ranks]
    if "f1_score(" in code:
        other.append("from sklearn.metrics import f1_score")
    names = [name for name in ("Tensor", "nn") if f"{name}" in code]
    other += [f"from torch import {', '.join(names)}"] if names else []
    found = [name for name in AUTO if f"{name}." in code]
    other += [f"from transformers import {', '.join(found)}"] if found else []
    other.sort(key=lambda line: line.split()[1])
    return "\n".join(["from __future__ import annotations", "", *standard, "", *other])


def _dropouts(backbone: Backbone, dropout: float) -> dict[str, float]:
    """The dropout fields of the backbone's configuration, as the run had them."""
    config = backbones.load_config(backbone, dropout=dropout)
    numbers = {k: v for k, v in vars(config).items() if "drop" in k and isinstance(v, float | int)}
    return {k: v for k, v in numbers.items() if not isinstance(v, bool)}


def _literal(value: Any) -> str:
    text = repr(value)
    if len(text) < 80 or not isinstance(value, list):
        return text
    return "[\n" + "".join(f"    {item!r},\n" for item in value) + "]"
