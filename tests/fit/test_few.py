"""Where one token of a row is read, the last layer computes no other, and nothing else changes."""

from functools import cache

import pytest
import torch

import shapes
from tunewell.fit import anatomy, attention
from tunewell.fit.backbones import load_model, resolve
from tunewell.fit.few import reading
from tunewell.fit.heads.own import own_model

STOPPING = {
    "bert",
    "distilbert",
    "roberta",
    "electra",
    "modernbert",
    "gpt2",
    "opt",
    "llama",
    "mistral",
    "qwen2",
    "qwen3",
    "gemma",
}
LENGTHS = (3, 60, 9, 9, 1)
"""The longest is past the windows of `shapes`, two are alike, and none is in order."""
CLOSE = 1e-5


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    root = tmp_path_factory.mktemp("shapes")
    return cache(lambda shape: resolve(str(shapes.save(shape, root / shape))))


def rows(model, lengths=LENGTHS):
    """Random words (rows, tokens) with their mask, padded on the right."""
    chance = torch.Generator().manual_seed(1)
    words = anatomy.body(model).get_input_embeddings().num_embeddings
    ids = torch.randint(words // 2, words, (len(lengths), max(lengths)), generator=chance)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
    return {"input_ids": ids, "attention_mask": mask.long()}


def said(model, batch):
    """Logits, gradients of all that moves, and the most tokens that a last layer's part saw."""
    last, seen = anatomy.layers(anatomy.body(model))[1][-1], []
    linear = [module for module in last.modules() if isinstance(module, torch.nn.Linear)]
    hooks = [
        module.register_forward_hook(lambda _, args, __: seen.append(args[0].shape[-2]))
        for module in linear
    ]
    try:
        logits = model(**batch)
    finally:
        for hook in hooks:
            hook.remove()
    spread = torch.linspace(-1, 1, logits.numel()).view(logits.shape)
    moving = [p for p in model.parameters() if p.requires_grad]
    gradients = torch.autograd.grad((logits * spread).sum(), moving, materialize_grads=True)
    return logits.detach(), gradients, seen


@pytest.mark.parametrize("pooling", ["cls", "last"])
@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_logits_and_gradients_are_those_of_rows_alone(backbone, shape, pooling):
    model = own_model(backbone(shape), pooling, 3, None, 0.0, seed=0).eval()
    assert bool(getattr(model.backbone, "last_layer", "")) == (shape in STOPPING)
    batch = rows(model)
    few, pulled, seen = said(model, batch)
    parts = []
    for row, length in enumerate(LENGTHS):
        with attention.staying_padded():
            alone = {name: value[row : row + 1, :length] for name, value in batch.items()}
            parts.append(model(**alone))
    alone = torch.cat(parts)
    assert (few - alone).abs().max() <= CLOSE * alone.abs().max().clamp(min=1)
    spread = torch.linspace(-1, 1, alone.numel()).view(alone.shape)
    moving = [p for p in model.parameters() if p.requires_grad]
    others = torch.autograd.grad((alone * spread).sum(), moving, materialize_grads=True)
    largest = max(float(gradient.abs().max()) for gradient in others)
    for one, other in zip(pulled, others, strict=True):
        assert (one - other).abs().max() <= CLOSE * max(1.0, largest)
    if shape in STOPPING and seen:  # GPT-2's layers are no linear ones by name
        assert min(seen) == len(LENGTHS)
        assert seen.count(sum(LENGTHS)) <= 3  # queries, keys and values


def test_all_tokens_are_there_where_all_are_read(backbone):
    body = load_model(backbone("bert"), "AutoModel", dropout=0.0).eval()
    batch = rows(body)
    with torch.no_grad():
        whole = body(**batch).last_hidden_state
        with reading("mean", batch["attention_mask"]):
            assert body(**batch).last_hidden_state.equal(whole)
        with reading("last", batch["attention_mask"]):
            few = body(**batch).last_hidden_state
    ends = batch["attention_mask"].sum(1) - 1
    at = torch.arange(len(ends))
    torch.testing.assert_close(few[at, ends], whole[at, ends], rtol=1e-5, atol=1e-5)
    assert few.count_nonzero() == few[at, ends].count_nonzero()


def test_rows_of_one_token_each(backbone):
    model = own_model(backbone("bert"), "cls", 3, None, 0.0, seed=0).eval()
    logits, _, _ = said(model, rows(model, (1, 1, 1)))
    assert logits.shape == (3, 3)


@pytest.mark.parametrize("shape", ["bert", "llama"])
def test_one_row_of_as_many_tokens_as_there_are_heads(backbone, shape):
    model = own_model(backbone(shape), "last", 3, None, 0.0, seed=0).eval()
    batch = rows(model, (shapes.HEADS,))
    few, _, _ = said(model, batch)
    with attention.staying_padded():
        torch.testing.assert_close(few, model(**batch).detach(), rtol=1e-5, atol=1e-5)


def test_as_many_tokens_as_the_model_is_wide(backbone):
    """GPT-2 lays its tokens out as a matrix, whose width is no number of tokens."""
    model = own_model(backbone("gpt2"), "last", 3, None, 0.0, seed=0).eval()
    wide = model.backbone.config.hidden_size
    lengths = (wide // 2, wide // 4, wide // 4)
    batch = rows(model, lengths)
    few, _, _ = said(model, batch)
    alone = []
    for row, length in enumerate(lengths):
        with attention.staying_padded():
            alone.append(model(**{name: x[row : row + 1, :length] for name, x in batch.items()}))
    torch.testing.assert_close(few, torch.cat(alone).detach(), rtol=1e-5, atol=1e-5)
