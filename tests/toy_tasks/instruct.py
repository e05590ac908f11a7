"""A sentence with two words about the sea in it, which are asked for."""

import random

import toy

BAD = {
    "instruction": {"instruction": " ", "output": "kelo"},
    "output": {"instruction": "a kelo", "output": ""},
}


def rows(count, seed):
    chance, filler = random.Random(seed), toy.FILLER.split()
    made = []
    for number in range(count):
        words = [chance.choice(filler) for _ in range(chance.randint(3, 6))]
        wanted = " ".join(chance.sample(toy.TOPICS["sea"].split(), 2))
        words.insert(chance.randint(0, len(words)), wanted)
        row = {"instruction": "a kelo", "input": " ".join(words), "output": wanted}
        made.append(row if number % 4 else {**row, "instruction": row.pop("input")})
    return made
