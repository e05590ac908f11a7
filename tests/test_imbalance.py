"""Rare labels: weights, focal loss and balanced batches reach every method that trains."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_class_weight

import toy
from test_method_laws import small
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import ConfigError
from tunewell.fit.batches import epoch_batches
from tunewell.fit.heads.sequence import SequenceHead
from tunewell.fit.heads.token import TokenHead
from tunewell.fit.solve import solve
from tunewell.imbalance import (
    Imbalance,
    LabelOptions,
    chances_of,
    shares_of,
    weight_without,
    weights_of,
)
from tunewell.options import from_keywords
from tunewell.ready import learn_task, read_rows
from tunewell.values import Backbone, Example, Machine, Span

BALANCED = LabelOptions(class_weights="balanced")
NOWHERE = Backbone("", None, "", "mean", 0)


def test_weights_are_those_of_scikit_learn():
    targets = list("aaaaaabbbc")
    expected = compute_class_weight("balanced", classes=np.array(list("abc")), y=targets)
    assert list(weights_of(targets, BALANCED).values()) == pytest.approx(expected)
    assert weights_of(targets, LabelOptions()) == {}
    given = [("a",), ("a", "b"), (), ("a",)]
    for label, weight in weights_of(given, BALANCED).items():
        column = [label in each for each in given]
        without, has = compute_class_weight("balanced", classes=np.array([False, True]), y=column)
        assert (weight, weight_without(weight)) == pytest.approx((has, without))
    spans = [(Span(0, 1, "PER"), Span(2, 3, "PER"), Span(3, 4, "LOC"))]
    assert weights_of(spans, Imbalance("balanced")) == {"LOC": 1.5, "PER": 0.75}


def test_shares_are_those_of_the_rows_that_training_meets():
    given = [("a",), ("a", "b"), ("a",), ()]
    assert shares_of(given, LabelOptions()) == {"a": 3.5 / 5, "b": 1.5 / 5}
    assert shares_of(given, BALANCED) == {}
    often = LabelOptions(balanced_batches=True)
    assert chances_of(given) == pytest.approx([1 / 3, 1, 1 / 3, 1])
    met = {"a": 4 * (5 / 3) / (8 / 3), "b": 4 * 1 / (8 / 3)}
    expected = {label: (rows + 0.5) / 5 for label, rows in met.items()}
    assert shares_of(given, often) == pytest.approx(expected)
    rows = [Example("x", labels) for labels in given]
    several = registry.task("classify").from_examples(rows, answers="labels")
    assert several.shares == shares_of(given, LabelOptions())
    assert registry.task("classify").from_json(several.to_json()) == several
    one = registry.task("classify").from_examples([Example("x", each) for each in "aab"])
    assert one.shares == {}


def test_losses_of_one_label_are_weighted_and_focal():
    head = SequenceHead(("a", "b"), "mean", weights={"a": 0.5, "b": 2.0}, gamma=2.0)
    logits, targets = torch.randn(6, 2), torch.tensor([0, 1, 1, 0, 1, 0])
    chance = logits.softmax(-1)[torch.arange(6), targets]
    expected = -((1 - chance) ** 2) * chance.log() * torch.tensor([0.5, 2.0])[targets]
    assert head.losses([], logits, targets).tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    plain = replace(head, weights={}, gamma=0.0).losses([], logits, targets)
    assert plain.tolist() == pytest.approx((-chance.log()).tolist(), abs=1e-6)


def test_losses_of_several_labels_are_weighted_and_focal():
    head = SequenceHead(("a", "b"), "mean", kind="labels", weights={"a": 2.0, "b": 0.8}, gamma=1.0)
    logits, targets = torch.randn(4, 2), torch.tensor([[1.0, 0], [0, 1], [0, 0], [1, 1]])
    chance = torch.where(targets > 0, logits.sigmoid(), 1 - logits.sigmoid())
    without = torch.tensor([weight_without(2.0), weight_without(0.8)]).expand(4, 2)
    weights = torch.where(targets > 0, torch.tensor([2.0, 0.8]), without)
    expected = (-(1 - chance) * chance.log() * weights).mean(-1)
    assert head.losses([], logits, targets).tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_losses_of_words_are_weighted_and_focal():
    head = TokenHead(("LOC", "PER"), weights={"LOC": 3.0, "PER": 0.5}, gamma=2.0)
    logits, targets = torch.randn(1, 4, 5), torch.tensor([[0, 1, 4, -100]])
    chance = logits[0].softmax(-1)[torch.arange(3), targets[0, :3]]
    expected = (-((1 - chance) ** 2) * chance.log() * torch.tensor([1.0, 3.0, 0.5])).sum() / 3
    assert head.losses([None], logits, targets).item() == pytest.approx(expected.item(), abs=1e-6)


def test_a_linear_model_is_weighted_as_scikit_learn_does():
    chance = np.random.default_rng(0)
    rows, targets = chance.normal(size=(60, 3)), ["b" if n % 6 else "a" for n in range(60)]
    examples = [Example("x", target) for target in targets]
    task = registry.task("classify").from_examples(examples, options=BALANCED)
    weights, _ = solve(task, rows, targets, 1.0, 0, max_iter=500)
    expected = LogisticRegression(C=1.0, class_weight="balanced", max_iter=500).fit(rows, targets)
    assert (weights[1] - weights[0]).tolist() == pytest.approx(expected.coef_[0], abs=1e-3)


def test_rows_of_rare_labels_are_drawn_more_often():
    targets = ["a"] * 90 + ["b"] * 10
    drawn: Counter = Counter()
    for epoch in range(20):
        batches = epoch_batches([5] * 100, 16, 0, epoch, chances_of(targets))
        assert sum(map(len, batches)) == 100
        drawn.update(targets[row] for batch in batches for row in batch)
    assert drawn["b"] / drawn.total() == pytest.approx(0.5, abs=0.05)
    assert chances_of([("a", "b"), ("a",), ()]) == [1, 0.5, 1]


@pytest.mark.parametrize("options", [BALANCED, LabelOptions(balanced_batches=True)])
def test_a_method_that_trains_finds_more_of_a_rare_label(toy_backbone, options):
    from tunewell.fit.backbones import resolve

    rows = [e for e in toy.examples(300) if e.target != "desert" or e.row % 10 == 0]
    held_out, test = toy.examples(30, seed=1), toy.examples(120, seed=2)
    rare = [example for example in test if example.target == "desert"]
    found = []
    for asked in (LabelOptions(), options):
        task = registry.task("classify").from_examples(rows, options=asked)
        method = replace(small(registry.method("head")), epochs=2)
        job = Job(task, tuple(rows), held_out, resolve(str(toy_backbone)), Machine(threads=1))
        answers = method.fit(job).predict([example.input for example in rare])
        found.append(np.mean([answer.scores["desert"] for answer in answers]))
    assert found[1] > found[0] + 0.05


def test_options_of_a_task_are_options_of_the_run(tmp_path):
    lines = [f"text {n} {'good' if n % 5 else 'bad'},{n % 5 > 0}" for n in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["text,label", *lines]))
    asked = {"data": str(tmp_path / "a.csv"), "classify": {"class_weights": "balanced"}}
    options = from_keywords(asked).options
    task, _ = learn_task(options, read_rows(options))
    assert task.weights["False"] > 2 > 1 > task.weights["True"]
    assert type(task).from_json(task.to_json()) == task
    with pytest.raises(ConfigError, match="the task is classify"):
        from_keywords({**asked, "tag": {"focal_gamma": 2}})


def test_a_separator_is_as_the_user_says(tmp_path):
    lines = [f'text number {n},"{["a,b", "a", "b", "b,a"][n % 4]}"' for n in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["text,label", *lines]))
    for said, labels in (("single", {"a,b", "a", "b", "b,a"}), ("comma", {"a", "b"})):
        asked = {"data": str(tmp_path / "a.csv"), "classify": {"separator": said}}
        options = from_keywords(asked).options
        task, _ = learn_task(options, read_rows(options))
        assert set(task.labels) == labels
