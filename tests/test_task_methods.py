"""What holds for methods on the rows of every task's module in `toy_tasks`: a few of each."""

from functools import cache

import pytest

from test_method_laws import small
from test_task_laws import legal
from toy_tasks import examples, learnt, modules
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.kinds import right
from tunewell.values import Machine

MACHINE = Machine(threads=1)
ON_ALL = ("majority", "bag_of_words", "few_shot", "features", "head", "lora")


def methods_for(name):
    """Of the methods that are tried on all tasks, and of those made for this kind."""
    kind = learnt(name).answers
    own = [m for m, c in registry.methods().items() if c.answers and set(c.answers) == {kind}]
    fits = [m for m in ON_ALL if (answers := registry.method(m).answers) is None or kind in answers]
    return list(dict.fromkeys([*fits, *(m for m in own if kind != "label")]))


CASES = [(name, method) for name in modules() for method in methods_for(name)]


@pytest.fixture(scope="session")
def fitted_on(toy_backbone):
    """Each method on the rows of each module, fitted once."""
    from tunewell.fit.backbones import resolve

    @cache
    def fit(name, method):
        chosen = small(registry.method(method))
        backbone = resolve(str(toy_backbone)) if chosen.needs_backbone else None
        rows = examples(name, 240), examples(name, 60, 1)
        try:
            return chosen.fit(Job(learnt(name), *rows, backbone, MACHINE))
        except NotApplicable as reason:
            pytest.skip(str(reason))

    return fit


@pytest.mark.parametrize(("name", "method"), CASES)
def test_answers_are_legal_in_order_and_the_same_after_loading(fitted_on, name, method, tmp_path):
    predictor, task = fitted_on(name, method), learnt(name)
    inputs = [example.input for example in examples(name, 40, 2)]
    answers = predictor.predict(inputs)
    assert len(answers) == len(inputs) and predictor.predict([]) == []
    for each, answer in zip(inputs, answers, strict=True):
        assert legal(task, each, answer), answer
        assert answer.confidence is None or 0 <= answer.confidence <= 1
    alone = [predictor.predict([each])[0] for each in inputs[:6]]
    predictor.save(tmp_path / "model")
    again = registry.method(method).load(tmp_path / "model", MACHINE).predict(inputs)
    for others in (alone, again, predictor.predict(inputs[::-1])[::-1]):
        for one, other in zip(answers, others, strict=False):
            assert alike(one.value, other.value), (one, other)


@pytest.mark.parametrize(("name", "method"), CASES)
def test_the_toy_world_is_learnt_where_the_rows_say_so(fitted_on, name, method):
    if method not in getattr(modules()[name], "LEARNT_BY", ()):
        pytest.skip("not named in LEARNT_BY")
    task, rows = learnt(name), examples(name, 150, 2)
    targets = [example.target for example in rows]
    said = fitted_on(name, method).predict([example.input for example in rows])
    guess = [task.guess(examples(name, 240))] * len(rows)
    scale = task.metrics[task.metric].scale
    better = task.score(targets, said)[task.metric] - task.score(targets, guess)[task.metric]
    assert better > 0.12 * (scale.high - scale.low)


def alike(one, other):
    """Whether two values are the same, numbers but for rounding."""
    if isinstance(one, float):
        return one == pytest.approx(other, abs=1e-4, rel=1e-4)
    if isinstance(one, tuple) and one and isinstance(one[0], float):
        return one == pytest.approx(other, abs=1e-4)
    if isinstance(one, tuple) and one and isinstance(one[0], tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    return one == other or right(one, other) == 1
