"""Whether a model's rows say end to end what they say alone, on a device: gpu_exact.py FOLDER.

Rows of several lengths are run in float32 alone, and in bfloat16 alone, padded and end to end.
Prints how far each is from float32, as a share of the largest state, why rows stay padded where
they do, and the milliseconds of a training step of sixteen rows both ways.
"""

import argparse
import json
import time

import torch

from tunewell.fit.attention import staying_padded
from tunewell.fit.backbones import load_model, resolve
from tunewell.fit.fused import fuse
from tunewell.fit.packing import why_padded

LENGTHS = (3, 31, 64, 17, 64, 1)
TIMED = 5


def rows(body, lengths, device):
    """Random words (rows, tokens) and their mask."""
    chance = torch.Generator().manual_seed(0)
    words = body.get_input_embeddings().num_embeddings
    ids = torch.randint(words // 2, words, (len(lengths), max(lengths)), generator=chance)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
    return {"input_ids": ids.to(device), "attention_mask": mask.long().to(device)}


def said(body, batch, low):
    """States of all tokens that are none of padding (tokens, hidden), and a weight's gradient."""
    device = batch["input_ids"].device.type
    with torch.autocast(device, torch.bfloat16, enabled=low):
        hidden = body(**batch).last_hidden_state.float()[batch["attention_mask"] != 0]
    spread = torch.linspace(-1, 1, hidden.shape[-1], device=hidden.device)
    moving = max(body.parameters(), key=lambda p: p.numel())
    return hidden.detach(), torch.autograd.grad((hidden * spread).mean(), moving)[0]


def alone(body, batch, low):
    """The same of each row by itself; gradients are left out."""
    lengths = batch["attention_mask"].sum(1).tolist()
    parts = [
        said(body, {name: x[row : row + 1, :length] for name, x in batch.items()}, low)[0]
        for row, length in enumerate(lengths)
    ]
    return torch.cat(parts)


def milliseconds(body, batch):
    """Of a step's forward and backward pass; the median, after a first one."""
    times = []
    for _ in range(TIMED + 1):
        begun = time.perf_counter()
        said(body, batch, low=True)[1].sum().item()
        times.append(1000 * (time.perf_counter() - begun))
    return sorted(times[1:])[TIMED // 2]


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("folder")
    ask.add_argument("--device", default="cuda")
    asked = ask.parse_args()
    backbone = resolve(asked.folder)
    body = load_model(backbone, "AutoModel", dropout=0.0).eval().to(asked.device)
    fused = fuse(body)
    most = backbone.max_length
    batch = rows(body, [min(length, most) for length in LENGTHS], asked.device)
    with staying_padded():
        exact = alone(body, batch, low=False)
        one, (padded, slope) = alone(body, batch, low=True), said(body, batch, low=True)
    together, other = said(body, batch, low=True)
    largest = exact.abs().max()
    found = {
        "padded because": why_padded(body),
        "alone": float((one - exact).abs().max() / largest),
        "padded": float((padded - exact).abs().max() / largest),
        "end to end": float((together - exact).abs().max() / largest),
        "gradient": float((other - slope).abs().max() / slope.abs().max()),
        "modules by liger-kernel": fused,
    }
    timed = rows(body, [max(1, most * (number + 1) // 16) for number in range(16)], asked.device)
    found["milliseconds end to end"] = milliseconds(body, timed)
    with staying_padded():
        found["milliseconds padded"] = milliseconds(body, timed)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
