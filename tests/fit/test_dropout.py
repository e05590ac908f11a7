"""Dropout with fewer random numbers drops as often, scales as much and repeats with the seed."""

import pytest
import torch
from torch import nn

from tunewell.fit.dropout import draw_less


def dropout(p):
    module = nn.Sequential(nn.Dropout(p))
    draw_less(module)
    return module


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_as_many_units_are_dropped_as_asked_and_the_rest_made_up_for(p, dtype):
    torch.manual_seed(0)
    units = torch.ones(401, 999, dtype=dtype, requires_grad=True)
    found = dropout(p)(units)
    assert found.dtype == dtype
    for lane in range(4):  # each quarter of a draw
        share = (found.flatten()[lane::4] == 0).float().mean().item()
        assert share == pytest.approx(p, abs=0.006)  # four standard errors of 100,000 units
    kept = found[found != 0].float()
    assert kept.min().item() == kept.max().item() == pytest.approx(1 / (1 - p), rel=1e-2)
    found.sum().backward()
    assert torch.equal(units.grad, found.detach())


def test_neighbouring_units_are_dropped_independently():
    torch.manual_seed(0)
    dropped = (dropout(0.5)(torch.ones(400_001)) == 0).float()
    for apart in range(1, 9):
        both = (dropped[apart:] * dropped[:-apart]).mean().item()
        assert both == pytest.approx(0.25, abs=0.003)


def test_the_same_seed_drops_the_same():
    module, units = dropout(0.3), torch.ones(50, 7)
    torch.manual_seed(3)
    one = module(units)
    torch.manual_seed(3)
    assert torch.equal(module(units), one)
    assert not torch.equal(module(units), one)


def test_nothing_is_dropped_where_nothing_is_asked():
    units = torch.randn(5, 5)
    assert torch.equal(dropout(0.0)(units), units)
    assert torch.equal(dropout(0.5).eval()(units), units)
    assert not dropout(1.0)(units).any()
