"""Numbers: what is read as one, the line of `cosine`, and STS-B."""

import csv

import numpy as np
import pytest

import toy_tasks
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import DataError, NotApplicable
from tunewell.fit.backbones import resolve
from tunewell.tasks.score import Score


@pytest.mark.parametrize(
    ("cell", "number"), [("3", 3.0), (" 4.50 ", 4.5), ("-0,25", -0.25), ("−2", -2.0), ("1e3", 1e3)]
)
def test_numbers_as_people_write_them(cell, number):
    assert Score().read({"input": "kelo", "target": cell}, "row 2").target == number


@pytest.mark.parametrize("cell", ["four", "1,000", "nan", "inf", "3 stars", "2/5"])
def test_what_is_no_number_is_refused_with_its_place(cell):
    with pytest.raises(DataError, match="row 2") as caught:
        Score().read({"input": "kelo", "target": cell}, "row 2")
    assert caught.value.column == "target"


def test_equal_numbers_are_refused():
    rows = [Score().read({"input": "kelo", "target": "3"}, f"row {n}") for n in (2, 3)]
    with pytest.raises(DataError, match="No two of the 2"):
        Score.from_examples(rows)


def test_the_line_of_cosine_is_that_of_least_squares(toy_backbone, tmp_path):
    task, rows = toy_tasks.learnt("score_pairs"), toy_tasks.examples("score_pairs", 60)
    predictor = registry.method("cosine")().fit(
        Job(task, rows[:40], rows[40:], resolve(str(toy_backbone)))
    )
    said = np.array([a.value for a in predictor.predict([e.input for e in rows[:40]])])
    targets = np.array([e.target for e in rows[:40]])
    cosines = (said - predictor.start) / predictor.slope
    slope, start = np.polyfit(cosines, targets, 1)
    assert [predictor.slope, predictor.start] == pytest.approx([slope, start], rel=1e-4)
    assert np.all(np.abs(cosines) <= 1 + 1e-6)
    predictor.save(tmp_path / "model")
    again = registry.method("cosine").load(tmp_path / "model", predictor.record.machine)
    assert [a.value for a in again.predict([e.input for e in rows[:40]])] == list(said)


def test_one_text_a_row_has_no_cosine(toy_backbone):
    task, rows = toy_tasks.learnt("score"), toy_tasks.examples("score", 20)
    with pytest.raises(NotApplicable, match="two texts"):
        registry.method("cosine")().fit(Job(task, rows[:10], rows[10:], resolve(str(toy_backbone))))


def test_the_default_encoder_knows_likeness(real_data):
    from scipy.stats import spearmanr

    path = real_data / "glue_mrpc_stsb" / "STS-B" / "test.tsv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[::7]
    examples = [
        Score().read(
            {"input": {"a": r["sentence1"], "b": r["sentence2"]}, "target": r["score"]}, "row"
        )
        for r in rows
    ]
    task = Score.from_examples(examples[:40])
    job = Job(task, tuple(examples[:40]), tuple(examples[40:60]), resolve(None))
    predictor = registry.method("cosine")().fit(job)
    answers = predictor.predict([e.input for e in examples[60:]])
    targets = [e.target for e in examples[60:]]
    scores = task.score(targets, answers)
    oracle = spearmanr(targets, [a.value for a in answers]).statistic
    assert scores["spearman"] == pytest.approx(oracle) and scores["spearman"] > 0.75
