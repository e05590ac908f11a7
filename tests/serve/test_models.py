"""Which models are served, and that equal weights lie in memory once."""

import pytest
import torch

import tunewell
from tunewell.fit import sharing
from tunewell.serve.models import open_models


def held(predictors) -> int:
    """Bytes of all parameters, each piece of memory counted once."""
    networks = [n for predictor in predictors for n in sharing.networks(predictor)]
    there = {
        p.data_ptr(): p.numel() * p.element_size()
        for network in networks
        for p in network.parameters()
    }
    return sum(there.values())


def test_adapters_share_their_backbone_and_answer_as_before(fitted, texts):
    """Of six models one is all its own, one has two layers of its own, the others little."""
    names = ("full", "lora", "last_layers", "head", "bitfit", "features")
    named = [f"{name}={fitted(name)}" for name in names]
    before = {name: tunewell.load(fitted(name)).predict(texts) for name in names}
    models = open_models(named)
    one = 4 * models["full"].predictor.parameters.total
    alone = {name: tunewell.load(fitted(name)) for name in names if name != "features"}
    assert held(alone.values()) > 5 * one
    assert held(model.predictor for model in models.values()) < 3.5 * one
    for name, model in models.items():
        for one_answer, other in zip(model.predictor.predict(texts), before[name], strict=True):
            assert one_answer.value == other.value
            assert one_answer.scores == pytest.approx(other.scores, abs=1e-6)


def test_adapters_that_write_share_their_backbone(writing, questions):
    folders = [writing("gpt2", method="lora", seed=seed) for seed in (0, 1)]
    before = [tunewell.load(folder).predict(questions) for folder in folders]
    models = open_models([f"{number}={folder}" for number, folder in enumerate(folders)])
    parts = models["0"].predictor.parameters
    assert held(m.predictor for m in models.values()) <= 4 * (parts.total + 2 * parts.trainable)
    assert [m.predictor.predict(questions) for m in models.values()] == before


def test_the_same_numbers_lie_in_memory_once_and_no_others():
    torch.manual_seed(0)
    one, same, other = (torch.nn.Linear(64, 64) for _ in range(3))
    same.load_state_dict(one.state_dict())
    weight = other.weight.clone()
    kept = {}
    assert sharing.share([one], kept) == 0
    assert sharing.share([same, other], kept) == (64 * 64 + 64) * 4
    assert same.weight.data_ptr() == one.weight.data_ptr() != other.weight.data_ptr()
    assert other.weight.data_ptr() != one.weight.data_ptr() and torch.equal(other.weight, weight)


def test_single_numbers_are_shared_too():
    models = [torch.nn.ParameterDict({"scale": torch.tensor(each)}) for each in (0.5, 0.5, 1.5)]
    assert sharing.share(models, {}) == 4
    assert models[0]["scale"].data_ptr() == models[1]["scale"].data_ptr()
    assert models[2]["scale"].item() == 1.5 and models[2]["scale"].shape == ()


def test_a_model_is_called_after_its_folder_or_as_it_is_told(fitted, tmp_path):
    assert list(open_models([str(fitted("majority"))])) == ["majority-0"]
    assert list(open_models([f"mine={fitted('majority')}"])) == ["mine"]
    with pytest.raises(tunewell.ConfigError, match="called 'majority-0'"):
        open_models([str(fitted("majority"))] * 2)
    with pytest.raises(tunewell.ConfigError, match="neither a run nor a model"):
        open_models([str(tmp_path)])
