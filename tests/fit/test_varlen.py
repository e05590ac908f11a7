"""Rows end to end by a kernel for rows of many lengths say what rows say one after the other.

The kernel itself takes a GPU. Here the same is computed in plain steps by what is written of it:
what it is told, how it is tried, and what it is given for gradients can be seen on any machine.
"""

from functools import cache

import pytest
import torch

import shapes
from fit.test_packing import LENGTHS, PACKED, WINDOWED, assert_same, rows
from tunewell.fit import packing, row_by_row, varlen
from tunewell.fit.backbones import load_model, resolve
from tunewell.fit.heads.own import own_model
from tunewell.fit.row_by_row import Rows, Rule
from tunewell.fit.varlen import Spans

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    root = tmp_path_factory.mktemp("shapes")
    return cache(lambda shape: resolve(str(shapes.save(shape, root / shape))))


def plain(query, key, value, spans):
    """FlashAttention's own words: row by row, the last query of a row beside its last key."""
    parts = []
    left, right = spans.window
    for row in range(len(spans.query_ends) - 1):
        q = query[spans.query_ends[row] : spans.query_ends[row + 1]]  # (queries, heads, width)
        k, v = (x[spans.key_ends[row] : spans.key_ends[row + 1]] for x in (key, value))
        assert len(q) <= spans.most_queries and len(k) <= spans.most_keys
        groups = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        device = q.device
        at = torch.arange(len(q), device=device).unsqueeze(1) + len(k) - len(q)
        apart = torch.arange(len(k), device=device) - at  # (queries, keys)
        seen = torch.ones_like(apart, dtype=torch.bool)
        if left >= 0:
            seen &= apart >= -left
        if right >= 0:
            seen &= apart <= right
        scores = torch.einsum("qhw,khw->hqk", q, k).float()
        scores = scores * (q.shape[-1] ** -0.5 if spans.scale is None else spans.scale)
        shares = scores.masked_fill(~seen, -torch.inf).softmax(-1).to(v.dtype)
        parts.append(torch.einsum("hqk,khw->qhw", shares, v))
    return torch.cat(parts)


@pytest.fixture
def with_kernel(monkeypatch):
    """A CPU has a kernel as well."""
    monkeypatch.setitem(varlen.KERNELS, "cpu", plain)
    varlen.fault.cache_clear()
    yield
    varlen.fault.cache_clear()


def states(rows, keys=2, heads=4, width=8):
    chance = torch.Generator().manual_seed(0)
    total = sum(rows.lengths)
    counts = ((heads, total), (keys, rows.past + total), (keys, rows.past + total))
    return [
        torch.randn(1, many, tokens, width, generator=chance, requires_grad=True)
        for many, tokens in counts
    ]


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("window", [None, 1, 4])
@pytest.mark.parametrize("past", [0, 3])
@pytest.mark.parametrize("asking", ["all", "first", "last"])
def test_outputs_and_gradients_are_those_of_one_row_after_the_other(
    with_kernel, causal, window, past, asking
):
    rows, rule = Rows((3, 9, 9, 1), past), Rule(causal, window, 0.3)
    places = {
        "all": None,
        "first": (0,) * len(rows.lengths),
        "last": tuple(length - 1 for length in rows.lengths),
    }[asking]
    given, found = states(rows), []
    for way in (varlen.attend, row_by_row.attend):
        output = way(*given, rows, rule, places)
        spread = torch.linspace(-1, 1, output.numel()).view(output.shape)
        found.append([output, *torch.autograd.grad((output * spread).sum(), given)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_what_was_first_made_for_answers_serves_training(with_kernel):
    rows, rule = Rows((2, 6, 7), 2), Rule(causal=True)
    given = states(rows)
    with torch.inference_mode():
        varlen.attend(*given, rows, rule, (1, 5, 6))
    output = varlen.attend(*given, rows, rule, (1, 5, 6))
    assert all(g.abs().max() > 0 for g in torch.autograd.grad(output.sum(), given[1:]))


def a_kernel_that(change):
    return lambda query, key, value, spans: plain(query, key, value, change(spans))


WRONG = {
    "sees what comes after": lambda spans: spans._replace(window=(spans.window[0], -1)),
    "knows no windows": lambda spans: spans._replace(window=(-1, spans.window[1])),
    "has a window one wider": lambda spans: spans._replace(
        window=(spans.window[0] + 1, spans.window[1])
    ),
    "knows no scale": lambda spans: spans._replace(scale=None),
    "sees the next row": lambda spans: spans._replace(
        query_ends=spans.query_ends[[0, -1]],
        key_ends=spans.key_ends[[0, -1]],
        most_queries=10**6,
        most_keys=10**6,
    ),
}


def the_heads(dtype=torch.float32, past=False):
    return varlen.Heads(4, 2, 8, dtype, CPU, past)


@pytest.mark.parametrize("fault", WRONG)
def test_a_kernel_that_is_wrong_is_found_out(with_kernel, monkeypatch, fault):
    rule = Rule(causal=True, window=4096, scale=0.9)
    assert varlen.fault(the_heads(), rule) == ""
    varlen.fault.cache_clear()
    monkeypatch.setitem(varlen.KERNELS, "cpu", a_kernel_that(WRONG[fault]))
    assert "differs by" in varlen.fault(the_heads(), rule)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("past", [True, False])
@pytest.mark.parametrize("window", [None, 512])
def test_rounding_to_16_bits_is_no_fault(with_kernel, causal, past, window):
    assert varlen.fault(the_heads(torch.bfloat16, past), Rule(causal, window)) == ""


def test_numbers_that_are_none_are_a_fault(with_kernel, monkeypatch):
    monkeypatch.setitem(varlen.KERNELS, "cpu", lambda *given: plain(*given) * torch.nan)
    assert "differs by nan" in varlen.fault(the_heads(), Rule(True))


def test_a_kernel_that_does_not_run_is_told_and_memory_that_is_short_is_not(
    with_kernel, monkeypatch
):
    def refuse(*given):
        raise RuntimeError("head sizes must be multiples of 8\nand so on")

    monkeypatch.setitem(varlen.KERNELS, "cpu", refuse)
    told = varlen.fault(the_heads(), Rule(True))
    assert told == "its attention has no kernel: head sizes must be multiples of 8"

    def run_out(*given):
        raise torch.OutOfMemoryError("out of memory")

    varlen.fault.cache_clear()
    monkeypatch.setitem(varlen.KERNELS, "cpu", run_out)
    with pytest.raises(torch.OutOfMemoryError):
        varlen.fault(the_heads(), Rule(True))


@pytest.mark.parametrize("shape", sorted(PACKED))
def test_bodies_say_by_a_kernel_what_rows_alone_say(backbone, with_kernel, shape):
    model = load_model(backbone(shape), "AutoModel", dropout=0.0)
    seen = assert_same(
        model,
        lambda m, batch: m(**batch).last_hidden_state[batch["attention_mask"] != 0].flatten(),
        rows(model),
    )
    assert seen == [(1, sum(LENGTHS))]


@pytest.mark.parametrize("pooling", ["cls", "last"])
@pytest.mark.parametrize("shape", ["bert", "llama", *WINDOWED])
def test_a_last_layer_that_stops_at_what_is_read_says_the_same(
    backbone, with_kernel, shape, pooling
):
    model = own_model(backbone(shape), pooling, 3, None, 0.0, seed=0).eval()
    assert_same(model, lambda m, batch: m(**batch), rows(model))


def test_a_body_whose_kernel_is_wrong_stays_padded_and_right(backbone, with_kernel, monkeypatch):
    body = load_model(backbone("bert"), "AutoModel", dropout=0.0)
    monkeypatch.setitem(varlen.KERNELS, "cpu", lambda *given: 2 * plain(*given))
    varlen.fault.cache_clear()
    batch = rows(body)
    with torch.no_grad():
        said = body(**batch).last_hidden_state
    assert "differs by" in packing.why_padded(body)
    row = {name: value[:1, : LENGTHS[0]] for name, value in batch.items()}
    with torch.no_grad():
        alone = body(**row).last_hidden_state
    torch.testing.assert_close(said[:1, : LENGTHS[0]], alone, rtol=1e-5, atol=1e-5)


def test_without_a_kernel_rows_run_end_to_end_on_a_cpu_alone():
    assert varlen.usable(CPU)
    assert not varlen.usable(torch.device("meta"))
    assert not varlen.usable(torch.device("cuda"))  # in float32
    with torch.autocast("cpu", torch.bfloat16):
        assert not varlen.usable(torch.device("meta"))


@pytest.mark.parametrize("keys", [4, 2])
@pytest.mark.parametrize("window", [(-1, -1), (-1, 0), (4, 0), (4, 4)])
def test_torchs_own_kernel_takes_what_it_is_given(keys, window):
    """On torch's `meta` device, where functions tell shapes and compute nothing."""
    ends = torch.tensor([0, 3, 12, 13], dtype=torch.int32, device="meta")
    shapes_of = ((13, 4, 8), (13, keys, 8), (13, keys, 8))
    given = [
        torch.empty(shape, dtype=torch.bfloat16, device="meta", requires_grad=True)
        for shape in shapes_of
    ]
    output = varlen.torchs(*given, Spans(ends, ends, 9, 9, window, 0.5))
    assert output.shape == (13, 4, 8) and output.dtype == torch.bfloat16
    gradients = torch.autograd.grad(output.sum(), given)
    assert [tuple(gradient.shape) for gradient in gradients] == list(shapes_of)
