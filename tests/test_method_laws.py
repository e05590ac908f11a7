"""What holds for every method in the registry, on encoders and decoders; a new file is tested
the moment it exists."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import cache

import pytest

import toy
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.values import Machine, to_json

MACHINE = Machine(threads=1)
TRAIN, VALIDATION, TEST = toy.examples(240), toy.examples(60, seed=1), toy.examples(150, seed=2)
TASK = registry.task("classify").from_examples(TRAIN)
SHAPES = ("toy", "bert", "gpt2", "llama")
LABELLING = [
    name
    for name, method in registry.methods().items()
    if (method.answers is None or "label" in method.answers) and name != "prompt_search"
]
"""Methods that give other answers than labels have their laws in `test_task_methods`, one that
needs a model that writes in `fit/test_prompting.py`."""
NEEDING = [name for name in LABELLING if registry.methods()[name].needs_backbone]
CASES = [(name, "toy") for name in LABELLING] + [
    (name, shape) for name in NEEDING for shape in SHAPES[1:]
]


def small(method_class):
    """The method with a rate that a body of thirty thousand weights learns with."""
    method = method_class()
    if hasattr(method, "base_method"):
        method = replace(method, base_method="head")
    if hasattr(method, "learning_rate") and (method.learning_rate or 0) < 1e-2:
        method = replace(method, learning_rate=3e-3, epochs=6)
    return method


@pytest.fixture(scope="session")
def job(toy_backbone, random_backbone, tmp_path_factory):
    """Makes a job on one of the shapes."""
    from tunewell.fit.backbones import resolve

    texts = toy.texts(tmp_path_factory.mktemp("texts") / "toy.jsonl")

    @cache
    def backbone(shape):
        folder = toy_backbone if shape == "toy" else random_backbone(shape)
        return resolve(str(folder))

    def make(name, shape, **changes):
        needs = registry.methods()[name].needs_backbone
        on = backbone(shape) if needs else None
        made = Job(TASK, TRAIN, VALIDATION, on, MACHINE, texts=texts)
        return replace(made, **changes)

    return make


@pytest.fixture(scope="session")
def fitted(job):
    """Each method on each shape, fitted once for all laws of this worker.

    A test is skipped where a shape is not for its method; the toy world is for all.
    """

    @cache
    def fit(name, shape):
        try:
            return small(registry.methods()[name]).fit(job(name, shape))
        except NotApplicable as reason:
            assert shape != "toy", reason
            pytest.skip(str(reason))

    return fit


INPUTS = [example.input for example in TEST]


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_answers_are_legal_and_in_order(fitted, name, shape):
    answers = fitted(name, shape).predict(INPUTS)
    assert len(answers) == len(INPUTS)
    for answer in answers:
        assert answer.value in TASK.labels
        assert list(answer.scores) and set(answer.scores) == set(TASK.labels)
        assert sum(answer.scores.values()) == pytest.approx(1, abs=1e-4)
        assert answer.confidence == pytest.approx(answer.scores[answer.value], abs=1e-6)
    backwards = fitted(name, shape).predict(INPUTS[::-1])[::-1]
    assert [a.value for a in backwards] == [a.value for a in answers]
    assert fitted(name, shape).predict([]) == []


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_a_row_alone_is_answered_as_in_a_batch(fitted, name, shape):
    predictor = fitted(name, shape)
    together = predictor.predict(INPUTS[:12])
    alone = [predictor.predict([text])[0] for text in INPUTS[:12]]
    for one, other in zip(together, alone, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-5)


@pytest.mark.parametrize(("name", "shape"), [c for c in CASES if c[1] in ("toy", "gpt2")])
def test_the_same_seed_gives_the_same_answers(fitted, job, name, shape):
    again = small(registry.methods()[name]).fit(job(name, shape))
    one, other = fitted(name, shape).predict(INPUTS), again.predict(INPUTS)
    assert [a.scores for a in one] == [a.scores for a in other]


@pytest.mark.parametrize("name", LABELLING)
def test_options_and_job_are_left_as_they_were(job, name):
    method, given = registry.methods()[name](), job(name, "toy")
    before = json.dumps(to_json([method, given.train, given.backbone]))
    small(type(method)).fit(given)
    assert json.dumps(to_json([method, given.train, given.backbone])) == before


@pytest.mark.parametrize("name", LABELLING)
def test_the_toy_world_is_learnt_better_than_the_majority_guess(fitted, name):
    if name in ("majority", "zero_shot"):  # names of topics are not words of the toy language
        pytest.skip("learns nothing from the rows by design")
    answers = fitted(name, "toy").predict(INPUTS)
    accuracy = TASK.score([e.target for e in TEST], answers)["accuracy"]
    assert accuracy > 0.33 + 3 * 0.04, accuracy  # three standard errors above chance


@pytest.mark.parametrize(("name", "shape"), [c for c in CASES if c[0] in NEEDING])
def test_only_what_is_declared_moves_and_the_count_is_right(fitted, job, name, shape):
    from tunewell.fit.backbones import load_model

    predictor = fitted(name, shape)
    count = predictor.parameters
    model = getattr(predictor, "model", None)
    if model is None:  # nothing but arrays of its own
        assert count.trainable <= count.total
        return
    from tunewell.fit import anatomy

    moving = {n: p for n, p in model.named_parameters() if p.requires_grad}
    assert count.trainable == sum(p.numel() for p in moving.values())
    kind = "AutoModel" if hasattr(model, "pooling") else "AutoModelForSequenceClassification"
    changes = {} if kind == "AutoModel" else {"num_labels": len(TASK.labels)}
    backbone = replace(job(name, shape).backbone, bits=predictor.record.backbone.bits)
    fresh = load_model(backbone, kind, dropout=0.0, **changes)
    before = dict(fresh.base_model.named_parameters())
    inside = anatomy.body(model).named_parameters()
    found = {n.replace("base_layer.", ""): p for n, p in inside}
    after = {n: p for n, p in found.items() if n in before}
    assert set(before) == set(after)
    assert all(p.requires_grad for n, p in found.items() if n not in before), "added, but frozen"
    frozen = [n for n, p in after.items() if not p.requires_grad]
    assert all(before[n].equal(after[n]) for n in frozen), "a frozen weight moved"
    moved = [n for n, p in after.items() if p.requires_grad and not before[n].equal(p)]
    assert len(moved) == len(after) - len(frozen), "a trained weight did not move"


def test_a_fresh_process_gives_the_same_answers(fitted, job, tmp_path):
    """All saved folders in one process: imports cost four seconds each."""
    told = {}
    for name, shape in CASES:
        folder = tmp_path / f"{name}-{shape}"
        try:
            predictor = fitted(name, shape)
        except pytest.skip.Exception:
            continue
        predictor.save(folder)
        told[str(folder)] = [a.scores for a in predictor.predict(INPUTS[:20])]
        assert not [f for f in folder.rglob("*") if f.suffix in (".bin", ".pt", ".pkl", ".joblib")]
    (tmp_path / "told.json").write_text(json.dumps([told, INPUTS[:20]]))
    code = (
        "import json, sys, tunewell\n"
        "told, inputs = json.load(open(sys.argv[1]))\n"
        "for folder, before in told.items():\n"
        "    after = [a.scores for a in tunewell.load(folder).predict(inputs)]\n"
        "    for one, other in zip(before, after, strict=True):\n"
        "        assert all(abs(one[k] - other[k]) < 1e-6 for k in one), folder\n"
        "print('same')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "told.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "same", done.stderr[-2000:]


@pytest.mark.parametrize("shape", SHAPES[1:])
@pytest.mark.parametrize("name", ["head", "full"])
def test_a_stock_head_opens_with_plain_transformers(fitted, name, shape, tmp_path):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    predictor = fitted(name, shape)
    predictor.save(tmp_path)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert [model.config.id2label[i] for i in range(3)] == list(TASK.labels)
    with torch.no_grad():
        for text, answer in zip(INPUTS[:8], predictor.predict(INPUTS[:8]), strict=True):
            shares = model(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0]
            expected = list(answer.scores.values())
            assert shares.tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_adapter_opens_with_plain_peft(fitted, job, shape, tmp_path):
    from peft import PeftModel
    from transformers import AutoModel, AutoModelForSequenceClassification

    predictor = fitted("lora", shape)
    predictor.save(tmp_path)
    folder = job("lora", shape).backbone.folder
    if shape == "toy":
        base = AutoModel.from_pretrained(folder)
        saved = PeftModel.from_pretrained(base, tmp_path)
        theirs, ours = dict(saved.named_parameters()), predictor.model.backbone
    else:
        base = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=3)
        saved = PeftModel.from_pretrained(base, tmp_path)
        theirs, ours = dict(saved.named_parameters()), predictor.model
    learnt = {n: p for n, p in ours.named_parameters() if p.requires_grad}
    assert learnt, "nothing was trained"
    assert all(theirs[n].equal(p) for n, p in learnt.items())


@pytest.mark.parametrize(
    "name", [n for n in NEEDING if "learning_rate" in registry.methods()[n].__dataclass_fields__]
)
def test_dropout_follows_the_options_and_frozen_parts_have_none(job, name):
    from tunewell.fit import anatomy

    predictor = small(registry.methods()[name]).fit(job(name, "toy"))
    anatomy.train_what_moves(predictor.model)
    body = anatomy.body(predictor.model)
    if not any(p.requires_grad for p in body.parameters()):
        assert not any(module.training for module in body.modules())
    assert predictor.model.head.training


@pytest.mark.parametrize("name", registry.methods())
def test_grid_starts_with_the_method_itself(name):
    method = registry.methods()[name]()
    grid = method.grid()
    assert grid[0] == method
    assert len(set(map(str, grid))) == len(grid) <= 3


def test_the_head_trains_alike_with_and_without_the_frozen_pass(job, monkeypatch):
    from tunewell.fit import loop

    for shape in ("toy", "bert", "llama"):
        fast = small(registry.methods()["head"])
        fast = replace(fast, epochs=2, dropout=0.0)
        kept = fast.fit(job("head", shape)).predict(INPUTS[:20])
        with monkeypatch.context() as patch:
            patch.setattr(loop, "frozen_feeds", lambda *args: None)
            slow = fast.fit(job("head", shape)).predict(INPUTS[:20])
        # Rows of one length share other batches than rows of many lengths, so only the outcome
        # of the first is compared: both must have learnt the same kind of answer.
        agree = sum(a.value == b.value for a, b in zip(kept, slow, strict=True))
        assert agree >= 12, (shape, agree)


def test_vectors_of_the_frozen_pass_give_the_whole_models_logits(job):
    from tunewell.fit import anatomy, feeds
    from tunewell.fit.heads import head_for
    from tunewell.fit.loop import _feeds
    from tunewell.fit.once import built

    for shape in SHAPES:
        given = job("head", shape)
        ready = built(given, anatomy.freeze_body, head_for(TASK, given.backbone), 0.0)
        head, model, tokenizer = ready.head, ready.model, ready.tokenizer
        feed, _ = _feeds(given, ready, epochs=1)
        assert isinstance(feed, feeds.VectorFeed), shape
        pieces = head.encode(tokenizer, [e.input for e in TRAIN[:9]], 32)
        tokens = feeds.TokenFeed(head, pieces, feed.targets, tokenizer.pad_token_id, MACHINE)
        whole = tokens.all_logits(model, 512)
        assert feed.logits(model, range(9)).tolist() == pytest.approx(whole, abs=1e-5)
