"""A better prompt, found on validation rows: many are tried on few rows, the best on more.

Instructions are our own and the model's, which it makes up from solved rows as in APE (Zhou et
al., arXiv 2211.01910); half of the prompts leave after each round, as in successive halving
(Jamieson and Talwalkar, arXiv 1502.07943).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from tunewell.contracts import Job
from tunewell.errors import NotApplicable, Probed
from tunewell.fit.prompting.asked import AskedPredictor
from tunewell.fit.prompting.asking import seconds_each
from tunewell.fit.prompting.questions import solved, told_before
from tunewell.fit.prompting.shots import chosen
from tunewell.fit.prompting.tally import Tally
from tunewell.fit.prompting.writers import LocalWriter
from tunewell.values import Example

FIRST = 8
"""Rows of the first round."""
TIMED = 3
"""Prompts that are tried to see how long an answer takes."""
SHOWN = 5
"""Solved rows from which the model makes up an instruction."""
INSTRUCTION_TOKENS = 64
INSTRUCTION_CHARACTERS = 400
ALONE = "Write the answer and nothing else."
MAKE_UP = (
    "Here are questions, each with the right answer behind it.\n\n{solved}\n\n"
    "Tell somebody who has not seen them, in one or two sentences, how to answer such questions."
    "\nInstruction:"
)


@dataclass(frozen=True)
class Outcome:
    """What a search has found."""

    asked: AskedPredictor
    """With the best prompt."""
    score: float
    """How right its answers were, 0 to 1, on the rows that it was tried on."""
    rows: int
    """That it was tried on."""
    tried: int
    """Prompts."""
    tokens: int
    """Read and written, at most."""


@dataclass
class _Spending:
    """Tokens of a search, never more than its most."""

    most: int
    tokens: int = 0

    def holds(self, bound: int) -> bool:
        """Whether so many more may be spent."""
        return self.tokens + bound <= self.most


def search(
    plain: AskedPredictor, job: Job, candidates: int, proposals: int, k: int, tokens: int
) -> Outcome:
    """The prompt whose answers to validation rows are the most right.

    Args:
        plain: asked in the task's own words.
        candidates: prompts that are tried.
        proposals: instructions that the model is asked for.
        k: solved rows in a prompt that has some.
        tokens: that may be read and written.

    Raises:
        NotApplicable: they are not enough to try two prompts.
    """
    spending = _Spending(tokens)
    prompts = _prompts(plain, job, candidates, proposals, k, spending)
    if len(prompts) < 2:
        window = plain.writer.window
        raise NotApplicable(f"the model reads {window} tokens at once, too few for two prompts")
    known = list(job.validation or job.train)
    rows = Random(job.seed).sample(known, len(known))
    tried = len(prompts)
    right: dict[str, list[float]] = {prompt: [] for prompt in prompts}
    nats: dict[str, list[list[float]]] = {prompt: [] for prompt in prompts}
    at = 0
    while at < len(rows) and (len(prompts) > 1 or not at):
        some = rows[at : at + max(FIRST, at)]
        if at and not spending.holds(sum(_bound(plain, prompt, some) for prompt in prompts)):
            break
        while not spending.holds(sum(_bound(plain, prompt, some) for prompt in prompts)):
            prompts, tried = prompts[:-1], tried - 1
            if len(prompts) < 2:
                raise NotApplicable(f"{tokens:,} tokens hold no two prompts")
        for prompt in prompts:
            right[prompt] += _tried(plain, prompt, some, nats[prompt], spending)
        at += len(some)
        prompts.sort(key=lambda prompt: -sum(right[prompt]))  # the first of equals stays first
        prompts = prompts[: (len(prompts) + 1) // 2]
    best = prompts[0]
    found = _with(plain, best)
    if found.by == "scoring":
        found = found.unbiased(nats[best])
    score = sum(right[best]) / max(1, len(right[best]))
    found = replace(found, tally=Tally())
    return Outcome(found, score, len(right[best]), tried, spending.tokens)


def probed(
    plain: AskedPredictor, job: Job, candidates: int, proposals: int, k: int, tokens: int
) -> Probed:
    """What a search would take, by some answers with prompts such as it would try.

    Args: as of `search`.

    Raises:
        NotApplicable: the window or the tokens are not enough to try two prompts.
    """
    spending = _Spending(tokens)
    prompts = _prompts(plain, job, candidates, 0, k, spending)
    if len(prompts) < 2:
        raise NotApplicable(f"the model reads {plain.writer.window} tokens at once, too few")
    some = prompts[:: -(-len(prompts) // TIMED)]
    seconds = statistics.fmean(seconds_each(_with(plain, prompt), job) for prompt in some)
    rows = list(job.validation or job.train)
    bound = statistics.fmean(
        _bound(plain, prompt, [row]) for prompt in some for row in rows[:FIRST]
    )
    answers = min(answers_needed(candidates, len(rows)), tokens / max(1.0, bound))
    proposing = seconds
    if isinstance(plain.writer, LocalWriter):
        begun = time.perf_counter()
        _made_up(plain, job, 1, spending)
        proposing = time.perf_counter() - begun
    return Probed(answers * seconds + proposals * proposing, 0.0, seconds, answers_after=True)


def answers_needed(candidates: int, rows: int) -> int:
    """How many rows are answered by a search that no bound of tokens ends."""
    at = total = 0
    while at < rows and (candidates > 1 or not at):
        some = min(max(FIRST, at), rows - at)
        total += candidates * some
        at, candidates = at + some, (candidates + 1) // 2
    return total


def _with(plain: AskedPredictor, prompt: str) -> AskedPredictor:
    return replace(plain, questions=replace(plain.questions, preface=prompt))


def _bound(plain: AskedPredictor, prompt: str, rows: Sequence[Example]) -> int:
    """Tokens at most of answering rows."""
    asked = _with(plain, prompt).asked([row.input for row in rows])
    answers = [_answers(plain, row) * plain.most for row in rows]
    return sum(plain.writer.tokens(one) + most for one, most in zip(asked, answers, strict=True))


def _answers(plain: AskedPredictor, row: Example) -> int:
    """How many answers to a row are read or written."""
    if plain.by == "generating":
        return 1
    if plain.task.answers == "choice":
        return len(row.input["choices"])
    return len(plain.task.labels)  # type: ignore[attr-defined]


def _tried(
    plain: AskedPredictor,
    prompt: str,
    rows: Sequence[Example],
    nats: list[list[float]],
    spending: _Spending,
) -> list[float]:
    """How right the answers to rows are with a prompt.

    Args:
        nats: of the rows before, where answers are scored; those of these are added.
    """
    asked, inputs = _with(plain, prompt), [row.input for row in rows]
    before = plain.tally.read + plain.tally.written
    if asked.by == "scoring":
        spending.tokens += _bound(plain, prompt, rows)
        nats += asked.nats(inputs)
        answers = asked.unbiased(nats).decided(inputs, nats[-len(rows) :])
    else:
        answers = asked.predict(inputs)
        spending.tokens += plain.tally.read + plain.tally.written - before
    pairs = zip(rows, answers, strict=True)
    return [plain.task.right(row.target, answer.value) for row, answer in pairs]


def _prompts(
    plain: AskedPredictor,
    job: Job,
    candidates: int,
    proposals: int,
    k: int,
    spending: _Spending,
) -> list[str]:
    """Each instruction alone, then each with solved rows of its own, as often as there is room.

    The task's own words come first.
    """
    own = told_before(job.task, job.train[0].input)
    told = [own, f"{own} {ALONE}".strip(), *_made_up(plain, job, proposals, spending)]
    told = list(dict.fromkeys(told))
    prompts: dict[str, None] = {}
    for number in range(4 * candidates):
        instruction, seed = told[number % len(told)], job.seed * 4 * candidates + number
        rows = chosen(job.task, job.train, k, "random", seed).rows if number >= len(told) else ()
        prompt = "\n\n".join(part for part in (instruction, solved(job.task, rows)) if part)
        if prompt not in prompts and _fits(plain, prompt, job):
            prompts[prompt] = None
        if len(prompts) == candidates:
            break
    return list(prompts)


def _made_up(plain: AskedPredictor, job: Job, proposals: int, spending: _Spending) -> list[str]:
    """What the model itself says how to answer, each time after other rows."""
    questions = replace(plain.questions, preface=None)
    asked = []
    for number in range(proposals):
        shots = chosen(job.task, job.train, SHOWN, "random", job.seed - 1 - number)
        asked.append(questions.said(MAKE_UP.format(solved=solved(job.task, shots.rows))))
    window = plain.writer.window
    lengths = [plain.writer.tokens(each) + INSTRUCTION_TOKENS for each in asked]
    if not spending.holds(sum(lengths)) or (
        window is not None and max(lengths, default=0) > window
    ):
        return []
    told = plain.writer.write(asked, INSTRUCTION_TOKENS)
    spending.tokens += sum(said.read + said.written for said in told)
    first = [(said.text or "").strip().partition("\n\n")[0] for said in told]
    return [text[:INSTRUCTION_CHARACTERS].strip() for text in first if text.strip()]


def _fits(plain: AskedPredictor, prompt: str, job: Job) -> bool:
    """Whether some questions after a prompt leave room for their answers."""
    window = plain.writer.window
    if window is None:
        return True
    inputs = [row.input for row in (job.validation or job.train)[:FIRST]]
    asked = _with(plain, prompt).asked(inputs)
    return all(plain.writer.tokens(one) + plain.most <= window for one in asked)
