"""A sentence and its topic."""

import toy

BAD = {"input": {"input": " ", "target": "sea"}, "target": {"input": "kelo", "target": ""}}
LEARNT_BY = ("bag_of_words", "few_shot", "features", "head")


def rows(count, seed):
    return [{"input": e.input, "target": e.target} for e in toy.examples(count, seed)]
