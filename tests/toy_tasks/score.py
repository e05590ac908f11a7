"""A sentence, and how much of it is about the sea."""

import random

import toy

BAD = {
    "input": {"input": " ", "target": "2"},
    "target": {"input": "kelo", "target": "much"},
}
LEARNT_BY = ("bag_of_words", "features", "head")


def rows(count, seed):
    chance, topics = random.Random(seed), list(toy.TOPICS)
    made = []
    for _ in range(count):
        words = chance.randint(0, 4)
        parts = [toy.sentence(topics[0], chance) for _ in range(words)]
        parts += [toy.sentence(topics[1], chance) for _ in range(4 - words)]
        chance.shuffle(parts)
        made.append({"input": " ".join(parts), "target": str(words)})
    return made
