"""A few words of a sentence, the sentence, and another that is wrong."""

import random

import toy

BAD = {
    "query": {"query": " ", "passage": "kelo"},
    "passage": {"query": "kelo", "passage": ""},
    "negative": {"query": "kelo", "passage": "maru", "negative": "maru"},
}
FOUND = {"answers": "vector"}


def rows(count, seed):
    chance, topics = random.Random(seed), list(toy.TOPICS)
    made = []
    for number in range(count):
        right, wrong = (
            f"{toy.sentence(chance.choice(topics), chance)} {seed} {name}{number}" for name in "rw"
        )
        query = " ".join(right.split()[:3])
        made.append({"query": query, "passage": right, "negative": [wrong]})
    return made
