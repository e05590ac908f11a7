"""Words that each have one other word as their translation, in the same order."""

import random

import toy

BAD = {
    "source": {"source": " ", "target": "kelo maru"},
    "target": {"source": "a na", "target": ""},
}
OTHER = {word: ("kelo", "maru")[n % 2] for n, word in enumerate(toy.FILLER.split())}


def rows(count, seed):
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        words = [chance.choice(list(OTHER)) for _ in range(chance.randint(4, 6))]
        made.append({"source": " ".join(words), "target": " ".join(OTHER[w] for w in words)})
    return made
