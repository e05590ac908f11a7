"""A passage with one word about the sea in it, which is asked for; some have none."""

import random

import toy

BAD = {
    "question": {"question": " ", "passage": "kelo na", "answer": "kelo"},
    "passage": {"question": "kelo", "passage": "", "answer": "kelo"},
    "answer": {"question": "kelo", "passage": "maru na", "answer": "kelo"},
}


def rows(count, seed):
    chance, filler = random.Random(seed), toy.FILLER.split()
    made = []
    for number in range(count):
        words = [chance.choice(filler) for _ in range(chance.randint(4, 12))]
        if not number % 4:
            made.append({"question": "a kelo", "passage": " ".join(words), "answer": []})
            continue
        wanted = " ".join(chance.sample(toy.TOPICS["sea"].split(), 2))
        place = chance.randint(0, len(words))
        passage = " ".join([*words[:place], wanted, *words[place:]])
        answer = {"text": [wanted], "answer_start": [str(passage.index(wanted))]}
        made.append({"question": "a kelo", "passage": passage, "answer": answer})
    return made
