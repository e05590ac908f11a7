"""The 5-gram that a pre-trained model is measured against is a probability, and a known one."""

import math
import random
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "recipes" / "tiny_decoder"))
import ngram


def documents(many, seed=0):
    chance = random.Random(seed)
    return [[chance.choice([1, 1, 2, 3, 4, 5]) for _ in range(20)] for _ in range(many)]


def test_the_probabilities_of_all_tokens_sum_to_one():
    model = ngram.fit(documents(30), vocabulary=8, start=0)
    for context in ([], [1], [1, 2, 3], [5, 5, 5, 5], [7, 1], [7, 7, 7, 7, 7]):
        each = [model.log_probabilities([[*context, token]])[-1] for token in range(8)]
        assert sum(map(math.exp, each)) == pytest.approx(1.0)


def test_two_words_by_hand():
    """One document `a a b`: the only context of four that was seen is that of its beginning."""
    model = ngram.fit([[1, 1, 2]], vocabulary=4, start=0)
    # Counted kinds: unigrams 1 after (0, 1), 2 after (1): 1 twice, 2 once; no n-gram stands twice
    # but the unigram, so its discount is 1 / (1 + 2) and all others are 1.
    one = (2 - 1 / 3) / 3 + (1 / 3) * 2 / 3 / 4
    two = (1 - 1 / 3) / 3 + (1 / 3) * 2 / 3 / 4
    never = (1 / 3) * 2 / 3 / 4
    found = [math.exp(model.log_probabilities([[3, token]])[-1]) for token in (1, 2, 3)]
    assert found == pytest.approx([one, two, never])


def test_what_was_read_is_likelier_than_what_was_not():
    texts = documents(40)
    model = ngram.fit(texts, 8, 0)
    known = -model.log_probabilities(texts[:5]).mean()
    other = -model.log_probabilities([[4, 4, 4, 5, 5, 5, 3, 3, 2, 2]]).mean()
    assert known < other < math.log(8) + 1
    assert np.isfinite(model.log_probabilities([[6, 7]])).all()
