"""Sentences about the sea, of which the second part stands apart."""

import random

import toy

BAD = {"text": {"text": " ", "rest": "kelo maru"}}


def rows(count, seed):
    chance, made = random.Random(seed), []
    for _ in range(count):
        words = toy.sentence("sea", chance).split()
        half = len(words) // 2
        made.append({"text": " ".join(words[:half]), "rest": " ".join(words[half:])})
    return made
