"""Which token a stock head reads is found by looking, and the last layer then stops at it."""

import pytest
import torch

import toy
from tunewell import registry
from tunewell.fit import anatomy, feeds
from tunewell.fit.backbones import load_tokenizer, resolve
from tunewell.fit.heads import head_for
from tunewell.fit.tensors import padded

ROWS = toy.examples(9)
TASK = registry.task("classify").from_examples(ROWS)


@pytest.mark.parametrize(
    ("shape", "expected"), [("bert", "cls"), ("gpt2", "last"), ("llama", "last")]
)
def test_what_a_stock_head_reads(random_backbone, shape, expected):
    backbone = resolve(str(random_backbone(shape)))
    head = head_for(TASK, backbone)
    model = head.build(backbone, 0.0, 0).eval()
    tokenizer = load_tokenizer(backbone)
    pieces = head.encode(tokenizer, [row.input for row in ROWS], 32)
    assert feeds.what_the_head_reads(model, head, pieces, tokenizer.pad_token_id) == expected
    batch = padded(pieces, tokenizer.pad_token_id, "cpu")
    moving = [p for p in model.parameters() if p.requires_grad]
    found = []
    for reads in (None, expected):
        model.reads = reads
        logits = head.logits(model, batch)
        loss = torch.nn.functional.cross_entropy(
            logits, head.targets(pieces, [r.target for r in ROWS])
        )
        found.append([logits.detach(), *torch.autograd.grad(loss, moving, materialize_grads=True)])
    for whole, few in zip(*found, strict=True):
        torch.testing.assert_close(few, whole, rtol=1e-5, atol=1e-5)
    last = list(anatomy.layers(anatomy.body(model))[1][-1].modules())[-2:]
    widths = []
    hooks = [m.register_forward_hook(lambda _, a, __: widths.append(a[0].shape[1])) for m in last]
    head.logits(model, batch)
    assert widths[-1] == len(pieces)  # not all their tokens
    for hook in hooks:
        hook.remove()
