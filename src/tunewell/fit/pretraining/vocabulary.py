"""A tokenizer of a corpus: byte-level byte-pair encoding, which loses nothing of any text.

Sennrich et al. (arXiv 1508.07909); bytes as the alphabet are GPT-2's (Radford et al., 2019).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tunewell.fit.pretraining.settings import Objective

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SAMPLE_BYTES = 20_000_000
"""Text that pairs are counted in; more changes few of them."""
END = "<|endoftext|>"
MASKED = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


def train_tokenizer(
    texts: Iterable[str], objective: Objective, entries: int, window: int
) -> PreTrainedTokenizerFast:
    """Learn a vocabulary of at most so many entries.

    For `causal`, one token stands before each text, after each, and for padding. For `masked`,
    texts stand between [CLS] and [SEP], and there is a [MASK].

    Args:
        window: tokens that the model reads at once.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    special = [END] if objective == "causal" else list(MASKED.values())
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=entries,
        # The space before a hidden word is part of it.
        special_tokens=[AddedToken(token, lstrip=token == "[MASK]") for token in special],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    if objective == "causal":
        made.post_processor = TemplateProcessing(
            single=f"{END} $A", pair=f"{END} $A $B", special_tokens=[(END, special.index(END))]
        )
        names = dict.fromkeys(("bos_token", "eos_token", "pad_token"), END)
        return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=window, **names)
    made.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[(token, special.index(token)) for token in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=window, **MASKED)
