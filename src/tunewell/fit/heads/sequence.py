"""A text becomes one vector, and the vector becomes a label.

Two kinds: our pooled head over the bare backbone (sentence encoders), and the classification
head that the architecture brings along (everything else).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from tunewell.contracts import Task
from tunewell.fit.alone import reads_padding
from tunewell.fit.backbones import load_model, reading_class
from tunewell.fit.tensors import token_ids
from tunewell.values import Answer, Backbone


def pool(hidden: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """One vector a row.

    Args:
        hidden: (batch, tokens, hidden), padded on the right.
        mask: (batch, tokens), 1 where there is a token.
        pooling: `mean` over tokens, `cls` (the first token) or `last`.
    """
    if pooling == "cls":
        return hidden[:, 0]
    if pooling == "last":
        return hidden[torch.arange(len(hidden)), mask.sum(1) - 1]
    weights = mask.unsqueeze(-1).to(hidden.dtype)  # (batch, tokens, 1)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


def output_layers(width: int, labels: int, hidden: int | None, dropout: float) -> nn.Sequential:
    """A linear layer, or with `hidden` units an MLP, that turns a vector into logits."""
    if hidden is None:
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(width, labels))
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(width, hidden),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, labels),
    )


class PooledClassifier(nn.Module):
    """A bare backbone, pooled, with our own output layers."""

    def __init__(self, backbone: nn.Module, head: nn.Module, pooling: str) -> None:
        super().__init__()
        self.backbone, self.head, self.pooling = backbone, head, pooling

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Token ids and mask (batch, tokens) -> logits (batch, labels)."""
        hidden = self.backbone(input_ids=input_ids, attention_mask=attention_mask)
        return self.head(pool(hidden.last_hidden_state, attention_mask, self.pooling))


@dataclass(frozen=True)
class SequenceHead:
    """What the loop and the predictor need to know about whole-text classification."""

    labels: tuple[str, ...]
    pooling: str | None
    """None: the architecture's own classification head."""
    hidden: int | None = None
    """Units of the MLP; None: one linear layer."""

    @classmethod
    def for_task(cls, task: Task, backbone: Backbone, hidden: int | None) -> SequenceHead:
        """The head for a task that has `labels`; an MLP needs a pooled vector, so it pools."""
        pooling = backbone.pooling or ("mean" if hidden is not None else None)
        return cls(tuple(task.labels), pooling, hidden)  # type: ignore[attr-defined]

    def settle(
        self, backbone: Backbone, dropout: float, seed: int, encoded: list[list[int]], pad_id: int
    ) -> tuple[SequenceHead, nn.Module]:
        """This head and its model; our own head where the architecture's one does not do.

        An encoder-decoder is read by its encoder alone, and pooled by mean. Where the stock head
        reads the last position even if it is padding, ours reads the last token.

        Args:
            encoded: token ids of some rows to try it on.
        """
        head = self
        if head.pooling is None and reading_class(backbone) != "AutoModel":
            head = replace(self, pooling="mean")
        model = head.build(backbone, dropout, seed)
        if head.pooling is None and reads_padding(model, head, encoded, pad_id):
            head = replace(self, pooling="last")
            model = head.build(backbone, dropout, seed)
        return head, model

    def build(self, backbone: Backbone, dropout: float, seed: int) -> nn.Module:
        """A model with a freshly made head; equal seeds give equal heads."""
        torch.manual_seed(seed)
        if self.pooling is None:
            names = dict(enumerate(self.labels))
            return load_model(
                backbone,
                "AutoModelForSequenceClassification",
                dropout=dropout,
                num_labels=len(self.labels),
                id2label=names,
                label2id={label: index for index, label in names.items()},
                problem_type="single_label_classification",
            )
        body = load_model(backbone, "AutoModel", dropout=dropout)
        if isinstance(getattr(body, "pooler", None), nn.Module):
            body.pooler.requires_grad_(False)  # we pool ourselves, so no gradient reaches it
        torch.manual_seed(seed)
        head = output_layers(body.config.hidden_size, len(self.labels), self.hidden, dropout)
        return PooledClassifier(body, head, self.pooling)

    def encode(self, tokenizer: Any, inputs: Sequence[str], max_length: int) -> list[list[int]]:
        """Token ids of each text, cut at `max_length`."""
        return token_ids(tokenizer, inputs, max_length)

    def logits(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """The model's logits (batch, labels) in float32."""
        output = model(**batch)
        return (output if isinstance(output, Tensor) else output.logits).float()

    def targets(self, targets: Sequence[str]) -> Tensor:
        """Label numbers (rows,)."""
        number = {label: index for index, label in enumerate(self.labels)}
        return torch.tensor([number[target] for target in targets])

    def losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of each row (batch,), in nats."""
        return nn.functional.cross_entropy(logits, targets, reduction="none")

    def answers(self, logits: Tensor) -> list[Answer]:
        """Logits (rows, labels) -> the likeliest label with every label's probability."""
        answers = []
        for row in logits.softmax(-1).tolist():
            best = max(range(len(row)), key=row.__getitem__)
            scores = dict(zip(self.labels, row, strict=True))
            answers.append(Answer(self.labels[best], row[best], scores))
        return answers
