"""A language model that reads texts on before it learns from rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tunewell.fit.pretraining.blocks import Blocks, sample
from tunewell.fit.pretraining.course import DECAY, Course, alone_first, reading_course
from tunewell.fit.pretraining.objectives import around
from tunewell.serve.plain.loop import within_tokens


def read_on(
    backbone: str,
    texts: str,
    masked: bool,
    window: int,
    passes: int,
    learning_rate: float,
    bfloat16: bool,
    no_dropout: dict[str, float],
) -> Any:
    """The language model of a backbone after it has read texts; its new output layer came first.

    Args:
        texts: a file with a text a line, as JSON.
        masked: whether it says words that are hidden, and not the next one.
        window: tokens of text that it reads at once.
        passes: times that all texts are read.
    """
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(backbone, trust_remote_code=False)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    torch.manual_seed(0)
    auto = AutoModelForMaskedLM if masked else AutoModelForCausalLM
    model, told = auto.from_pretrained(
        backbone,
        dtype=torch.float32,
        trust_remote_code=False,
        output_loading_info=True,
        **no_dropout,
    )
    with Path(texts).open(encoding="utf-8") as lines:
        blocks = sample([json.loads(line) for line in lines], tokenizer, window, not masked)
    words = hidden_words if masked else next_words
    course = reading_course(len(blocks.tokens), window, passes, learning_rate)
    new = {n for n in told["missing_keys"] if not n.startswith(f"{model.base_model_prefix}.")}
    if any(name in new for name, _ in model.named_parameters()):
        for name, p in model.named_parameters():
            p.requires_grad_(name in new)
        read_blocks(model, tokenizer, blocks, alone_first(course), bfloat16, words)
        model.requires_grad_(True)
    read_blocks(model, tokenizer, blocks, course, bfloat16, words)
    return model


def read_blocks(
    model: nn.Module, tokenizer: Any, blocks: Blocks, course: Course, bfloat16: bool, words: Any
) -> None:
    """The steps of a course over blocks of text; what requires a gradient moves.

    Args:
        words: what is read of pieces of text, and what is to be said: `next_words`, …
    """
    moving = [p for p in model.parameters() if p.requires_grad]
    matrices = {"params": [p for p in moving if p.ndim >= 2]}
    vectors = {"params": [p for p in moving if p.ndim < 2], "weight_decay": 0.0}
    optimizer = torch.optim.AdamW(
        [matrices, vectors], betas=(0.9, 0.95), weight_decay=0.1, fused=True
    )
    model.train()
    lengths, falls_from = [blocks.window] * len(blocks), course.steps - round(DECAY * course.steps)
    for step in range(course.steps):
        for group in optimizer.param_groups:
            group["lr"] = course.rate_at(step, falls_from)
        optimizer.zero_grad()
        rows = blocks.of_step(step, course.blocks, 0)
        for number, part in enumerate(within_tokens(rows, lengths, 8192)):
            torch.manual_seed(step * 64 + number)  # of what is hidden
            pieces = [piece for row in part for piece in blocks.pieces(row)]
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
                loss = missed_of_pieces(model, words, tokenizer, pieces) * len(part) / len(rows)
            loss.backward()
        nn.utils.clip_grad_norm_(moving, 1.0)
        optimizer.step()


def missed_of_pieces(
    model: nn.Module, words: Any, tokenizer: Any, pieces: Sequence[Sequence[int]]
) -> Tensor:
    """What the model misses of a token of some pieces on average, in nats.

    Pieces of like length run together, and none reads another document.
    """
    total, said = torch.zeros(()), torch.zeros(())
    lengths = [len(piece) for piece in pieces]
    for numbers in within_tokens(range(len(pieces)), lengths, sum(lengths)):
        some = [pieces[number] for number in numbers]
        ids, mask, labels = words(tokenizer, some)
        logits = model(input_ids=ids, attention_mask=mask).logits.float()
        total = total + nn.functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=-100, reduction="sum"
        )
        said = said + (labels != -100).sum()
    return total / said.clamp(min=1)


def next_words(tokenizer: Any, pieces: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, mask, and what follows each token, -100 where nothing does (pieces, tokens)."""
    ids, mask = beside_each_other(pieces, tokenizer.pad_token_id)
    known = ids.masked_fill(mask == 0, -100)
    return ids, mask, torch.cat([known[:, 1:], torch.full_like(ids[:, :1], -100)], dim=1)


def hidden_words(tokenizer: Any, pieces: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids with some of them hidden, mask, and what is hidden, else -100 (pieces, tokens)."""
    before, after = around(tokenizer)
    whole = [[*before, *piece, *after] for piece in pieces]
    ids, mask = beside_each_other(whole, tokenizer.pad_token_id)
    text = torch.ones(len(tokenizer), dtype=torch.bool)
    text[tokenizer.all_special_ids] = False
    hidden = text[ids] & (mask == 1) & (torch.rand(ids.shape) < 0.3)
    fate, others = torch.rand(ids.shape), torch.randint(len(tokenizer), ids.shape)
    seen = torch.where(fate < 0.8, tokenizer.mask_token_id, others)
    seen = torch.where(fate < 0.8 + 0.1, seen, ids)
    return torch.where(hidden, seen, ids), mask, ids.masked_fill(~hidden, -100)


def beside_each_other(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Ids and mask (rows, tokens), padded on the right."""
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad_id] * (longest - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask
