"""What writing for several clients in one batch saves: tokens a processor second, one to sixteen.

    python -m benchmarks.writing [HIDDEN] [LAYERS]

A decoder of Llama's shape with random weights (what is written does not change the work) writes 64
tokens after prompts of 20 to 80, as `tunewell serve` does it: each client in turn, and all in one
batch. Both take turns; the better of three rounds counts. One thread.
"""

import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tunewell.fit.generate import Prompt
from tunewell.fit.sampling import Draw
from tunewell.fit.together import begun, drawn, joined, step
from tunewell.values import Machine

CLIENTS, TOKENS, ROUNDS, WORDS = (1, 4, 16), 64, 3, 8192
MACHINE = Machine(threads=1)


def in_turn(model, prompts) -> None:
    """One client after the other."""
    for prompt in prompts:
        for _ in drawn(model, prompt, 1, [], MACHINE, Draw()):
            pass


def at_once(model, prompts) -> None:
    """All clients in one batch."""
    batches = [begun(model, prompt, 1, [], MACHINE, Draw()) for prompt in prompts]
    while batches:
        for batch in batches:
            step(batch)
        batches = joined([batch for batch in batches if batch.members])


def seconds(write, model, prompts) -> float:
    """Of processor time."""
    begun_at = time.process_time()
    write(model, prompts)
    return time.process_time() - begun_at


def main(hidden: int = 256, layers: int = 8) -> None:
    """Print a table."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=WORDS,
        hidden_size=hidden,
        intermediate_size=3 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 64,
        num_key_value_heads=hidden // 64,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config).eval()
    millions = sum(p.numel() for p in model.parameters()) / 1e6
    print(f"{millions:.0f} M parameters, {TOKENS} tokens a client, tokens a processor second")
    print("| clients | in turn | in one batch | times |\n|---:|---:|---:|---:|")
    in_turn(model, [Prompt([1], 4)])
    for clients in CLIENTS:
        sizes = [20 + 60 * number // max(1, clients - 1) for number in range(clients)]
        prompts = [Prompt(torch.randint(WORDS, (size,)).tolist(), TOKENS) for size in sizes]
        both = [[seconds(w, model, prompts) for w in (in_turn, at_once)] for _ in range(ROUNDS)]
        one, other = (min(each) for each in zip(*both, strict=True))
        rates = (clients * TOKENS / each for each in (one, other))
        print(f"| {clients} |", " | ".join(f"{r:.0f}" for r in rates), f"| {one / other:.1f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
