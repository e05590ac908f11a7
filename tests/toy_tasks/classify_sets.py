"""A sentence of two topics or one, and the set of its topics."""

import random

import toy

FOUND = {"answers": "labels"}
BAD = {
    "input": {"input": " ", "target": ["sea"]},
    "target": {"input": "kelo", "target": {"sea": "perhaps", "forest": "0"}},
}
LEARNT_BY = ("bag_of_words", "few_shot", "features", "head")


def rows(count, seed):
    chance, topics = random.Random(seed), list(toy.TOPICS)
    made = []
    for number in range(count):
        chosen = chance.sample(topics, number % 3 and 1 + number % 2)
        text = " ".join([toy.sentence(topic, chance) for topic in chosen] or toy.FILLER.split()[:4])
        listed = {topic: str(int(topic in chosen)) for topic in topics}
        made.append({"input": text, "target": listed if number % 2 else chosen})
    return made
