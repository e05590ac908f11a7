"""A sentence with two words about the sea in it, which are asked for in a conversation."""

import random

import toy

BAD = {"messages": {"messages": [{"role": "tool", "content": "kelo"}]}}


def rows(count, seed):
    chance, filler = random.Random(seed), toy.FILLER.split()
    made = []
    for number in range(count):
        words = [chance.choice(filler) for _ in range(chance.randint(3, 6))]
        wanted = " ".join(chance.sample(toy.TOPICS["sea"].split(), 2))
        words.insert(chance.randint(0, len(words)), wanted)
        who, what = ("from", "value") if number % 2 else ("role", "content")
        user, said = ("human", "gpt") if number % 2 else ("user", "assistant")
        asked = [{who: user, what: " ".join(words)}, {who: said, what: wanted}]
        before = [{who: "system", what: "a kelo"}] if number % 3 else []
        made.append({"messages": [*before, *(asked * 2 if number % 4 == 1 else asked)]})
    return made
