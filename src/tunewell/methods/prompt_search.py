"""A better prompt is looked for, and nothing of the model moves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Self

from tunewell.contracts import Job, Predictor
from tunewell.errors import ConfigError
from tunewell.values import Kind, Machine, Progress


@dataclass(frozen=True)
class PromptSearch:
    """The words and solved rows before a question whose answers on validation rows are best.

    What moves: nothing; the prompt is a text. Instructions of our own and of the model, which
    makes them up from solved rows, are tried with sets of solved rows, many on few validation
    rows and the best on more. Needs: a model that writes, on this machine or behind an endpoint
    (`--backbone openai:MODEL`). Costs: at most `tokens` tokens, once; then no more than asking.
    Choose it: for a model that can't be trained, and where a prompt that a person can read and
    edit is wanted: it is `prompt.txt` in the folder of the model.
    Neighbours: `few_shot` takes the task's own words; `prompt_tuning` learns a prompt that has no
    words.
    Source: APE (Zhou et al., arXiv 2211.01910); successive halving (Jamieson and Talwalkar, arXiv
    1502.07943).
    """

    name: ClassVar[str] = "prompt_search"
    summary: ClassVar[str] = "nothing moves: a prompt in words is looked for"
    rung: ClassVar[int] = 35
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[tuple[Kind, ...]] = ("label", "labels", "number", "span", "choice", "text")
    reads_label_names: ClassVar[bool] = True
    asks: ClassVar[bool] = True
    example: ClassVar[str] = "--backbone HuggingFaceTB/SmolLM2-135M-Instruct"

    tokens: int = 200_000
    """That the search may read and write."""
    candidates: int = 16
    """Prompts that are tried."""
    proposals: int = 4
    """Instructions that the model is asked to make up."""
    k: int = 4
    """Solved rows in a prompt that has some."""
    by: Literal["scoring", "generating"] | None = None
    """Scoring each label or choice as an answer, or writing the answer. Not given: scoring where
    it can be done, up to 100 labels, else generating."""

    def __post_init__(self) -> None:
        """Refuse what nothing can be looked for with."""
        if self.candidates < 2:
            raise ConfigError(f"candidates is {self.candidates}.", "2 or more are expected.")
        if self.k < 1:
            raise ConfigError(f"k is {self.k}.", "1 or more is expected.")

    def fit(self, job: Job) -> Predictor:
        """Look for the prompt; NotApplicable where the backbone does not write."""
        from tunewell.fit.prompting.asking import asked_plainly
        from tunewell.fit.prompting.search import probed, search

        plain = asked_plainly(self.name, job, self.by)
        asked = self.candidates, self.proposals, self.k, self.tokens
        if job.probe:
            raise probed(plain, job, *asked)
        found = search(plain, job, *asked)
        told = f"{found.tried} prompts were tried with {found.tokens:,} tokens"
        job.report_progress(Progress(note=f"{told}; prompt.txt holds the best"))
        return found.asked

    def grid(self) -> tuple[Self, ...]:
        """Nothing else to search."""
        return (self,)

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote, with the prompt as it is now."""
        from tunewell.fit.prompting.asked import load_asked

        return load_asked(folder, machine)
