"""A word about the sea again and again, with one left out."""

import random

import toy

BAD = {
    "text": {"text": " ", "words": "kelo"},
    "words": {"text": "a ___ and a ___", "words": "kelo"},
}


def rows(count, seed):
    chance, made = random.Random(seed), []
    for _ in range(count):
        words = [chance.choice(toy.TOPICS["sea"].split())] * chance.randint(4, 8)
        place = chance.randrange(1, len(words) - 1)
        text = " ".join([*words[:place], "___", *words[place + 1 :]])
        made.append({"text": text, "words": words[place]})
    return made
