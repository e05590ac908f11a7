"""What became of a model's answers, counted."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from tunewell.endpoint import Endpoint
from tunewell.fit.prompting.writers import Said


@dataclass
class Tally:
    """Counts of answers since a model was loaded."""

    answers: int = 0
    refused: int = 0
    unread: int = 0
    """Answers in which there was none of the task's."""
    read: int = 0
    """Tokens."""
    written: int = 0
    seconds: list[float] = field(default_factory=list)

    def add(self, said: Said, understood: bool) -> None:
        """Count one more."""
        self.answers += 1
        self.refused += said.text is None
        self.unread += said.text is not None and not understood
        self.read += said.read
        self.written += said.written
        self.seconds.append(said.seconds)

    def sentences(self) -> list[str]:
        """What is to be told; nothing where all answers could be used."""
        counted = ((self.refused, "refused"), (self.unread, "not to be understood"))
        return [
            f"{count} of {self.answers} answers {'was' if count == 1 else 'were'} {what}"
            f", and count{'s' if count == 1 else ''} as wrong"
            for count, what in counted
            if count
        ]

    def spent(self, endpoint: Endpoint) -> dict[str, float]:
        """What an answer takes: tokens, money where prices are known, milliseconds."""
        each = max(1, self.answers)
        found: dict[str, float] = {
            "tokens_read": self.read / each,
            "tokens_written": self.written / each,
            "milliseconds": 1000 * statistics.median(self.seconds or [0.0]),
        }
        money = endpoint.money(self.read, self.written)
        return found if money is None else {**found, "money": money / each}
