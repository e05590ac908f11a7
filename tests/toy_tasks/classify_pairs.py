"""Two sentences, and whether they are about the same topic."""

import random

import toy

BAD = {"input": {"input": {"a": "kelo", "b": ""}, "target": "same"}}


def rows(count, seed):
    chance, topics = random.Random(seed), list(toy.TOPICS)
    made = []
    for number in range(count):
        one = chance.choice(topics)
        other = one if number % 2 else chance.choice([t for t in topics if t != one])
        texts = {"a": toy.sentence(one, chance), "b": toy.sentence(other, chance)}
        made.append({"input": texts, "target": "same" if one == other else "other"})
    return made
