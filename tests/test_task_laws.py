"""What holds for every task in the registry, on the rows of its module in `toy_tasks`."""

import json
import random

import pytest

from toy_tasks import examples, learnt, modules, task_of
from tunewell import kinds, registry
from tunewell.errors import DataError, NotApplicable
from tunewell.surprise import Surprise
from tunewell.values import Answer, Span, frozen, to_json

NAMES = list(modules())


@pytest.mark.parametrize("name", registry.tasks())
def test_a_task_has_rows_to_be_tested_on(name):
    assert name in [task_of(module) for module in NAMES], f"tests/toy_tasks/{name}.py is missing"
    assert callable(modules()[name].rows) and modules()[name].BAD


@pytest.mark.parametrize("name", registry.tasks())
def test_a_task_says_what_it_reads(name):
    task = registry.tasks()[name]()
    assert task.answers in kinds.KINDS and task.summary and task.head
    names = [column.name for column in task.columns]
    assert len(set(names)) == len(names) > 0
    assert all(column.says.endswith(".") and column.holds for column in task.columns)
    assert any(not column.target and column.needed for column in task.columns)
    for header in (h for column in task.columns for h in column.headers):
        assert all(
            each == each.casefold() for each in ([header] if type(header) is str else header)
        )


@pytest.mark.parametrize("name", NAMES)
def test_perfect_answers_score_as_high_as_can_be(name):
    task, rows = learnt(name), examples(name)
    targets = [example.target for example in rows]
    sure = Surprise(0.0, 1, 1)
    ideal = [Answer(task.ideal(t), 1.0, _scores(task, task.ideal(t)), sure) for t in targets]
    assert task.metric in task.metrics
    for key, score in task.score(targets, ideal).items():
        scale = task.metrics[key].scale
        assert score == pytest.approx(scale.low if scale.lower_is_better else scale.high), key
    assert all(task.right(t, task.ideal(t)) == pytest.approx(1) for t in targets)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_rows_does_not_matter(name):
    task, rows = learnt(name), examples(name)
    targets = [example.target for example in rows]
    ideal = [task.ideal(target) for target in targets]
    chance = random.Random(0)
    values = [chance.choice(ideal) for _ in rows]
    told = [Surprise(9 * chance.random(), 3, 7) for _ in rows]
    pairs = zip(values, told, strict=True)
    said = [Answer(value, 0.5, _scores(task, value), surprise) for value, surprise in pairs]
    order = list(range(len(rows)))
    chance.shuffle(order)
    one = task.score(targets, said)
    other = task.score([targets[n] for n in order], [said[n] for n in order])
    assert one == pytest.approx(other)
    assert all(0 <= task.right(t, a.value) <= 1 for t, a in zip(targets, said, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_behind_a_prompt_is_understood(name):
    task, rows = learnt(name), examples(name)
    for example in rows[:20]:
        try:
            asked = task.prompt(example.input)
        except NotApplicable:
            pytest.skip("this task cannot be asked in words")
        question = asked.split("\n\n")[-1]  # it ends where the answer begins
        solved = task.prompt(example.input, [example])
        said = solved[solved.index(question) + len(question) :].split("\n\n")[0]
        assert task.right(example.target, task.parse(said).value) == pytest.approx(1), said
    assert task.parse("").value is None or task.answers == "text"


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_row_names_its_place(name):
    task = registry.task(task_of(name))(**getattr(modules()[name], "FOUND", {}))
    for column, row in modules()[name].BAD.items():
        with pytest.raises(DataError) as caught:
            task.read(row, "some.csv, row 7")
        assert caught.value.found.startswith("some.csv, row 7")
        assert caught.value.column == column
        assert len(str(caught.value).splitlines()) <= 3
    with pytest.raises(DataError, match=r"some\.csv, row 7"):
        task.read({}, "some.csv, row 7")


@pytest.mark.parametrize("name", NAMES)
def test_no_answer_never_crashes(name):
    task, rows = learnt(name), examples(name)
    targets = [example.target for example in rows]
    silent = task.score(targets, [Answer(None)] * len(rows))
    scale = task.metrics[task.metric].scale
    best = scale.low if scale.lower_is_better else scale.high
    assert not scale.better(silent[task.metric]) >= scale.better(best)
    assert set(task.score([], [])) == set(task.metrics)
    assert task.right(targets[0], None) == 0
    assert task.shown(None) and isinstance(task.shown(None), str)


@pytest.mark.parametrize("name", NAMES)
def test_json_in_and_out(name):
    task = learnt(name)
    assert type(task).from_json(json.loads(json.dumps(task.to_json()))) == task
    for example in examples(name)[:20]:
        for value in (example.input, example.target, task.ideal(example.target)):
            assert frozen(json.loads(json.dumps(to_json(value)))) == value
        assert task.shown(example.target)
        texts = task.texts(example.input)
        assert texts and all(isinstance(text, str) for text in texts)


@pytest.mark.parametrize("name", NAMES)
def test_rows_without_a_target_are_inputs(name):
    plain = registry.task(task_of(name))(**getattr(modules()[name], "FOUND", {}))
    targets = {column.name for column in plain.columns if column.target}
    rows = modules()[name].rows(60, 0)
    for row, example in zip(rows, examples(name), strict=True):
        asked = {key: cell for key, cell in row.items() if key not in targets}
        assert plain.input(asked, "input 1") == example.input


@pytest.mark.parametrize("name", NAMES)
def test_a_guess_is_a_legal_answer(name):
    task = learnt(name)
    try:
        guess = task.guess(examples(name, 240))
    except NotApplicable:
        pytest.skip("nothing can be guessed here")
    assert legal(task, examples(name)[0].input, guess)
    chosen, why = type(task).choose_metric(examples(name, 240))
    assert chosen == task.metric and why


def legal(task, input, answer):
    """Whether an answer is one of the task's kind."""
    value = answer.value
    if task.answers == "label":
        return value in task.labels
    if task.answers == "labels":
        return isinstance(value, tuple) and set(value) <= set(task.labels)
    if task.answers == "number":
        return isinstance(value, float)
    if task.answers == "spans":
        whole = task.texts(input)[-1]
        return all(isinstance(s, Span) and whole[s.start : s.end] == s.text for s in value)
    if task.answers == "span":
        whole = task.texts(input)[-1]
        return value is None or whole[value.start : value.end] == value.text
    if task.answers == "vector":
        numbers = [x for v in value for x in (v.values() if isinstance(v, dict) else v)]
        return len(value) == len(input) and all(isinstance(x, float) for x in numbers)
    return value is not None


def _scores(task, value):
    """Each label's probability, where an answer of this kind has one that says the same."""
    if task.answers != "labels":
        return None
    return {label: float(label in (value or ())) for label in task.labels}
