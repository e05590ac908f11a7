"""A few sentences, of which the two words about the sea are wanted."""

import random

import toy

BAD = {
    "document": {"document": " ", "summary": "kelo maru"},
    "summary": {"document": "a kelo", "summary": ""},
}


def rows(count, seed):
    chance, filler = random.Random(seed), toy.FILLER.split()
    made = []
    for _ in range(count):
        words = [chance.choice(filler) for _ in range(chance.randint(5, 9))]
        wanted = chance.sample(toy.TOPICS["sea"].split(), 2)
        for word in wanted[::-1]:
            words.insert(chance.randint(0, len(words) // 2), word)
        told = [word for word in words if word in wanted]
        made.append({"document": " ".join(words), "summary": " ".join(told)})
    return made
