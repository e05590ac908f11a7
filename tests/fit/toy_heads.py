"""Tasks for each kind of head, as little of them as the heads need, with rows of the toy world."""

import random
from dataclasses import dataclass, field
from typing import ClassVar

import toy
from tunewell.contracts import Scale
from tunewell.values import Example, Span


class Share:
    """What `Toy.score` gives, as the loop knows it."""

    name = words = "m"
    scale = Scale()


@dataclass(frozen=True)
class Toy:
    """What every toy task has."""

    metric: str = "m"

    @property
    def metrics(self):
        return {"m": Share()}

    def score(self, targets, answers):
        """The share of targets that are given, or of the first of those that are as good."""
        right = [
            a.value == t or (isinstance(t, tuple) and bool(t) and a.value == t[0])
            for t, a in zip(targets, answers, strict=True)
        ]
        return {"m": sum(right) / len(right)}

    def to_json(self):
        return {"name": self.name}

    @classmethod
    def from_json(cls, value):
        return cls()


@dataclass(frozen=True)
class Tag(Toy):
    name: ClassVar[str] = "toy_tag"
    head: ClassVar[str] = "token"
    answers: ClassVar[str] = "spans"
    labels: tuple[str, ...] = tuple(sorted(toy.TOPICS))

    @staticmethod
    def rows(count, seed=0):
        """Words of a topic are spans of its name, side by side where they stand side by side."""
        topic_of = {word: topic for topic, words in toy.TOPICS.items() for word in words.split()}
        made = []
        for example in toy.examples(count, seed):
            spans, at = [], 0
            for word in example.input.split():
                if word in topic_of:
                    spans.append(Span(at, at + len(word), topic_of[word], word))
                at += len(word) + 1
            made.append(Example(example.input, tuple(spans)))
        return tuple(made)


@dataclass(frozen=True)
class Ask(Toy):
    name: ClassVar[str] = "toy_answer"
    head: ClassVar[str] = "span"
    answers: ClassVar[str] = "span"
    unanswerable: bool = True
    threshold: float = 0.0

    @staticmethod
    def rows(count, seed=0):
        """The passage's one word of the topic that is asked for; every fourth has none."""
        chance, made = random.Random(seed), []
        for row in range(count):
            topic = chance.choice(list(toy.TOPICS))
            words = chance.choices(toy.FILLER.split(), k=chance.randint(6, 30))
            span = Span(0, 0)
            if row % 4:
                at, word = chance.randrange(len(words)), chance.choice(toy.TOPICS[topic].split())
                words[at] = word
                start = len(" ".join([*words[:at], ""]))
                span = Span(start, start + len(word), "", word)
            asked = chance.choice(toy.TOPICS[topic].split())
            made.append(Example({"question": asked, "passage": " ".join(words)}, (span,)))
        return tuple(made)


@dataclass(frozen=True)
class Choose(Toy):
    name: ClassVar[str] = "toy_choose"
    head: ClassVar[str] = "choice"
    answers: ClassVar[str] = "choice"

    @staticmethod
    def rows(count, seed=0):
        """Two to five sentences, one of which is of the topic of the question."""
        chance, made = random.Random(seed), []
        for example in toy.examples(count, seed):
            others = [topic for topic in toy.TOPICS if topic != example.target]
            right = toy.sentence(example.target, chance)
            wrong = [toy.sentence(chance.choice(others), chance) for _ in range(len(made) % 4 + 1)]
            choices = chance.sample([right, *wrong], len(wrong) + 1)
            given = {"question": example.input, "choices": tuple(choices)}
            made.append(Example(given, right))
        return tuple(made)


@dataclass(frozen=True)
class Likeness(Toy):
    name: ClassVar[str] = "toy_similar"
    head: ClassVar[str] = "vector"
    answers: ClassVar[str] = "number"
    low: float = 0.0
    high: float = 5.0

    @staticmethod
    def rows(count, seed=0):
        """Pairs of sentences; those of one topic are alike."""
        pairs = zip(toy.examples(count, seed), toy.examples(count, seed + 9)[::-1], strict=True)
        return tuple(
            Example((one.input, other.input), 5.0 * (one.target == other.target))
            for one, other in pairs
        )

    def score(self, targets, answers):
        """Less the mean distance of a cosine from what it should be."""
        apart = [abs(a.value - t) / 5 for t, a in zip(targets, answers, strict=True)]
        return {"m": 1 - sum(apart) / len(apart)}


@dataclass(frozen=True)
class Several(Toy):
    name: ClassVar[str] = "toy_labels"
    head: ClassVar[str] = "sequence"
    answers: ClassVar[str] = "labels"
    labels: tuple[str, ...] = tuple(sorted(toy.TOPICS))
    thresholds: dict[str, float] = field(default_factory=dict)

    @staticmethod
    def rows(count, seed=0):
        """Two sentences in one text, with the topics of both."""
        pairs = zip(toy.examples(count, seed), toy.examples(count, seed + 9)[::-1], strict=True)
        return tuple(
            Example(f"{one.input} {other.input}", tuple(sorted({one.target, other.target})))
            for one, other in pairs
        )


@dataclass(frozen=True)
class Number(Toy):
    name: ClassVar[str] = "toy_number"
    head: ClassVar[str] = "sequence"
    answers: ClassVar[str] = "number"
    mean: float = 30.0
    deviation: float = 10.0

    @staticmethod
    def rows(count, seed=0):
        """A number that stands for the topic."""
        numbers = {topic: 20.0 + 10 * at for at, topic in enumerate(sorted(toy.TOPICS))}
        return tuple(Example(e.input, numbers[e.target]) for e in toy.examples(count, seed))

    def score(self, targets, answers):
        """Less the mean distance, in tens."""
        apart = [abs(a.value - t) / 10 for t, a in zip(targets, answers, strict=True)]
        return {"m": -sum(apart) / len(apart)}


TASKS = {task.name: task for task in (Tag, Ask, Choose, Likeness, Several, Number)}
