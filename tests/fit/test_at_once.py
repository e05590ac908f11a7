"""Settings and seeds of a head that are fitted at once are those that are fitted alone."""

import csv
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from torch.optim.optimizer import register_optimizer_step_post_hook

import shapes
import toy
from toy_tasks import examples, learnt
from tunewell import registry
from tunewell.cli import main
from tunewell.contracts import Job
from tunewell.errors import TrainingDiverged
from tunewell.fit.backbones import resolve
from tunewell.values import Machine, read_json

HEAD = registry.method("head")(epochs=4, learning_rate=1e-2)
ROWS = 72
"""Three batches, of which the third is a small one, at another place for each seed."""
STEPS = 12
CLOSE = 1e-5
CASES = (
    ("classify", "toy", None),
    ("classify", "toy", 8),
    ("classify_pairs", "toy", None),
    ("classify_sets", "toy", None),
    ("score", "toy", None),
    ("choose", "toy", None),
    ("choose", "toy", 8),
    ("similar", "toy", None),
    ("similar_scores", "toy", 8),
    ("classify", "bert", None),
    ("classify", "gpt2", None),
    ("classify", "llama", None),
    ("classify", "distilbert", None),
    ("classify", "modernbert", None),
)
"""Rows, backbone and units of an MLP: our own heads, and those of architectures."""


@pytest.fixture(scope="module")
def job(toy_backbone, random_backbone, tmp_path_factory):
    def make(name="classify", shape="toy", **changes):
        if shape == "toy":
            folder = toy_backbone
        elif shape in ("bert", "gpt2", "llama"):
            folder = random_backbone(shape)
        else:
            folder = shapes.save(shape, tmp_path_factory.mktemp(shape))
        rows = examples(name, ROWS), examples(name, 24, 1)
        return replace(
            Job(learnt(name), *rows, resolve(str(folder)), Machine(threads=1)), **changes
        )

    return make


@contextmanager
def counted_steps():
    """A list that grows with every step of an optimizer."""
    steps = []
    hook = register_optimizer_step_post_hook(lambda *given: steps.append(1))
    try:
        yield steps
    finally:
        hook.remove()


def fitted(method, job):
    """The weights that moved, the answers, and what was told of the steps."""
    told = []
    predictor = method.fit(replace(job, report_progress=told.append))
    weights = {n: p for n, p in predictor.model.named_parameters() if p.requires_grad}
    answers = predictor.predict([row.input for row in job.validation])
    steps = [(p.step, p.loss, p.score) for p in told if p.done]
    return weights, answers, steps, [p for p in told if not p.done]


def at_once(fits, job):
    """What each came to, asked for in turn, and the optimizer's steps in each turn."""
    found, counts = [], []
    for number, (method, seed) in enumerate(fits, start=1):
        with counted_steps() as steps:
            found.append(fitted(method, replace(job, seed=seed, beside=tuple(fits[number:]))))
        counts.append(len(steps))
    return found, counts


def apart(one, other):
    """The most by which two tensors differ."""
    return float((one - other).detach().abs().max())


def assert_alike(one, other, free=frozenset()):
    """That two fits came to the same; weights that are `free` may be what they like."""
    weights, answers, steps, _ = one
    own, others, told, _ = other
    assert weights.keys() == own.keys()
    for name in weights.keys() - free:
        assert apart(weights[name], own[name]) <= CLOSE, name
    assert numbers(answers) == pytest.approx(numbers(others), abs=CLOSE)
    assert [step for step, _, _ in steps] == [step for step, _, _ in told]
    for place in (1, 2):
        assert [each[place] for each in steps] == pytest.approx(
            [each[place] for each in told], abs=CLOSE
        )


def numbers(answers):
    """Probabilities of all labels, else the numbers that answers are."""

    def flat(value):
        return [n for each in value for n in flat(each)] if isinstance(value, tuple) else [value]

    found = []
    for answer in answers:
        found += answer.scores.values() if answer.scores else flat(answer.value)
    return found


@pytest.mark.parametrize(("name", "shape", "hidden"), CASES)
def test_fitted_at_once_each_is_what_it_is_alone(job, name, shape, hidden):
    given, method = job(name, shape), replace(HEAD, hidden=hidden)
    fits = [
        (method, 0),
        (replace(method, learning_rate=3e-2), 0),
        (replace(method, learning_rate=3e-3), 1),
        (method, 2),
    ]
    alone = [fitted(one, replace(given, seed=seed)) for one, seed in fits]
    together, counts = at_once(fits, given)
    assert counts == [STEPS, 0, 0, 0]
    # What all choices of a row get alike changes nothing: its gradient is rounding and no more.
    last = max((n for n in alone[0][0] if n.endswith("bias")), default="")
    for one, other in zip(together, alone, strict=True):
        assert_alike(one, other, free={last} if name == "choose" else frozenset())
    differ = [apart(alone[0][0][n], alone[1][0][n]) for n in alone[0][0]]
    assert max(differ) > 100 * CLOSE  # they differ by far more than they may


def test_each_stops_where_validation_stops_it(job):
    method = replace(HEAD, epochs=30, batch_size=8, dropout=0.5)
    fits = [(replace(method, learning_rate=rate), 0) for rate in (3e-1, 1e-1, 3e-4)]
    alone = [fitted(one, job()) for one, _ in fits]
    lengths = [len(steps) for _, _, steps, _ in alone]
    assert len(set(lengths)) > 1 and min(lengths) < 30 * ROWS / 8
    together, counts = at_once(fits, job())
    assert counts == [max(lengths), 0, 0]
    assert [len(steps) for _, _, steps, _ in together] == lengths
    for one, other in zip(together, alone, strict=True):
        assert numbers(one[1]) == pytest.approx(numbers(other[1]), abs=1e-3)


def test_balanced_batches_are_each_ones_own(job):
    task = learnt("classify")
    options = replace(task.options, balanced_batches=True)
    given = replace(job(), task=replace(task, options=options))
    fits = [(HEAD, 0), (replace(HEAD, learning_rate=3e-2), 1)]
    alone = [fitted(one, replace(given, seed=seed)) for one, seed in fits]
    together, counts = at_once(fits, given)
    assert counts == [STEPS, 0]
    for one, other in zip(together, alone, strict=True):
        assert_alike(one, other)


def test_what_others_took_is_told_as_their_cost(job):
    together, _ = at_once([(HEAD, 0), (HEAD, 1), (HEAD, 2)], job())
    borrowed = [sum(p.borrowed_seconds for p in told) for *_, told in together[1:]]
    assert all(seconds > 0 for seconds in borrowed)


@pytest.mark.parametrize(
    "other",
    [
        replace(HEAD, epochs=2),
        replace(HEAD, batch_size=8),
        replace(HEAD, hidden=4),
        replace(HEAD, dropout=0.3),
        registry.method("full")(epochs=1),
    ],
)
def test_who_takes_other_steps_is_fitted_by_itself(job, other):
    given = job()
    alone = fitted(HEAD, given)
    with counted_steps() as steps:
        beside = fitted(HEAD, replace(given, beside=((other, 0),)))
    assert len(steps) == STEPS
    assert_alike(beside, alone)
    with counted_steps() as steps:
        fitted(other, given)
    assert steps


def test_a_method_whose_body_moves_is_fitted_by_itself(job):
    full = registry.method("full")(epochs=1, batch_size=36)
    fits = [(full, 0), (replace(full, learning_rate=1e-3), 0)]
    assert at_once(fits, job())[1] == [2, 2]


@pytest.mark.parametrize("first", [True, False])
def test_one_that_diverges_takes_no_other_with_it(job, first):
    bad, good = replace(HEAD, learning_rate=1e38), replace(HEAD, learning_rate=3e-2)
    alone = fitted(good, job())
    asked = (bad, good) if first else (good, bad)
    for number, method in enumerate(asked, start=1):
        given = replace(job(), beside=tuple((each, 0) for each in asked[number:]))
        if method is good:
            assert_alike(fitted(method, given), alone)
        else:
            with pytest.raises(TrainingDiverged, match="lower learning rate"):
                method.fit(given)


def test_stopped_among_others_it_goes_on_alone(job, tmp_path):
    other = replace(HEAD, learning_rate=3e-2)
    alone, given = fitted(HEAD, job()), job(folder=tmp_path, save_every_seconds=0.0)

    def stop(progress):
        if progress.step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        HEAD.fit(replace(given, beside=((other, 0),), report_progress=stop))
    with counted_steps() as steps:
        weights, answers, told, notes = fitted(HEAD, replace(given, beside=((other, 0),)))
    assert [p.note for p in notes if p.note] == ["went on from step 4"]
    assert len(steps) == STEPS - 4
    assert_alike((weights, answers, told, notes), (*alone[:2], alone[2][4:], []))
    with counted_steps() as steps:
        assert_alike(fitted(other, job()), fitted(other, job()))
    assert len(steps) == 2 * STEPS


def test_trials_and_seeds_of_a_run_are_fitted_at_once(toy_backbone, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Path("toy.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [(e.input, e.target) for e in toy.examples(150)]
        csv.writer(file).writerows([("text", "label"), *rows])
    typed = ["toy.csv", "--backbone", str(toy_backbone), "--head.epochs", "2"]
    several = ["compare", *typed, "--methods", "head", "--trials", "3", "--seeds", "3"]
    with counted_steps() as steps:
        assert main([*several, "--out", "run"]) == 0
    trials = [(read_json(f / "trial.json"), read_json(f / "result.json")) for f in folders("run")]
    assert len(trials) == 5
    per_fit = 2 * -(-read_json(Path("run/data.json"))["rows"]["train"] // 32)
    probe = 2
    assert len(steps) == 2 * per_fit + probe
    rates = {trial["options"]["learning_rate"] for trial, _ in trials}
    assert len(rates) == 3
    for number, (trial, result) in enumerate(trials):
        own = ["--head.learning_rate", str(trial["options"]["learning_rate"])]
        own += ["--seed", str(trial["seed"])]
        if trial["seed"]:
            continue  # another seed of a whole run splits the rows in another way
        assert main(["fit", *typed, "--method", "head", *own, "--out", f"alone{number}"]) == 0
        (alone,) = folders(f"alone{number}")
        told = read_json(alone / "result.json")["validation"]
        assert result["validation"] == pytest.approx(told, abs=1e-4)


def folders(run):
    return sorted(Path(run).glob("trials/head-*"))
