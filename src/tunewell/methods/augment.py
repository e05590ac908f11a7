"""Altered copies of the rows are learnt as well."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tunewell import registry
from tunewell.contracts import Job, Predictor
from tunewell.errors import ConfigError, NotApplicable, Probed
from tunewell.fit.schedule import refuse_below
from tunewell.values import Example, Kind, Machine, Progress, read_json

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class Augment:
    """Another method, on the rows and on copies with words left out, swapped or doubled.

    What moves: what the base method moves. Needs: texts with spaces between words. Costs: the
    base method twice, once on the rows alone and once on rows and copies; the one that validation
    likes better is kept. Choose it: with some hundred rows; with thousands it seldom helps.
    Neighbours: the base method alone. Validation and test rows are never altered.
    Source: EDA (arXiv 1901.11196), without its synonyms, which need a thesaurus of the language.
    """

    name: ClassVar[str] = "augment"
    summary: ClassVar[str] = "as another method, on the rows and altered copies of them"
    rung: ClassVar[int] = 98
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[tuple[Kind, ...]] = ("label", "labels", "number")

    base_method: str = "full"
    """The method that learns, with its default options."""
    copies: int = 2
    """Altered copies of each row; the paper takes more the fewer rows there are, up to 16."""
    share: float = 0.1
    """Share of a row's words that are altered, at least one (the paper's choice)."""

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        registry.method(self.base_method)
        refuse_below(1, copies=self.copies)
        if not 0 < self.share <= 0.5:
            raise ConfigError(f"share is {self.share}.", "A share from 0 to 0.5 is expected.")

    def fit(self, job: Job) -> Predictor:
        """Fit twice and keep what validation likes better; the rows alone where they are level.

        Raises:
            NotApplicable: no row has two words to swap.
        """
        copies = _copies(job, self.copies, self.share)
        if not copies:
            raise NotApplicable("no row has two words with a space between them")
        cut = 1 / (2 + self.copies)
        jobs = [_part(job, "rows", (), (0.0, cut)), _part(job, "copies", copies, (cut, 1.0))]
        alone, more = _fit_both(registry.method(self.base_method)(), jobs)
        scores = [_score(predictor, job) for predictor in (alone, more)]
        kept = "rows and copies" if scores[1] > scores[0] else "the rows alone"
        told = f"{scores[1]:.3f} with copies, {scores[0]:.3f} without"
        job.report_progress(Progress(1.0, max(scores), note=f"kept {kept}: validation {told}"))
        return more if scores[1] > scores[0] else alone

    def grid(self) -> tuple[Self, ...]:
        """The share of words that are altered, half of it, and twice it."""
        return tuple(
            replace(self, share=share)
            for share in dict.fromkeys((self.share, self.share / 2, min(0.5, self.share * 2)))
        )

    def rows_by_hand(self) -> ByHand:
        """The altered copies in plain lines."""
        from tunewell.fit.by_hand import ByHand, lines

        code = f"""
            def copies_of(rows):
                \"\"\"Altered copies of some rows, each with the row's target.\"\"\"
                made = []
                for number, (given, target) in enumerate(rows):
                    for copy in range({self.copies}):
                        chance = random.Random(f"{{SEED}}/{{number}}/{{copy}}")
                        own = TASK.texts(given)
                        texts = tuple(altered(text, {self.share}, chance) for text in own)
                        if texts != tuple(" ".join(text.split()) for text in own):
                            made.append((texts[0] if isinstance(given, str) else texts, target))
                return made
            """
        return ByHand(lines(code), ("import random",), uses=(altered,))

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that the base method saved."""
        base = registry.method(read_json(folder / "model.json")["method"])
        return base.load(folder, machine)


def altered(text: str, share: float, chance: random.Random) -> str:
    """The text with a share of its words left out, swapped, or put in a second time elsewhere.

    >>> altered("a b c d", 0.25, random.Random(0))
    'd b c a'
    """
    words = text.split()
    kind = chance.choice((_leave_out, _swap, _insert))
    for _ in range(max(1, round(share * len(words)))):
        if len(words) > 1:
            kind(words, chance)
    return " ".join(words)


def _leave_out(words: list[str], chance: random.Random) -> None:
    del words[chance.randrange(len(words))]


def _swap(words: list[str], chance: random.Random) -> None:
    one, other = chance.sample(range(len(words)), 2)
    words[one], words[other] = words[other], words[one]


def _insert(words: list[str], chance: random.Random) -> None:
    words.insert(chance.randint(0, len(words)), chance.choice(words))


def _copies(job: Job, copies: int, share: float) -> tuple[Example, ...]:
    made = []
    for number, example in enumerate(job.train):
        for copy in range(copies):
            chance = random.Random(f"{job.seed}/{number}/{copy}")
            own = job.task.texts(example.input)
            texts = tuple(altered(text, share, chance) for text in own)
            if texts != tuple(" ".join(text.split()) for text in own):
                single = isinstance(example.input, str)
                made.append(replace(example, input=texts[0] if single else texts))
    return tuple(made)


def _part(job: Job, name: str, copies: tuple[Example, ...], done: tuple[float, float]) -> Job:
    """A job of its own for one of the two fits; `done` of both when it begins and ends."""

    def told(progress: Progress) -> None:
        begin, end = done
        job.report_progress(replace(progress, done=begin + (end - begin) * progress.done))

    folder = job.folder / name if job.folder else None
    return replace(job, train=(*job.train, *copies), folder=folder, report_progress=told)


def _fit_both(base: Any, jobs: Sequence[Job]) -> list[Predictor]:
    """Both predictors; where the job only asks what they would cost, the sum of both."""
    fitted, probed = [], []
    for job in jobs:
        try:
            fitted.append(base.fit(job))
        except Probed as cost:
            probed.append(cost)
    if probed:
        fixed = sum(cost.fixed_seconds for cost in probed)
        seconds = sum(cost.seconds for cost in probed)
        raise Probed(fixed, seconds, answer_seconds=probed[0].answer_seconds)
    return fitted


def _score(predictor: Predictor, job: Job) -> float:
    """On validation; more is better, whatever the metric."""
    answers = predictor.predict([example.input for example in job.validation])
    score = job.task.score([e.target for e in job.validation], answers)[job.task.metric]
    return job.task.metrics[job.task.metric].scale.better(score)
