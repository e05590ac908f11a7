"""Which vector a stock head reads is found by looking, whatever the precision."""

import pytest

import toy
from tunewell import registry
from tunewell.fit import anatomy, feeds
from tunewell.fit.backbones import load_tokenizer, resolve
from tunewell.fit.heads import head_for
from tunewell.values import Machine

ROWS = toy.examples(9)
TASK = registry.task("classify").from_examples(ROWS)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("shape", "expected"), [("bert", "cls"), ("gpt2", "last"), ("llama", "last")]
)
def test_what_a_stock_head_reads(random_backbone, shape, expected, dtype):
    backbone = resolve(str(random_backbone(shape)))
    head = head_for(TASK, backbone)
    model = anatomy.freeze_body(head.build(backbone, 0.0, 0))
    tokenizer = load_tokenizer(backbone)
    pieces = head.encode(tokenizer, [row.input for row in ROWS], 32)
    targets = head.targets(pieces, [row.target for row in ROWS])
    machine = Machine(dtype=dtype)
    feed = feeds.TokenFeed(head, pieces, targets, tokenizer.pad_token_id, machine)
    assert feeds.what_the_head_reads(model, feed) == expected
