"""A sentence as a list of words, and runs of words of one topic as its named pieces."""

import random

import toy

BAD = {
    "input": {"input": ["kelo", " "], "target": ["O", "O"]},
    "target": {"input": ["kelo", "na"], "target": ["B-sea"]},
}
LEARNT_BY = ("dictionary", "nearest_words", "head", "lora")


def rows(count, seed):
    chance, topics = random.Random(seed), list(toy.TOPICS)
    of = {word: topic for topic, words in toy.TOPICS.items() for word in words.split()}
    made = []
    for number in range(count):
        tokens = [*toy.sentence(topics[number % 3], chance).split(), "na"]
        tokens += toy.sentence(chance.choice(topics), chance).split()
        kinds = [of.get(token, "") for token in tokens]
        marks = ["I" if n and kinds[n] == kinds[n - 1] else "B" for n in range(len(kinds))]
        tags = [f"{m}-{k}" if k else "O" for m, k in zip(marks, kinds, strict=True)]
        made.append({"input": tokens, "target": tags})
    return made
