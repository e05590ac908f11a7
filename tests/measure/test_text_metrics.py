"""ROUGE, BLEU and chrF of random texts against `rouge-score` and `sacrebleu`."""

import random

import numpy as np
import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from tunewell.measure.intervals import intervals, resample_weights
from tunewell.measure.metrics.texts import ALIKE
from tunewell.measure.metrics.translations import Bleu, Chrf
from tunewell.tell.rows import metric_meaning
from tunewell.values import Answer

WORDS = "the The a cat sat, mat. on 3.5 don't «so» U.S.-led naïve Straße über 猫が 7,000 i i x -- !"
ROUGE = {"rouge1": "rouge_1", "rouge2": "rouge_2", "rougeL": "rouge_l"}


def texts(count, seed, longest=14, alphabet=WORDS):
    chance, words = random.Random(seed), alphabet.split()
    made = [
        " ".join(chance.choice(words) for _ in range(chance.randint(0, longest)))
        for _ in range(count)
    ]
    return [text.replace(" i ", "\n", 1) for text in made]


def likely(targets, seed):
    """Answers that have much in common with the targets, a few nothing or no value."""
    chance, others = random.Random(seed), texts(len(targets), seed + 1)
    made = []
    for target, other in zip(targets, others, strict=True):
        words = [w for w in target.split(" ") if chance.random() > 0.2]
        made.append(chance.choice([" ".join(words), target, other, " ".join([*words, other])]))
    return [Answer(None) if chance.random() < 0.05 else Answer(text) for text in made]


def said(answers):
    return [answer.value or "" for answer in answers]


@pytest.mark.parametrize("longest", [2, 14])
def test_rouge_is_that_of_rouge_score(longest):
    scorer = RougeScorer(list(ROUGE))
    latin = "the The a cat sat, mat. on 3.5 don't U.S.-led naïve i x"
    targets = texts(150, 1, longest, latin)
    for target, other in zip(targets, texts(150, 2, longest, latin), strict=True):
        for text in (other, target, f"{target} {other}", ""):
            theirs = scorer.score(target, text)
            for name, ours in ROUGE.items():
                likeness = ALIKE[ours].likeness(target, text)
                assert likeness == pytest.approx(theirs[name].fmeasure), (name, target, text)


@pytest.mark.parametrize(("right", "written"), [("", ""), ("", "a"), ("a", ""), ("!", "!")])
def test_texts_without_words_have_none_in_common(right, written):
    assert [ALIKE[name].likeness(right, written) for name in ROUGE.values()] == [0, 0, 0]


def test_one_word_is_no_pair():
    assert ALIKE["rouge_2"].likeness("cat", "cat") == 0
    assert ALIKE["rouge_1"].likeness("cat", "Cat!") == ALIKE["rouge_l"].likeness("cat", "cat") == 1


def test_texts_in_other_letters_have_words_as_well():
    assert ALIKE["rouge_1"].likeness("кот сидит", "кот спит") == 0.5


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("rows", [1, 3, 60])
def test_bleu_and_chrf_are_those_of_sacrebleu(rows, seed):
    targets = texts(rows, seed, 4 if seed % 3 == 0 else 14)
    answers = likely(targets, seed)
    for metric, theirs in ((Bleu(), sacrebleu.corpus_bleu), (Chrf(), sacrebleu.corpus_chrf)):
        ours = metric.value(metric.statistics(targets, answers).sum(axis=0))
        assert 100 * ours == pytest.approx(theirs(said(answers), [targets]).score, abs=1e-9)


@pytest.mark.parametrize("value", [None, "", "x"])
def test_nothing_in_common_is_nought(value):
    for metric in (Bleu(), Chrf()):
        for target in ("", "some words that are right"):
            assert metric.value(metric.statistics([target], [Answer(value)]).sum(axis=0)) == 0


def test_the_bootstrap_resamples_rows_as_sacrebleu_scores_them():
    targets = texts(40, 3)
    answers = likely(targets, 3)
    (weights,) = resample_weights(40, 20, seed=5)
    for metric, theirs in ((Bleu(), sacrebleu.corpus_bleu), (Chrf(), sacrebleu.corpus_chrf)):
        statistics = metric.statistics(targets, answers)
        for drawn, ours in zip(weights, metric.value(weights @ statistics), strict=True):
            rows = np.repeat(np.arange(40), drawn.astype(int))
            written, right = [said(answers)[n] for n in rows], [targets[n] for n in rows]
            assert 100 * ours == pytest.approx(theirs(written, [right]).score)
        found = intervals(metric, {"one": statistics[None]}, samples=200)["one"]
        assert found.low < found.value < found.high


def test_the_report_says_with_which_settings():
    version = sacrebleu.__version__
    bleu, chrf = metric_meaning(Bleu()), metric_meaning(Chrf())
    assert f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{version}" in bleu
    assert f"nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:{version}" in chrf
    assert metric_meaning(ALIKE["rouge_l"]).startswith("The mean over rows")
