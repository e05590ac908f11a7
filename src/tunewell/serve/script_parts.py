"""A script put together: imports, options, functions, the method's own lines, and `main`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunewell.fit import backbones
from tunewell.fit.by_hand import ByHand
from tunewell.serve.plain import loop, network, rows
from tunewell.serve.script_kinds import Fragments
from tunewell.serve.scripts import ANSWERS, ONCE, OURS, STOCK, TRAINS, WHOLE, WINDOWS
from tunewell.serve.sources import taken
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
    new: tuple[str, ...]
    """Parameters of stock output layers that no file holds."""

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
    own = taken(piece.uses, piece.only)
    more = [inspect.getsource(each) for each in functions if each.__name__ not in own.seen]
    body = [piece.code, *own.blocks, *more, *blocks]
    imports = _imports("\n".join(body), (*piece.imports, *own.imports))
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
    return given | ({"NEW": list(made.new)} if "NEW" in made.piece.code else {})


def _main(made: Made) -> str:
    """The function `main`."""
    kind, backbone, stock = made.fragments, made.backbone, made.stock
    main = TRAINS if made.piece.trains else ANSWERS
    frozen = made.value.get("body") == "backbone"
    flags = {
        "feed": main["vectors"] if frozen else main["tokens"],
        "model": STOCK if stock else OURS,
        "head": "head",
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
    "AutoModelForMaskedLM",
    "AutoModelForSeq2SeqLM",
    "AutoModelForSequenceClassification",
    "AutoModelForTextEncoding",
    "AutoTokenizer",
)
_STANDARD = ("contextlib", "csv", "json", "math", "random", "statistics")


def _imports(code: str, brought: Sequence[str]) -> str:
    """The imports that the code has a use for, and those that it brings."""
    found = [*brought, "from pathlib import Path", *(["import torch"] if "torch." in code else [])]
    found += [f"import {name}" for name in _STANDARD if f"{name}." in code]
    found += [
        f"from collections.abc import {n}" for n in ("Callable", "Sequence") if f"{n}[" in code
    ]
    found += ["from typing import Any"] if "Any" in code else []
    found += ["import numpy as np"] if "np." in code else []
    found += ["from types import SimpleNamespace"] if "SimpleNamespace(" in code else []
    found += ["from dataclasses import replace"] if " replace(" in code else []
    if "save_model(" in code:
        found.append("from safetensors.torch import save_model")
    ranks = [name for name in ("pearsonr", "spearmanr") if f"{name}(" in code]
    found += [f"from scipy.stats import {name}" for name in ranks]
    if "f1_score(" in code:
        found.append("from sklearn.metrics import f1_score")
    found += [f"from torch import {name}" for name in ("Tensor", "nn") if name in code]
    found += [f"from transformers import {name}" for name in AUTO if f"{name}." in code]
    return _merged(found)


def _merged(lines: Sequence[str]) -> str:
    """Lines of import, one for each package: first those of Python itself."""
    names: dict[tuple[str, bool], set[str]] = {}
    for line in lines:
        first, module, *rest = line.split(maxsplit=3)
        key = (module if first == "from" else line.removeprefix("import "), first == "from")
        names.setdefault(key, set()).add(rest[-1].removeprefix("import ") if rest else "")
    shown: dict[bool, list[str]] = {True: [], False: []}
    for (module, parts), of in sorted(names.items(), key=lambda item: item[0][::-1]):
        line = f"from {module} import {', '.join(sorted(of))}" if parts else f"import {module}"
        shown[module.split(".")[0] in sys.stdlib_module_names].append(line)
    return "\n".join(["from __future__ import annotations", "", *shown[True], "", *shown[False]])


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
