"""Modules that run by kernels say what they said; which ones they are is found by trying."""

import importlib.util
from functools import cache

import pytest
import torch
from torch import nn

import shapes
from fit.test_packing import LENGTHS, rows
from tunewell.fit import adapt
from tunewell.fit.backbones import load_model, resolve
from tunewell.fit.few import reading
from tunewell.fit.fused import Kernels, fuse, ligers

CALLS = []


def norm(states, weight, epsilon):
    """As liger-kernel says that its own computes."""
    CALLS.append("norm")
    size = states.float().pow(2).mean(-1, keepdim=True)
    return weight * (states.float() * torch.rsqrt(size + epsilon)).to(states.dtype)


def gate(one, other):
    CALLS.append("gate")
    return nn.functional.silu(one) * other


KERNELS = Kernels(norm, gate)
FUSED = {"llama": 3, "mistral": 3, "qwen2": 3, "qwen3": 5, "bert": 0, "gpt2": 0, "gemma": 0}
"""Modules a layer; a norm more stands behind the last. Gemma's have other rules, and BERT none."""


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    root = tmp_path_factory.mktemp("shapes")
    return cache(lambda shape: resolve(str(shapes.save(shape, root / shape))))


def states(body, batch):
    """Hidden states of tokens that are no padding, and the gradient of all weights."""
    found = body(**batch).last_hidden_state[batch["attention_mask"] != 0]
    spread = torch.linspace(-1, 1, found.numel()).view(found.shape)
    moving = [p for p in body.parameters() if p.requires_grad]
    return found.detach(), *torch.autograd.grad(
        (found * spread).sum(), moving, materialize_grads=True
    )


@pytest.mark.parametrize("shape", FUSED)
def test_states_and_gradients_stay_and_kernels_run(backbone, shape):
    body = load_model(backbone(shape), "AutoModel", dropout=0.0).eval()
    batch = rows(body)
    before = states(body, batch)
    CALLS.clear()
    many = FUSED[shape] and FUSED[shape] * shapes.LAYERS + 1
    assert fuse(body, KERNELS) == many
    CALLS.clear()
    after = states(body, batch)
    assert len(CALLS) == many
    for one, other in zip(after, before, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert fuse(body, KERNELS) == 0  # they are by now


def test_few_tokens_of_a_last_layer_go_through_kernels_as_well(backbone):
    body = load_model(backbone("llama"), "AutoModel", dropout=0.0).eval()
    batch = rows(body)
    ends = batch["attention_mask"].sum(1) - 1
    with torch.no_grad():
        whole = body(**batch).last_hidden_state[torch.arange(len(LENGTHS)), ends]
        fuse(body, KERNELS)
        with reading("last", batch["attention_mask"]):
            few = body(**batch).last_hidden_state[torch.arange(len(LENGTHS)), ends]
    torch.testing.assert_close(few, whole, rtol=1e-4, atol=1e-5)


def test_updates_beside_a_gated_layer_are_in_what_it_says(backbone):
    model = load_model(backbone("qwen2"), "AutoModelForSequenceClassification", dropout=0.0)
    model = adapt.with_lora(model, 4, 8, 0.0).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_B" in name:
                nn.init.normal_(p)
        batch = rows(model)
        before = model(**batch).logits
        assert fuse(model, KERNELS) > 0
        torch.testing.assert_close(model(**batch).logits, before, rtol=1e-4, atol=1e-5)


def fail(*given):
    raise OSError("no driver\nand so on")


@pytest.mark.parametrize(
    "wrong", [fail, lambda states, weight, epsilon: 1.01 * norm(states, weight, epsilon)]
)
def test_a_kernel_that_does_not_run_or_says_otherwise_is_not_used(backbone, wrong):
    body = load_model(backbone("llama"), "AutoModel", dropout=0.0).eval()
    batch = rows(body)
    before = states(body, batch)
    told = []
    assert fuse(body, KERNELS._replace(norm=wrong), told.append) == shapes.LAYERS
    assert told == (
        ["LlamaRMSNorm runs without liger-kernel (OSError: no driver)"] if wrong is fail else []
    )
    for one, other in zip(states(body, batch), before, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_memory_that_is_short_is_told(backbone):
    def run_out(*given):
        raise torch.OutOfMemoryError("out of memory")

    body = load_model(backbone("llama"), "AutoModel", dropout=0.0).eval()
    with pytest.raises(torch.OutOfMemoryError):
        fuse(body, KERNELS._replace(gate=run_out))


def test_on_a_cpu_nothing_changes(backbone):
    body = load_model(backbone("llama"), "AutoModel", dropout=0.0).eval()
    forwards = [vars(module).get("forward") for module in body.modules()]
    assert fuse(body) == 0
    assert [vars(module).get("forward") for module in body.modules()] == forwards


@pytest.mark.skipif(importlib.util.find_spec("liger_kernel") is not None, reason="it is installed")
def test_without_the_package_there_are_no_kernels():
    assert ligers() is None
