"""Every head goes through the same loop with every method, and is answered alike after loading."""

from dataclasses import replace

import pytest
import torch
from toy_heads import TASKS

import shapes
import toy
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit import anatomy
from tunewell.fit.backbones import resolve
from tunewell.fit.heads import head_for
from tunewell.fit.tensors import run_pieces
from tunewell.measure.trial import load_model
from tunewell.values import Machine, to_json

MACHINE = Machine(threads=1)
METHODS = [name for name, method in registry.methods().items() if method.answers is None]
SHAPES = ("bert", "gpt2", "t5", "modernbert", "llama")
EVERY = [(task, method, shape) for task in TASKS for method in METHODS for shape in SHAPES]
CELLS = EVERY[::11]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """Makes a small random backbone of a shape, with a window that long rows pass."""
    made = {}

    def make(shape, max_length=24):
        if shape not in made:
            made[shape] = resolve(str(shapes.save(shape, tmp_path_factory.mktemp(shape))))
        return replace(made[shape], max_length=max_length)

    return make


def close(answers, others):
    """The same values, and the same shares."""
    for one, other in zip(answers, others, strict=True):
        if isinstance(one.value, float):
            torch.testing.assert_close(one.value, other.value, atol=1e-4, rtol=1e-4)
        else:
            assert one.value == other.value
        assert one.confidence == pytest.approx(other.confidence, abs=1e-5)
        assert (one.scores or {}) == pytest.approx(other.scores or {}, abs=1e-5)


@pytest.mark.parametrize(("name", "method", "shape"), CELLS)
def test_alone_as_together_and_after_loading(backbone, monkeypatch, tmp_path, name, method, shape):
    monkeypatch.setitem(registry.tasks(), name, TASKS[name])
    made = replace(registry.method(method)(), epochs=1, batch_size=8)
    train, other = TASKS[name].rows(18), TASKS[name].rows(8, seed=1)
    texts = toy.texts(tmp_path / "texts.jsonl")
    try:
        job = Job(TASKS[name](), train, other, backbone(shape), MACHINE, texts=texts)
        predictor = made.fit(job)
    except NotApplicable as reason:
        reading = ("domain_adapt",) if shape == "t5" else ()
        assert method in ("prefix", "bitfit", "prompt_tuning", "p_tuning", *reading), reason
        pytest.skip(str(reason))
    inputs = [example.input for example in other]
    together = predictor.predict(inputs)
    assert predictor.predict([]) == []
    close([predictor.predict([given])[0] for given in inputs], together)
    predictor.save(tmp_path)
    again = load_model(tmp_path, MACHINE)
    assert to_json(again.parameters) == to_json(predictor.parameters)
    close(again.predict(inputs), together)
    moving = [p for p in predictor.model.parameters() if p.requires_grad]
    assert sum(p.numel() for p in moving) == predictor.parameters.trainable


def test_rows_read_in_windows_are_counted(backbone):
    rows = TASKS["toy_tag"].rows(12)
    long = replace(rows[0], input=" ".join([rows[0].input] * 9), target=())
    told = []
    job = Job(
        TASKS["toy_tag"](),
        (*rows, long),
        rows,
        backbone("bert"),
        MACHINE,
        report_progress=lambda progress: told.append(progress.note),
    )
    replace(registry.method("head")(), epochs=1).fit(job)
    assert "1 long row is read in overlapping windows of 24 tokens" in told


@pytest.mark.parametrize("name", TASKS)
def test_what_is_learnt_is_told(toy_backbone, name):
    """A body that has read the toy language learns each task from few rows."""
    task, train = TASKS[name](), TASKS[name].rows(96)
    method = replace(registry.method("full")(), epochs=12, learning_rate=3e-3, dropout=0.0)
    job = Job(task, train, TASKS[name].rows(32, seed=1), resolve(str(toy_backbone)), MACHINE)
    rows = TASKS[name].rows(48, seed=2)
    predictor = method.fit(job)
    answers = predictor.predict([row.input for row in rows])
    score = task.score([row.target for row in rows], answers)["m"]
    least = {"toy_number": -0.4, "toy_similar": 0.7, "toy_labels": 0.6}
    assert score > least.get(name, 0.6), score


@pytest.mark.parametrize("name", [n for n in TASKS if n not in ("toy_tag", "toy_answer")])
def test_vectors_of_the_frozen_pass_give_the_whole_models_logits(toy_backbone, name):
    from tunewell.fit import feeds
    from tunewell.fit.loop import _feeds
    from tunewell.fit.once import built

    given, rows = resolve(str(toy_backbone)), TASKS[name].rows(8)
    job = Job(TASKS[name](), rows, rows, given, MACHINE)
    ready = built(job, anatomy.freeze_body, head_for(TASKS[name](), given), 0.0)
    head, model, tokenizer = ready.head, ready.model, ready.tokenizer
    feed, _ = _feeds(job, ready, epochs=1)
    assert isinstance(feed, feeds.VectorFeed)
    whole = run_pieces(model, head, feed.pieces, tokenizer.pad_token_id, MACHINE)
    torch.testing.assert_close(feed.all_logits(model, 512), whole, atol=1e-5, rtol=0)
    units = range(len(feed.lengths))
    losses = feed.losses(model, units)
    assert losses.shape == (len(rows),)
    tokens = feeds.TokenFeed(head, feed.pieces, feed.targets, tokenizer.pad_token_id, MACHINE)
    torch.testing.assert_close(tokens.losses(model, units), losses, atol=1e-4, rtol=0)
