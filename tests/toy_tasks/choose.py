"""A sentence, and several others of which one is about the same topic."""

import random

import toy

BAD = {
    "question": {"question": " ", "choices": ["kelo", "bark"], "answer": "0"},
    "choices": {"question": "kelo", "choices": ["maru"], "answer": "0"},
    "answer": {"question": "kelo", "choices": ["maru", "bark"], "answer": "9"},
}


def rows(count, seed):
    chance, topics = random.Random(seed), list(toy.TOPICS)
    made = []
    for number in range(count):
        one = chance.choice(topics)
        others = [t for t in topics if t != one][: 1 + number % 2]
        choices = [
            (topic, f"{toy.sentence(topic, chance)} {n}") for n, topic in enumerate([one, *others])
        ]
        chance.shuffle(choices)
        right = next(n for n, (topic, _) in enumerate(choices) if topic == one)
        said = [str(right), "ABC"[right], choices[right][1]][number % 3]
        made.append(
            {
                "question": toy.sentence(one, chance),
                "choices": [text for _, text in choices],
                "answer": said,
            }
        )
    return made
