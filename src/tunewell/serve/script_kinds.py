"""What differs between scripts by the kind of answer: targets, losses, answers, scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tunewell.contracts import Task
from tunewell.kinds import by_value
from tunewell.measure.metrics import thresholds


@dataclass(frozen=True)
class Fragments:
    """Pieces of a script for one kind of answer; `own` are the targets of some rows."""

    constants: dict[str, Any]
    outputs: str
    """How many logits a row has."""
    meant: Callable[[str], Any]
    """The text of a cell as a target."""
    as_read: str
    """What a script makes of what it has read of a `label`."""
    targets: str
    """Tensors for the losses, from `own`."""
    losses: str
    answers: str
    """The function `answers_of(logits)`."""
    told: str
    """What `main` returns, from `logits` and `answers`."""
    begin: str = ""
    """How the output layer of `model` begins, unless it is at random."""
    calm: str = ""
    tuned: str = ""
    """What `answers_of` is given besides, from `logits` of validation rows."""
    more: tuple[Callable[..., Any] | str, ...] = ()
    """Functions that these pieces need."""
    scores: dict[str, str] = field(default_factory=dict)
    """The function `score`, by the metric that decides."""


def fragments(task: Task) -> Fragments | None:
    """The pieces for a task; None where no script is written for its answers."""
    made = {"label": _label, "labels": _labels, "number": _number}.get(task.answers)
    return made(task) if made else None


def _label(task: Any) -> Fragments:
    warm = task.temperature != 1
    return Fragments(
        constants={"LABELS": list(task.labels)}
        | ({"TEMPERATURE": task.temperature} if warm else {}),
        outputs="len(LABELS)",
        meant=str,
        as_read="label",
        targets="torch.tensor([LABELS.index(label) if label in LABELS else -1 for label in own])",
        losses=CROSS_ENTROPY,
        answers=LIKELIEST,
        told="logits.softmax(-1)",
        calm=CALM if warm else "",
        scores={"accuracy": ACCURACY, "macro_f1": MACRO_F1},
    )


def _labels(task: Any) -> Fragments:
    separator = task.separator or ";"

    def meant(cell: str) -> tuple[str, ...]:
        found = {part.strip() for part in cell.split(separator)} - {""}
        return tuple(sorted(found, key=by_value))

    return Fragments(
        constants={"LABELS": list(task.labels), "SEPARATOR": separator},
        outputs="len(LABELS)",
        meant=meant,
        as_read="[float(name in named(label)) for name in LABELS]",
        targets="torch.tensor(own)",
        losses=BINARY,
        begin=SHARES if task.shares else "",
        answers=GIVEN,
        told="logits.sigmoid()",
        tuned='best_thresholds(<tuned on>.sigmoid(), targets["validation"])',
        more=(NAMED, THRESHOLDS, thresholds.best_threshold, thresholds.shared_threshold),
        scores={"macro_f1": AVERAGED.format(of="macro"), "micro_f1": AVERAGED.format(of="micro")},
    )


def _number(task: Any) -> Fragments:
    return Fragments(
        constants={"MEAN": task.mean, "DEVIATION": task.deviation},
        outputs="1",
        meant=float,
        as_read="float(label)",
        targets="(torch.tensor(own) - MEAN) / DEVIATION",
        losses=SQUARED,
        answers=NUMBERS,
        told="torch.tensor(answers).unsqueeze(1)",
        scores={
            "spearman": CORRELATION.format(of="spearman"),
            "pearson": CORRELATION.format(of="pearson"),
        },
    )


CROSS_ENTROPY = '''\
def losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of each row (rows,), in nats."""
    return nn.functional.cross_entropy(logits, targets, reduction="none")
'''
SQUARED = '''\
def losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Squared error of each row (rows,), in variances of the training rows."""
    return nn.functional.mse_loss(logits.squeeze(-1), targets, reduction="none")
'''
SHARES = """\
    # The output layer begins with each label's share of the rows, p, as log(p / (1 - p)).
    given = torch.tensor(labels["train"], dtype=torch.float64)
    shares = (given.sum(0) + 0.5) / (len(given) + 1)
    outputs = [part for part in model.modules() if isinstance(part, nn.Linear)][-1]
    outputs.bias.data.copy_(shares.float().logit())
"""
BINARY = '''\
def losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean of the labels' binary cross-entropies of each row (rows,), in nats."""
    each = nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return each.mean(-1)
'''
NAMED = '''\
def named(cell: str | list[str]) -> set[str]:
    """The labels in a cell."""
    return set(cell) if isinstance(cell, list) else {part.strip() for part in cell.split(SEPARATOR)}
'''
THRESHOLDS = '''\
def best_thresholds(shares: Tensor, wanted: Tensor) -> list[float]:
    """From which share on each label is given, for the best F1; rare labels have one together."""
    found, right = shares.double().numpy(), wanted.bool().numpy()
    shared = shared_threshold(right, found)
    return [
        best_threshold(right[:, n], found[:, n], shared) if right[:, n].sum() >= 5 else shared
        for n in range(len(LABELS))
    ]
'''
GIVEN = '''\
def answers_of(logits: Tensor, thresholds: list[float]) -> list[list[int]]:
    """1 for each label that a row is given, else 0."""
    given = logits.sigmoid().double() >= torch.tensor(thresholds, dtype=torch.float64)
    return given.long().tolist()
'''
LIKELIEST = '''\
def answers_of(logits: Tensor) -> list[str]:
    """The likeliest label of each row."""
    return [LABELS[number] for number in logits.argmax(-1).tolist()]
'''
NUMBERS = '''\
def answers_of(logits: Tensor) -> list[float]:
    """The number of each row, on the scale of the table."""
    return (logits.squeeze(-1).double() * DEVIATION + MEAN).tolist()
'''
CALM = """\
    # The temperature that was fitted on validation rows: as sure as it is right.
    shares = shares ** (1 / TEMPERATURE)
    shares = shares / shares.sum(-1, keepdim=True)
"""
ACCURACY = '''\
def score(answers: list[str], right: list[str]) -> float:
    """Accuracy: the share of answers that are right."""
    return sum(a == b for a, b in zip(answers, right, strict=True)) / len(right)
'''
MACRO_F1 = '''\
def score(answers: list[str], right: list[str]) -> float:
    """Macro F1: the mean over classes of the harmonic mean of precision and recall."""
    return f1_score(right, answers, average="macro", zero_division=0)
'''
AVERAGED = '''\
def score(answers: list[list[int]], right: list[list[float]]) -> float:
    """F1, the {of} average over labels."""
    return f1_score(right, answers, average="{of}", zero_division=0)
'''
CORRELATION = '''\
def score(answers: list[float], right: list[float]) -> float:
    """The {of} correlation; 0 where all answers are equal."""
    found = float({of}r(right, answers).statistic)
    return 0.0 if found != found else found
'''
