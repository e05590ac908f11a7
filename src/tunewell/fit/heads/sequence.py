"""A text, or two together, becomes one vector, and the vector a label, labels or a number.

Two kinds: our pooled head over the bare backbone (sentence encoders), and the classification
head that the architecture brings along (everything else).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from tunewell.contracts import Task
from tunewell.decide import one_label, several_labels
from tunewell.fit.alone import reads_padding
from tunewell.fit.backbones import load_model, reading_class
from tunewell.fit.few import reading
from tunewell.fit.heads.focal import focal
from tunewell.fit.heads.own import begin_at, own_model
from tunewell.fit.pieces import Piece, Text, by_row, whole, whole_or_windows
from tunewell.imbalance import weight_without
from tunewell.values import Answer, Backbone

PROBLEMS = {
    "label": "single_label_classification",
    "labels": "multi_label_classification",
    "number": "regression",
}
"""What transformers calls each kind of answer."""


@dataclass(frozen=True)
class SequenceHead:
    """One label, several, or a number for each text or pair.

    It needs of a task: `answers` (`label`, `labels` or `number`); `labels`, in the order of the
    scores; it may have `thresholds`, by label, and for `label` a `temperature`; for `labels` their
    `shares` of training rows, which a new output layer begins with; for a `number` its `mean` and
    `deviation` in training rows, so that the loss is of standardised targets; and `windows`, where
    long texts are learnt and answered by windows: each has the row's target, and the answer is
    the mean of their logits.
    """

    whole_rows: ClassVar[bool] = False

    labels: tuple[str, ...]
    pooling: str | None
    """None: the architecture's own classification head."""
    hidden: int | None = None
    """Units of the MLP; None: one linear layer."""
    kind: str = "label"
    thresholds: dict[str, float] = field(default_factory=dict)
    """A label is given from this probability on."""
    temperature: float = 1.0
    """Logits of one label are divided by it."""
    weights: dict[str, float] = field(default_factory=dict)
    """What a row with a label counts for in the loss; 1 unless said."""
    shares: dict[str, float] = field(default_factory=dict)
    """Of training rows that have a label; a new output layer begins with them, where known."""
    gamma: float = 0.0
    """Of the focal loss; 0 is cross-entropy."""
    mean: float = 0.0
    deviation: float = 1.0
    """Mean and standard deviation of the numbers in training rows."""
    windows: bool = False

    @classmethod
    def for_task(cls, task: Task, backbone: Backbone, hidden: int | None) -> SequenceHead:
        """The head for a task; an MLP needs a pooled vector, so it pools."""
        return cls(
            labels=tuple(getattr(task, "labels", ())),
            pooling=backbone.pooling or ("mean" if hidden is not None else None),
            hidden=hidden,
            kind=getattr(task, "answers", "label"),
            thresholds=dict(getattr(task, "thresholds", {})),
            temperature=getattr(task, "temperature", 1.0),
            weights=dict(getattr(task, "weights", {})),
            shares=dict(getattr(task, "shares", {})),
            gamma=getattr(getattr(task, "options", None), "focal_gamma", 0.0),
            mean=getattr(task, "mean", 0.0),
            deviation=getattr(task, "deviation", 1.0),
            windows=getattr(task, "windows", False),
        )

    @property
    def outputs(self) -> int:
        """Logits a row."""
        return 1 if self.kind == "number" else len(self.labels)

    def settle(
        self, backbone: Backbone, dropout: float, seed: int, pieces: list[Piece], pad_id: int
    ) -> tuple[SequenceHead, nn.Module]:
        """This head and its model; our own head where the architecture's one does not do.

        An encoder-decoder is read by its encoder alone, and pooled by mean. Where the stock head
        reads the last position even if it is padding, ours reads the last token.

        Args:
            pieces: some rows to try it on.
        """
        head = self
        if head.pooling is None and reading_class(backbone) != "AutoModel":
            head = replace(self, pooling="mean")
        model = head.build(backbone, dropout, seed)
        if head.pooling is None and reads_padding(model, head, pieces, pad_id):
            head = replace(self, pooling="last")
            model = head.build(backbone, dropout, seed)
        return head, model

    def build(self, backbone: Backbone, dropout: float, seed: int) -> nn.Module:
        """A model with a freshly made head; equal seeds give equal heads."""
        model = self._built(backbone, dropout, seed)
        if self.shares:
            begin_at(model, [self.shares[label] for label in self.labels])
        return model

    def _built(self, backbone: Backbone, dropout: float, seed: int) -> nn.Module:
        if self.pooling is not None:
            return own_model(backbone, self.pooling, self.outputs, self.hidden, dropout, seed)
        torch.manual_seed(seed)
        names = dict(enumerate(self.labels or ("value",)))
        return load_model(
            backbone,
            "AutoModelForSequenceClassification",
            dropout=dropout,
            num_labels=self.outputs,
            id2label=names,
            label2id={label: index for index, label in names.items()},
            problem_type=PROBLEMS[self.kind],
        )

    def encode(
        self, tokenizer: Any, inputs: Sequence[Text], max_length: int, training: bool = False
    ) -> list[Piece]:
        """One piece a row, cut at `max_length`, or the windows of a long one.

        `extra` of a window is then what it counts for, so that each row counts once, and the
        mean over all pieces is 1.
        """
        if not self.windows:
            return whole(tokenizer, inputs, max_length)
        pieces = whole_or_windows(tokenizer, inputs, max_length)
        parts = Counter(piece.row for piece in pieces)
        most = len(pieces) / max(1, len(parts))
        return [replace(piece, extra=most / parts[piece.row]) for piece in pieces]

    def logits(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """The model's logits (batch, outputs) in float32.

        Where it is known which one token its own head `reads`, the last layer stops at that one.
        """
        with reading(getattr(model, "reads", None), batch["attention_mask"]):
            output = model(**batch)
        return (output if isinstance(output, Tensor) else output.logits).float()

    def targets(self, pieces: Sequence[Piece], targets: Sequence[Any]) -> Tensor:
        """Of each piece: label number (pieces,), 0 or 1 (pieces, labels), number (pieces,)."""
        if self.kind == "number":
            numbers = torch.tensor([float(targets[piece.row]) for piece in pieces])
            return (numbers - self.mean) / self.deviation
        at = {label: index for index, label in enumerate(self.labels)}
        if self.kind == "label":
            return torch.tensor([at[targets[piece.row]] for piece in pieces])
        given = torch.zeros(len(pieces), len(self.labels))
        for number, piece in enumerate(pieces):
            given[number, [at[label] for label in targets[piece.row]]] = 1
        return given

    def losses(self, pieces: Sequence[Piece], logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of each piece (pieces,); that of a window is a share of its row's.

        Cross-entropy in nats; the mean of the labels' binary ones; the squared error in
        variances of the training rows.
        """
        losses = self._losses(logits, targets)
        if not self.windows:
            return losses
        return losses * losses.new_tensor([piece.extra for piece in pieces])

    def _losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        if self.kind == "label":
            losses = nn.functional.cross_entropy(logits, targets, reduction="none")
            weights = logits.new_tensor([self.weights.get(each, 1.0) for each in self.labels])
            return focal(losses, self.gamma) * weights[targets]
        if self.kind == "number":
            return nn.functional.mse_loss(logits.squeeze(-1), targets, reduction="none")
        losses = nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        given = [self.weights.get(each, 1.0) for each in self.labels]
        without = [weight_without(each) if self.weights else 1.0 for each in given]
        weights = torch.where(targets > 0, logits.new_tensor(given), logits.new_tensor(without))
        return (focal(losses, self.gamma) * weights).mean(-1)

    def answers(
        self, inputs: Sequence[Text], pieces: Sequence[Piece], logits: Tensor
    ) -> list[Answer]:
        """An answer a row, from the mean of the logits of its pieces."""
        rows = by_row(pieces)
        if len(rows) < len(pieces):
            logits = torch.stack([logits[numbers].mean(0) for numbers in rows])
        return self.said(logits)

    def said(self, logits: Tensor) -> list[Answer]:
        """Logits (rows, outputs) -> the likeliest label, all likely ones, or the number."""
        if self.kind == "number":
            numbers = logits.squeeze(-1).double() * self.deviation + self.mean
            return [Answer(number) for number in numbers.tolist()]
        several = self.kind == "labels"
        shares = logits.sigmoid() if several else logits.softmax(-1)
        rows = (dict(zip(self.labels, row, strict=True)) for row in shares.tolist())
        if several:
            return [several_labels(scores, self.thresholds) for scores in rows]
        return [one_label(scores, self.thresholds, self.temperature) for scores in rows]
