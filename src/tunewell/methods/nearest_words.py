"""Words of the training rows that stand in a like place say what a word is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tunewell.contracts import Job, Predictor
from tunewell.errors import ConfigError
from tunewell.values import Kind, Machine

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class NearestWords:
    """A vote of the k training words whose vectors are nearest, over the tags that may follow.

    What moves: nothing. Needs: one pass of the backbone over the rows; the words' vectors are
    kept with the model, at most 50,000, those of pieces first. Costs: that pass.
    Choose it: to see what the frozen backbone knows of names already, and when types change often.
    Neighbours: `dictionary` knows what it has seen, whatever stands around it; `head` learns a
    boundary between the same vectors.
    Source: Wiseman and Stratos, "Label-Agnostic Sequence Labeling by Copying Nearest Neighbors"
    (arXiv 1906.04225).
    """

    name: ClassVar[str] = "nearest_words"
    summary: ClassVar[str] = "nothing moves: the nearest training words vote"
    rung: ClassVar[int] = 30
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[tuple[Kind, ...]] = ("spans",)

    k: int = 5
    """Words that vote."""

    def __post_init__(self) -> None:
        """Refuse what cannot be fitted with."""
        if self.k < 1:
            raise ConfigError(f"k is {self.k}.", "1 or more is expected.")

    def fit(self, job: Job) -> Predictor:
        """Read the training rows and keep each word's vector and tag."""
        from tunewell.fit.known_words import fit_known_words

        return fit_known_words(self.name, job, self.k)

    def grid(self) -> tuple[Self, ...]:
        """k, one neighbour alone, and three times as many."""
        return tuple(replace(self, k=k) for k in dict.fromkeys((self.k, 1, self.k * 3)))

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, lines
        from tunewell.fit.known_words import kept_words

        code = f"""
            def fit(inputs, targets, read):
                \"\"\"The {self.k} nearest training words vote, over the tags that may follow.\"\"\"
                pieces, hidden = read(inputs)  # (pieces, tokens, hidden)
                given = HEAD.targets(pieces, targets)  # (pieces, tokens), -100: no word begins
                known, tags = hidden[given != -100], given[given != -100]
                kept = kept_words(tags)
                known, tags = nn.functional.normalize(known[kept], dim=-1), tags[kept]

                def shares(words):
                    near = nn.functional.normalize(words, dim=-1) @ known.T
                    near = near.topk(min({self.k}, len(known)), dim=-1)
                    votes = torch.zeros(len(words), len(HEAD.tags))
                    return votes.scatter_add_(
                        1, tags[near.indices], (20 * near.values).softmax(-1)
                    )

                def answer(new):
                    pieces, hidden = read(new)
                    logits = torch.zeros(*hidden.shape[:2], len(HEAD.tags))
                    for number, piece in enumerate(pieces):
                        at = [place.token for place in piece.extra[1]]
                        logits[number, at] = shares(hidden[number, at]).clamp(min=1e-4).log()
                    return HEAD.answers(new, pieces, logits)

                return answer
            """
        return ByHand(lines(code), uses=(kept_words,))

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote."""
        from tunewell.fit.known_words import load_known_words

        return load_known_words(folder, machine)
