"""The script of a model whose rows become pieces by a head of ours, whose lines it holds."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any

from tunewell.contracts import Task
from tunewell.decide import one_label, several_labels
from tunewell.fit import backbones, pieces
from tunewell.fit.by_hand import ByHand, simple
from tunewell.fit.heads import head_for
from tunewell.fit.heads.own import TOKENS, row_vectors
from tunewell.fit.heads.sequence import SequenceHead
from tunewell.fit.heads.vector import Turned, VectorHead
from tunewell.imbalance import chances_of
from tunewell.inputs import texts_of
from tunewell.measure.metrics import scores, thresholds
from tunewell.serve import script_mains as mains
from tunewell.serve.fitted import Network
from tunewell.serve.plain import loop, network, rows
from tunewell.serve.plain import pieces as plain
from tunewell.serve.script_parts import common, text_of
from tunewell.serve.scripts import ONCE, OURS, STOCK
from tunewell.serve.sources import call_of, functions_in, refuse_twice, taken
from tunewell.values import Answer, Backbone

TOLD = ("thresholds", "temperature", "threshold")
"""Fields of a head that are tuned on validation rows when all is trained."""
LEARN = ("encode", "targets", "losses", "answers")
"""What a script does with the head of a model that trains."""
KNOWN = ("answers", "labels", "weights", "thresholds", "temperature", "mean", "deviation")
"""What functions of ours ask a task for."""


@dataclass(frozen=True)
class General:
    """What is known of a model whose script holds lines of ours."""

    task: Any
    piece: ByHand
    options: dict[str, Any]
    """Those of the method that fits it."""
    seed: int
    value: dict[str, Any]
    """Its `model.json`."""
    backbone: Backbone | None
    network: Network | None = None
    """Of a model that trains."""
    copies: ByHand | None = None
    """How altered copies of rows are made, where they are learnt as well."""
    lead: str = ""
    """What stands before each text only after copies were made."""

    @property
    def body(self) -> str:
        """What the model calls its body."""
        return self.network.name if self.network else "body"

    @property
    def stock(self) -> bool:
        """Whether the output layers are the architecture's own."""
        return self.body != "body"

    @property
    def votes(self) -> bool:
        """Whether the method's own lines give each label's share, and no answers."""
        return not self.piece.trains and simple(self.task)

    @property
    def windows(self) -> bool:
        """Whether a long row is read in windows."""
        return getattr(self.task, "windows", False)

    @property
    def balanced(self) -> bool:
        """Whether rows of rare labels are drawn more often."""
        options = getattr(self.task, "options", None)
        return self.piece.trains and getattr(options, "balanced_batches", False)


def general_script(made: General, reading: str) -> list[str]:
    """The parts of the script, in order.

    Args:
        reading: the constants that say where the rows are.
    """
    head, piece, copies = _head(made), made.piece, made.copies
    metric = made.task.metrics[made.task.metric]
    found = taken([*_roots(made, head, metric), *_uses(made)], _only(made, head))
    code = piece.code.replace("model.body", f"model.{made.body}")
    own = [copies.code] if copies is not None else []
    own += [mains.LED] if made.lead else []
    known = [f"METRIC = {call_of(metric)}"]
    if head is not None:
        known.append(f"HEAD = {call_of(_untuned(head) if piece.trains else head)}")
    if "TASK" in code + "".join(own):
        known.append(_task(made.task))
    tuned = [mains.TUNED[made.task.answers]] if _tuners(made) else []
    blocks = [*found.blocks, *own, "\n".join(known), mains.SAID, *tuned, _main(made, head)]
    imports = (*piece.imports, *(copies.imports if copies else ()), *found.imports)
    whole = replace(piece, code=code, imports=imports, uses=())
    given = _constants(made, head)
    refuse_twice(found, given)
    return text_of(whole, given, reading, (), blocks)


def _head(made: General) -> Any:
    """The head whose lines the script holds; None where answers need none."""
    stub = Backbone("", Path(), "", "mean", 0)
    if made.piece.trains:
        assert made.backbone is not None
        kept = made.value["head"]
        return head_for(made.task, replace(made.backbone, pooling=kept["pooling"]), kept["hidden"])
    if "HEAD" not in made.piece.code:
        return None
    if made.task.answers in ("label", "labels", "number"):
        return SequenceHead.for_task(made.task, stub, None)
    return head_for(made.task, stub) if made.task.head == "token" else None


def _roots(made: General, head: Any, metric: Any) -> list[Any]:
    """Functions and classes that every such script has, or that its parts call."""
    found: list[Any] = [rows.numbers, plain.examples, texts_of, Answer, scores, type(metric)]
    found += functions_in(metric)
    found += [plain.begun] if made.lead else []
    found += [one_label] if made.votes else [] if head is None else [type(head)]
    if made.backbone is None:
        return found
    found += [plain.as_batch, plain.all_of]
    found += [] if made.stock else [network.Classifier]
    if made.piece.trains:
        found += [loop.train, pieces.by_row, *_tuners(made)]
        found += [] if made.stock else [network.output_layers]
        found += [Turned] if isinstance(head, VectorHead) else []
        return [*found, *([chances_of] if made.balanced else [])]
    if made.task.head == "token":
        return found
    cut = pieces.whole_or_windows if made.windows else pieces.whole
    return [*found, cut, row_vectors]


def _uses(made: General) -> list[Any]:
    """What the method's own lines call."""
    return [*made.piece.uses, *(made.copies.uses if made.copies else ())]


def _only(made: General, head: Any) -> dict[type, tuple[str, ...]]:
    """Of which classes but some methods are wanted."""
    found = {kind: tuple(names) for kind, names in made.piece.only.items()}
    if head is None:
        return found
    said = not made.piece.trains and isinstance(head, SequenceHead)
    return {**found, type(head): ("said",) if said else LEARN}


def _untuned(head: Any) -> Any:
    """The head as it is while it is trained."""
    usual = {f.name: {} if f.default is MISSING else f.default for f in fields(head)}
    return replace(head, **{name: usual[name] for name in TOLD if name in usual})


def _tuners(made: General) -> list[Any]:
    """Functions that the answers to validation rows are decided with after each epoch."""
    task = made.task
    if not made.piece.trains:
        return []
    if task.answers == "labels":
        return [thresholds.best_thresholds, several_labels]
    unequal = task.answers == "label" and len(task.labels) == 2 and task.metric == "macro_f1"
    return [thresholds.best_divide, one_label] if unequal else []


def _constants(made: General, head: Any) -> dict[str, Any]:
    """Names and values at the head of the script."""
    value, backbone = made.value, made.backbone
    given: dict[str, Any] = {"SEED": made.seed} | ({"LEAD": made.lead} if made.lead else {})
    given |= {"LABELS": list(made.task.labels)} if made.votes else {}
    if backbone is None:
        return given
    given["READS"] = list(backbones.load_tokenizer(backbone).model_input_names)
    if not made.piece.trains:
        tokens = made.task.head == "token"
        return given | {
            "BACKBONE": str(backbone.folder),
            "MAX_LENGTH": backbone.max_length,
            "BFLOAT16": value["dtype"] == "bfloat16",
            "POOLING": TOKENS if tokens else backbone.pooling or "mean",
        }
    given |= common(value, made.options, made.seed, backbone)
    if not made.stock:
        given |= {"POOLING": value["head"]["pooling"], "HIDDEN": value["head"]["hidden"]}
        given |= {"DROPOUT": made.options["dropout"]}
    plain_head = _untuned(head)
    told = {name: getattr(head, name) for name in TOLD if hasattr(head, name)}
    given["TUNED"] = {n: each for n, each in told.items() if each != getattr(plain_head, n)}
    new = list(made.network.new) if made.network else []
    return given | ({"NEW": new} if "NEW" in made.piece.code else {})


def _main(made: General, head: Any) -> str:
    """The functions `learn` and `main`."""
    piece, trains = made.piece, made.piece.trains
    kept = made.value.get("body") == "backbone" and made.value["head"]["pooling"] != TOKENS
    whole_rows = getattr(head, "whole_rows", False)
    vectors = isinstance(head, VectorHead)
    more = [", factors=factors" if piece.has_factors else ""]
    more += [", chances=chances" if made.balanced else ""]
    fresh = made.network.fresh if made.network else ()
    held = mains.HELD.replace("<names>", repr(list(fresh)))
    flags = {
        "model": STOCK if made.stock else OURS,
        "begin": mains.BEGIN
        if getattr(head, "shares", None) and made.network and made.network.new_bias
        else "",
        "held": held if fresh else "",
        "freed": mains.FREED if fresh else "",
        "feed": mains.KEPT if kept else mains.RUN,
        "lengths": ONCE if made.stock else "",
        "units": 'by_row(pieces["train"])' if whole_rows else UNITS,
        "tuned": DECIDED if _tuners(made) else "",
        "chances": mains.CHANCES if made.balanced else "",
        "more": "".join(more),
        "read": _reader(made),
        "fit": mains.VOTE if made.votes else mains.FIT,
        "rows": mains.ROWS,
        "choice": mains.COPIES if made.copies is not None else mains.ALONE,
        "led": "led(" if made.lead else "",
        ")": ")" if made.lead else "",
        "save told": ", save" if trains else "",
        "save": mains.SAVE if trains else "",
        "head": "Turned(head)" if vectors else "head",
        "outputs": "width" if vectors else str(_outputs(head)),
        "auto": backbones.reading_class(made.backbone) if made.backbone is not None else "",
        "body": made.body,
    }
    text = mains.TRAINS if trains else mains.READS
    for name, lines in flags.items():
        text = text.replace(f"<{name}>", lines)
    return text


UNITS = '[[number] for number in range(len(pieces["train"]))]'
DECIDED = '        answers = tuned(targets["validation"], answers)\n'


def _reader(made: General) -> str:
    """The function `read` of a script that does not train."""
    if made.backbone is None:
        return mains.READ_NOTHING
    if made.task.head == "token":
        return mains.READ_TOKENS
    return mains.READ_TEXTS.replace("<cut>", "whole_or_windows" if made.windows else "whole")


def _outputs(head: Any) -> int:
    """Logits a row or a token."""
    if hasattr(head, "outputs"):
        return head.outputs
    if hasattr(head, "tags"):
        return len(head.tags)
    return 2 if hasattr(head, "unanswerable") else 1


def _task(task: Task) -> str:
    """What is known of the task, as functions of ours ask for it."""
    given = [f"    {n}={getattr(task, n)!r},\n" for n in KNOWN if hasattr(task, n)]
    texts = "texts_of"
    if task.answers == "spans":
        texts = 'lambda given: (given if isinstance(given, str) else given["text"],)'
    if task.answers == "text":
        said = "str.split" if task.head == "masked" else "lambda target: [target]"
        given.append(f"    said={said},\n")
    return f"TASK = SimpleNamespace(\n{''.join(given)}    texts={texts},\n)"
