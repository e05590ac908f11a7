"""The shape of a new model from its number of parameters, by one rule.

A Llama (arXiv 2302.13971) where the next word is learnt, a ModernBERT (arXiv 2412.13663) where
hidden words are; the output layer shares the input's weights. The vocabulary grows with the size
(arXiv 2407.13623); of what is left, width and layers are chosen so that the size is met and the
width is about forty times the number of layers, between SmolLM2's 19 and GPT-2's 64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunewell.fit.pretraining.settings import Objective

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

VOCABULARIES = ((10**5, 512), (10**6, 1024), (5 * 10**6, 4096), (30 * 10**6, 8192))
"""(parameters, entries): the vocabulary of models below so many parameters."""
LARGER = ((150 * 10**6, 16_384), (10**12, 32_768))
WINDOWS = ((10**6, 128), (50 * 10**6, 512), (500 * 10**6, 1024), (10**12, 2048))
"""(parameters, tokens): what models below so many parameters read at once."""
ASPECT = 40
"""Width over layers."""
WIDTHS = (*range(32, 512, 32), *range(512, 8193, 64))
MOST_LAYERS = 200
SIZE_WEIGHT = 3.0
"""What it counts to miss the size, against missing the aspect; both as logarithms of ratios."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a model."""

    objective: Objective
    hidden: int
    layers: int
    vocabulary: int
    window: int
    """Tokens that are read at once."""

    @property
    def heads(self) -> int:
        """Attention heads, of 64 numbers where the width is a multiple of it, else of 32."""
        return self.hidden // (64 if self.hidden % 64 == 0 else 32)

    @property
    def inner(self) -> int:
        """Units between the two halves of a layer's gated network."""
        wanted = self.hidden * (8 / 3 if self.objective == "causal" else 3 / 2)
        return 32 * math.ceil(wanted / 32)

    @property
    def parameters(self) -> int:
        """About how many there are; norms and biases are left out."""
        layer = 4 * self.hidden**2 + 3 * self.hidden * self.inner
        head = self.hidden**2 if self.objective == "masked" else 0
        return self.vocabulary * self.hidden + self.layers * layer + head


def shape_of(objective: Objective, parameters: int) -> Shape:
    """The shape of a new model with about so many parameters.

    >>> shape = shape_of("causal", 10_000_000)
    >>> shape.hidden, shape.layers, shape.vocabulary
    (288, 8, 8192)
    """
    vocabulary = next(v for most, v in (*VOCABULARIES, *LARGER) if parameters < most)
    window = next(tokens for most, tokens in WINDOWS if parameters < most)
    shapes = []
    for hidden in WIDTHS:
        one, two = (Shape(objective, hidden, n, vocabulary, window).parameters for n in (1, 2))
        layers = round(1 + (parameters - one) / (two - one))
        layers = min(MOST_LAYERS, max(1, layers))
        shapes.append(Shape(objective, hidden, layers, vocabulary, window))

    def miss(shape: Shape) -> float:
        size = math.log(shape.parameters / parameters)
        return SIZE_WEIGHT * abs(size) + abs(math.log(shape.hidden / shape.layers / ASPECT))

    return min(shapes, key=miss)


def configuration(shape: Shape, tokenizer: Any) -> PreTrainedConfig:
    """The configuration of transformers for a shape, with the tokenizer's words."""
    from transformers import LlamaConfig, ModernBertConfig

    sizes: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.inner,
        "max_position_embeddings": shape.window,
        "tie_word_embeddings": True,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    if shape.objective == "causal":
        # Named here, the token for padding would not be learnt, and it is that of an end.
        return LlamaConfig(**sizes, pad_token_id=None)
    ends = {"cls_token_id": tokenizer.cls_token_id, "sep_token_id": tokenizer.sep_token_id}
    ends["pad_token_id"] = tokenizer.pad_token_id
    # Without a task on the first token, the mean is what its vectors mean most.
    return ModernBertConfig(**sizes, **ends, classifier_pooling="mean")
