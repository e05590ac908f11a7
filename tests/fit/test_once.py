"""Trials that share a body that none of them moves are the trials that each would be alone."""

from dataclasses import replace

import pytest
import torch

import toy
from tunewell import registry
from tunewell.contracts import Job
from tunewell.fit.anatomy import freeze_body
from tunewell.fit.backbones import resolve
from tunewell.fit.loop import train
from tunewell.fit.prefix import body_of
from tunewell.values import Machine

TRAIN, VALIDATION = toy.examples(48), toy.examples(15, seed=1)
HEAD = registry.method("head")(epochs=3)
SETTINGS = (
    {},
    {"learning_rate": 1e-3},
    {"learning_rate": 1e-1, "batch_size": 8},
    {"dropout": 0.5},
    {"hidden": 8},
    {"seed": 1},
)


@pytest.fixture
def job(toy_backbone):
    told = []
    task = registry.task("classify").from_examples(TRAIN)
    job = Job(task, TRAIN, VALIDATION, resolve(str(toy_backbone)), Machine(threads=1))
    return replace(job, report_progress=told.append), told


def run(job, setting, fit):
    """The weights of the head, the answers, and what was told of losses and scores."""
    given, told = job
    told.clear()
    options = {name: value for name, value in setting.items() if name != "seed"}
    predictor = fit(replace(HEAD, **options), replace(given, seed=setting.get("seed", 0)))
    answers = predictor.predict([row.input for row in VALIDATION])
    steps = [(p.loss, p.score) for p in told if p.done]
    return predictor.model.head.state_dict(), answers, predictor.parameters, steps


def alone(method, job):
    """Fitted on a model of its own: what is not known by name is tried each time."""
    return train(job, lambda model: freeze_body(model), method, hidden=method.hidden)


def test_settings_one_after_the_other_are_the_settings_alone_to_the_bit(job):
    run(job, {}, lambda method, job: method.fit(job))  # from here on the body is known
    for setting in SETTINGS:
        weights, *told = run(job, setting, lambda method, job: method.fit(job))
        own, *others = run(job, setting, alone)
        assert weights.keys() == own.keys()
        assert all(weights[name].equal(own[name]) for name in own)
        assert told == others


def test_many_settings_read_the_rows_once(job, tmp_path):
    given, told = job
    given = replace(given, cache=tmp_path)
    HEAD.fit(replace(given, train=TRAIN[:20]))  # pays for trying the body
    body, tokens = body_of(given.backbone, given.machine).model, []

    def count(module, args, kwargs, output):
        tokens.append(int(kwargs["attention_mask"].sum()))

    hook = body.register_forward_hook(count, with_kwargs=True)
    try:
        for rate in (1e-3, 1e-2, 1e-1, 1.0):
            for seed in (0, 1):
                replace(HEAD, learning_rate=rate).fit(replace(given, seed=seed))
    finally:
        hook.remove()
    pieces = body_of(given.backbone, given.machine).encode([row.input for row in TRAIN])
    rest = body_of(given.backbone, given.machine).encode([row.input for row in VALIDATION])
    assert sum(tokens) == sum(len(piece.ids) for piece in [*pieces, *rest])
    borrowed = [p.borrowed_seconds for p in told if p.borrowed_seconds]
    assert borrowed  # what a trial did not pay for is told as its cost all the same


def test_nothing_moves_the_body_that_they_share(job, tmp_path):
    given, _ = job
    body = body_of(given.backbone, given.machine).model
    before = {name: tensor.clone() for name, tensor in body.state_dict().items()}
    predictor = HEAD.fit(given)
    registry.method("full")(epochs=1).fit(given)
    registry.method("lora")(epochs=1).fit(given)
    predictor = HEAD.fit(given)
    predictor.save(tmp_path / "model")
    again = registry.method("head").load(tmp_path / "model", given.machine)
    assert again.model.backbone is body
    inputs = [row.input for row in VALIDATION]
    assert again.predict(inputs) == predictor.predict(inputs)
    whole = predictor.whole()
    with torch.no_grad():
        for p in whole.model.parameters():
            p.zero_()
    assert again.predict(inputs) == HEAD.fit(given).predict(inputs)
    after = body.state_dict()
    assert all(after[name].equal(tensor) for name, tensor in before.items())


def test_a_method_that_moves_the_body_gets_one_of_its_own(job):
    given, _ = job
    body = body_of(given.backbone, given.machine).model
    for name in ("full", "lora", "last_layers"):
        model = registry.method(name)(epochs=1).fit(given).model
        assert model.backbone is not body
