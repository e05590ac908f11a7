"""Where a row may have several labels, a fresh model answers with their shares."""

import math
from dataclasses import replace

import pytest
import torch

import shapes
import toy
from tunewell import registry
from tunewell.contracts import Job
from tunewell.fit.backbones import resolve
from tunewell.fit.heads.sequence import SequenceHead
from tunewell.fit.solve import said
from tunewell.measure.trial import load_model
from tunewell.values import Example, Machine

MACHINE = Machine(threads=1)
TOPICS = sorted(toy.TOPICS)
ROWS = tuple(
    Example(row.input, tuple(sorted({row.target, *(TOPICS[:1] if number % 5 == 0 else ())})))
    for number, row in enumerate(toy.examples(40))
)
TASK = registry.task("classify").from_examples(ROWS, answers="labels")
INPUTS = [row.input for row in ROWS]
SHARES = {topic: (sum(topic in row.target for row in ROWS) + 0.5) / 41 for topic in TOPICS}
EXPECTED = [math.log(share / (1 - share)) for share in SHARES.values()]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """Makes a small random backbone of a shape; pooled, or with the architecture's own head."""
    made = {}

    def make(shape, pooling=None):
        if shape not in made:
            made[shape] = resolve(str(shapes.save(shape, tmp_path_factory.mktemp(shape))))
        return replace(made[shape], pooling=pooling, max_length=24)

    return make


def output_layer(model):
    return [part for part in model.modules() if isinstance(part, torch.nn.Linear)][-1]


def without_steps(name, **more):
    """A method as it begins: nothing that it has moves."""
    return registry.method(name)(learning_rate=1e-12, epochs=1, weight_decay=0.0, **more)


@pytest.mark.parametrize("hidden", [None, 8])
def test_our_layers_begin_with_the_shares(backbone, hidden):
    assert pytest.approx(SHARES) == TASK.shares
    head = SequenceHead.for_task(TASK, backbone("bert", "mean"), hidden)
    model = head.build(backbone("bert", "mean"), 0.0, 3)
    assert model.head[-1].bias.tolist() == pytest.approx(EXPECTED, abs=1e-5)
    assert said(TASK, model.head[-1].bias[None])[0].scores == pytest.approx(SHARES, abs=1e-5)


@pytest.mark.parametrize(
    "shape", ["bert", "distilbert", "roberta", "electra", "xlnet", "modernbert", "deberta-v3"]
)
def test_heads_of_transformers_begin_with_the_shares(backbone, shape):
    head = SequenceHead.for_task(TASK, backbone(shape), None)
    model = head.build(backbone(shape), 0.0, 3)
    begun = [
        name
        for name, p in model.named_parameters()
        if p.shape == (len(TOPICS),) and p.tolist() == pytest.approx(EXPECTED, abs=1e-5)
    ]
    assert len(begun) == 1 and begun[0].endswith(".bias")


@pytest.mark.parametrize(("shape", "pooling"), [("bert", "mean"), ("bert", None), ("gpt2", None)])
def test_equal_seeds_give_equal_models_that_differ_by_the_bias_alone(backbone, shape, pooling):
    head = SequenceHead.for_task(TASK, backbone(shape, pooling), None)
    one, same = (head.build(backbone(shape, pooling), 0.0, 3).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    plain = replace(head, shares={}).build(backbone(shape, pooling), 0.0, 3).state_dict()
    differ = [name for name in one if not torch.equal(one[name], plain[name])]
    expected = {("bert", "mean"): ["head.1.bias"], ("bert", None): ["classifier.bias"]}
    assert differ == expected.get((shape, pooling), [])  # the layer of GPT-2 has no bias


@pytest.mark.parametrize("name", ["head", "full", "lora", "prompt_tuning", "from_scratch"])
@pytest.mark.parametrize("pooling", ["mean", None])
def test_methods_begin_with_the_shares(backbone, name, pooling):
    job = Job(TASK, ROWS, ROWS, backbone("bert", pooling), MACHINE)
    model = without_steps(name).fit(job).model
    assert output_layer(model).bias.tolist() == pytest.approx(EXPECTED, abs=1e-5)


@pytest.mark.parametrize("name", ["head", "full", "lora", "prompt_tuning", "adapter"])
@pytest.mark.parametrize("pooling", ["mean", None])
def test_what_was_learnt_comes_back_and_not_the_shares(backbone, tmp_path, name, pooling):
    method = replace(registry.method(name)(), learning_rate=0.05, epochs=1, batch_size=8)
    predictor = method.fit(Job(TASK, ROWS, ROWS, backbone("bert", pooling), MACHINE))
    learnt = output_layer(predictor.model).bias.tolist()
    assert max(abs(a - b) for a, b in zip(learnt, EXPECTED, strict=True)) > 1e-3
    predictor.save(tmp_path)
    again = load_model(tmp_path, MACHINE)
    assert output_layer(again.model).bias.tolist() == learnt
    answers = zip(again.predict(INPUTS), predictor.predict(INPUTS), strict=True)
    assert all(one.scores == pytest.approx(other.scores, abs=1e-6) for one, other in answers)


def test_a_head_that_an_earlier_run_has_learnt_stays(backbone, tmp_path):
    method = replace(registry.method("full")(), learning_rate=0.05, epochs=1, batch_size=8)
    earlier = method.fit(Job(TASK, ROWS, ROWS, backbone("bert"), MACHINE))
    earlier.save(tmp_path)
    known = replace(resolve(str(tmp_path)), pooling=None, max_length=24)
    model = without_steps("full").fit(Job(TASK, ROWS, ROWS, known, MACHINE)).model
    learnt = output_layer(earlier.model).bias.tolist()
    assert output_layer(model).bias.tolist() == pytest.approx(learnt, abs=1e-6)
