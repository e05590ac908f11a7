"""Ranks as scikit-learn has them, BM25 by hand, and queries that find passages."""

import json
import math
import random

import numpy as np
import pytest

import toy_tasks
import tunewell
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import DataError
from tunewell.fit.backbones import resolve
from tunewell.measure.apart import apart
from tunewell.measure.metrics.ranking import Ndcg, Recall, cosine, places
from tunewell.measure.search import searching
from tunewell.tasks.similar import Similar
from tunewell.values import Answer, Machine


def random_rows(seed, sparse=False):
    """Queries with a passage each, some twice, and random vectors of all."""
    chance, rng = random.Random(seed), np.random.default_rng(seed)
    texts = [f"p{n}" for n in range(12)]

    def vector():
        numbers = rng.normal(size=5)
        if sparse:
            return {w: float(x) for w, x in zip("abcde", numbers, strict=True) if x > 0}
        return tuple(float(x) for x in numbers)

    known = {text: vector() for text in texts}
    targets, answers = [], []
    for n in range(30):
        passage, other = chance.sample(texts, 2)
        targets.append({"query": f"q{n}", "passage": passage, "others": (other,)})
        answers.append(Answer((vector(), known[passage], known[other])))
    return known, targets, answers


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_ranks_are_those_of_scikit_learn_and_of_a_plain_loop(seed, sparse):
    from sklearn.metrics import ndcg_score, top_k_accuracy_score

    known, targets, answers = random_rows(seed, sparse)
    names = sorted(known)

    def dot(one, other):
        if sparse:
            return sum(x * other.get(name, 0.0) for name, x in one.items())
        return sum(a * b for a, b in zip(one, other, strict=True))

    near = np.array([[dot(a.value[0], known[name]) for name in names] for a in answers])
    own = np.array([names.index(t["passage"]) for t in targets])
    # Equal likeness counts against the right one; scikit-learn shares it out.
    near[np.arange(len(own)), own] -= 1e-9
    scores = Similar().score(targets, answers)
    assert scores["ndcg_at_10"] == pytest.approx(ndcg_score(np.eye(12)[own], near, k=10))
    labels = np.arange(12)
    for k in (1, 10):
        oracle = top_k_accuracy_score(own, near, k=k, labels=labels)
        assert scores[f"recall_at_{k}"] == pytest.approx(oracle)


def test_a_second_right_passage_of_a_query_is_not_counted_against_the_first():
    one, other, third = (1.0, 0.0), (0.9, 0.1), (0.0, 1.0)
    targets = [
        {"query": "q", "passage": "a", "others": ()},
        {"query": "q", "passage": "b", "others": ()},
        {"query": "r", "passage": "c", "others": ()},
    ]
    answers = [Answer((one, one)), Answer((one, other)), Answer((one, third))]
    assert places(targets, answers).tolist() == [1, 1, 3]
    answers[2] = Answer(None)
    assert places(targets, answers).tolist() == [1, 1, math.inf]
    assert Ndcg(10).value(Ndcg(10).statistics(targets, answers).sum(0)) == pytest.approx(2 / 3)


def test_vectors_that_all_are_equal_find_nothing():
    _, targets, _ = random_rows(0)
    answers = [Answer(((1.0, 0.0),) * 3)] * len(targets)
    found = len(
        {
            t[key] if key == "passage" else t[key][0]
            for t in targets
            for key in ("passage", "others")
        }
    )
    assert set(places(targets, answers).tolist()) == {found}
    assert Recall(1).statistics(targets, answers)[:, 0].sum() == 0


def test_bm25_by_hand():
    task = Similar(answers="vector")
    texts = ["red lamp", "blue lamp lamp", "old kettle"]
    rows = [task.read({"query": "x", "passage": text}, "row") for text in texts]
    task = Similar.from_examples(rows)
    predictor = registry.method("bm25")().fit(Job(task, tuple(rows), (), None))
    (answer,) = predictor.predict([("Lamp, new lamp?", "blue lamp lamp", "kettle")])
    query, passage, other = answer.value
    assert query == {"lamp": 2.0, "new": 1.0} and list(other) == ["kettle"]
    held = 1.2 * (1 - 0.75 + 0.75 * 3 / (7 / 3))
    lamp = math.log(1 + (3 - 2 + 0.5) / 2.5) * 2 * 2.2 / (2 + held)
    assert passage["lamp"] == pytest.approx(lamp, abs=1e-6)
    unseen = predictor.predict([("x", "new")])[0].value[1]["new"]
    assert unseen > passage["blue"] > lamp / 2


def test_rows_say_what_is_wrong_with_them():
    with pytest.raises(DataError, match="none of passages"):
        Similar().look([{"query": "a"}])
    assert Similar().look([{"query": "a", "passage": "b"}])[0] == {"answers": "vector"}
    scored, told = Similar().look([{"query": "a", "passage": "b", "score": "1"}])
    assert scored == {"answers": "number"} and "scores" in told
    task = Similar(answers="vector")
    rows = [task.read({"query": q, "passage": "p"}, "row") for q in "ab"]
    with pytest.raises(DataError, match="the same passage"):
        Similar.from_examples(rows)
    scored = Similar(answers="number")
    rows = [scored.read({"query": q, "passage": "p", "score": "2"}, "row") for q in "ab"]
    with pytest.raises(DataError, match="different scores"):
        Similar.from_examples(rows)


@pytest.mark.parametrize("method", ["bm25", "cosine"])
def test_a_query_by_itself_finds_training_passages(method, toy_backbone, tmp_path):
    task, rows = toy_tasks.learnt("similar"), toy_tasks.examples("similar", 240)
    backbone = resolve(str(toy_backbone)) if method == "cosine" else None
    chosen = registry.method(method)
    predictor = chosen().fit(Job(task, rows, rows[:20], backbone, Machine(threads=1)))
    predictor.save(tmp_path)
    search = searching(predictor, tmp_path)
    whole = [rows[n].input[1] for n in (3, 8)]
    found = search.predict([(whole[0],), (whole[1],), rows[0].input])
    for text, answer in zip(whole, found, strict=False):
        assert answer.value[0]["passage"] == text and len(answer.value) == 5
        near = [each["similarity"] for each in answer.value]
        assert near == sorted(near, reverse=True)
        assert task.shown(answer.value).startswith(f"{near[0]:.2f} {text}")
    assert found[2] == predictor.predict([rows[0].input])[0]
    again = searching(chosen.load(tmp_path, Machine(threads=1)), tmp_path)
    assert again.predict([(whole[0],)])[0].value[0] == found[0].value[0]
    assert hasattr(search, "embed") == hasattr(predictor, "embed")


def test_cosine_is_the_product_of_vectors_of_length_1(toy_backbone):
    task, rows = toy_tasks.learnt("similar"), toy_tasks.examples("similar", 40)
    job = Job(task, rows, rows[:5], resolve(str(toy_backbone)), Machine(threads=1))
    predictor = registry.method("cosine")().fit(job)
    (answer,) = predictor.predict([rows[0].input])
    vectors, _ = predictor.embed(rows[0].input)
    assert np.allclose(np.array(answer.value), vectors.numpy(), atol=1e-5)
    assert cosine(*answer.value[:2]) == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-4)
    assert task.right(rows[0].target, answer.value) == pytest.approx(
        max(0.0, float(vectors[0] @ vectors[1])), abs=1e-4
    )


def test_rounding_does_not_set_vectors_apart():
    one = Answer(((0.6, 0.8), (1.0, 0.0)))
    assert not apart(one, Answer(((0.6004, 0.7997), (1.0, 0.0001))))
    assert apart(one, Answer(((0.8, 0.6), (1.0, 0.0))))
    assert apart(one, Answer(((0.6, 0.8),))) and apart(one, Answer(None))


def test_from_a_file_to_an_answer_on_the_command_line(tmp_path, capsys):
    from tunewell import cli

    rows = [
        {"anchor": f"where is word{n} now", "positive": f"here word{n} stands {n % 7}"}
        for n in range(60)
    ]
    path = tmp_path / "faq.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    out = tmp_path / "run"
    done = tunewell.compare(str(path), task="similar", methods=["bm25"], out=str(out))
    assert done.data["results"][0]["scores"]["ndcg_at_10"]["value"] > 0.9
    known = tunewell.load(out).task.passages
    word = known[4].split()[1]
    assert cli.main(["predict", str(out), f"tell me of {word}"]) == 0
    assert known[4] in capsys.readouterr().out.splitlines()[0]
