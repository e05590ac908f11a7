"""How long a pre-training goes and how fast it learns, by one rule from its size and its tokens.

Twenty tokens a parameter where no time is set (Hoffmann et al., arXiv 2203.15556). Batch and
learning rate from the operations of the whole training, 6 x parameters x tokens, as DeepSeek
fitted them (arXiv 2401.02954, section 3.1); where that batch would leave few steps it is smaller.
The learning rate rises, stays, and falls to 0 in the last fifth (Hägele et al., arXiv 2405.18392),
so a training may go on or end at any time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

TOKENS_A_PARAMETER = 20
WARMUP = 0.05
"""Share of the steps in which the learning rate rises."""
DECAY = 0.2
"""Share of all steps in which it falls."""
HIGHEST_RATE = 4e-3
"""Small computations would get more by the rule, which was fitted to large ones."""
RATE_OF_BACKBONES = 1e-4
"""Highest learning rate of a model that has learnt before (arXiv 2004.10964)."""
LEAST_STEPS = 2000
"""A batch is never so large that there are fewer, if one block a step will do."""
READING_TOKENS = 4096
"""Of a step of a backbone that reads on, but fewer where there would be less steps than these:"""
READING_STEPS = 100
HEAD_STEPS = 0.2
"""Of a new output layer alone, as a share of all others."""
HEAD_RATE = 1e-3
"""Its learning rate."""


@dataclass(frozen=True)
class Course:
    """How a training goes."""

    window: int
    """Tokens of a block."""
    blocks: int
    """Blocks in a step of the optimizer."""
    steps: int
    """Where a time is set, about how many there will be."""
    learning_rate: float
    """The highest."""
    seconds: float | None = None
    """Time for all steps; None: the steps are counted."""

    @property
    def step_tokens(self) -> int:
        """Tokens that a step reads."""
        return self.window * self.blocks

    @property
    def tokens(self) -> int:
        """Tokens that all steps read."""
        return self.steps * self.step_tokens

    def falls(self, step: int, seconds: float) -> bool:
        """Whether the learning rate begins to fall now, after so many steps in so much time."""
        if self.seconds is None:
            return step >= self.steps - round(DECAY * self.steps)
        each = seconds / step if step else 0.0
        return step > 0 and seconds + each * (self.end(step) - step) >= self.seconds

    def end(self, falls_from: int) -> int:
        """The number of steps in all, where the learning rate falls from this one on."""
        if self.seconds is None:
            return self.steps
        return falls_from + max(1, round(falls_from * DECAY / (1 - DECAY)))

    def rate_at(self, step: int, falls_from: int | None) -> float:
        """The learning rate of a step counted from 0.

        >>> course = Course(window=8, blocks=1, steps=100, learning_rate=1.0)
        >>> [round(course.rate_at(step, 80), 3) for step in (0, 4, 50, 80, 99)]
        [0.2, 1.0, 1.0, 0.952, 0.048]
        """
        rate = self.learning_rate * min(1.0, (step + 1) / max(1, round(WARMUP * self.steps)))
        if falls_from is None or step < falls_from:
            return rate
        end = self.end(falls_from)
        return rate * (end - step) / (end - falls_from + 1)


def course_of(
    parameters: int, tokens: float, window: int, seconds: float | None, new: bool
) -> Course:
    """The course of a training over about so many tokens.

    Args:
        window: tokens that the model reads at once.
        seconds: time for all steps; None: the tokens decide.
        new: whether the weights are random.
    """
    operations = 6.0 * parameters * tokens
    batch = 0.2920 * operations**0.3271
    blocks = max(1, round(min(batch, tokens / LEAST_STEPS) / window))
    rate = RATE_OF_BACKBONES
    if new:
        rate = min(HIGHEST_RATE, 0.3118 * operations**-0.125)
    return Course(window, blocks, max(1, round(tokens / (blocks * window))), rate, seconds)


def reading_course(tokens: float, window: int, passes: int, learning_rate: float) -> Course:
    """So many passes of a backbone over so many tokens, in blocks of a window."""
    whole = passes * tokens
    many = max(1, round(min(READING_TOKENS, whole / READING_STEPS) / window))
    return Course(window, many, max(1, round(whole / (many * window))), learning_rate)


def alone_first(course: Course) -> Course:
    """That of a new output layer, which learns alone before the whole goes its course."""
    return replace(course, steps=max(1, round(HEAD_STEPS * course.steps)), learning_rate=HEAD_RATE)


def parameters_in(seconds: float, operations_a_second: float) -> int:
    """Parameters of a model that reads twenty tokens for each of them in this time.

    >>> parameters_in(3600, 100e9)
    1732051
    """
    return round((seconds * operations_a_second / (6 * TOKENS_A_PARAMETER)) ** 0.5)
