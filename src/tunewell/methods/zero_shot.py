"""The label's name, compared with the text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tunewell.contracts import Job, Predictor
from tunewell.errors import ConfigError, NotApplicable
from tunewell.values import Kind, Machine

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class ZeroShot:
    """The label whose name is most like the text, by the backbone's embeddings.

    What moves: nothing, and no training row is looked at. Needs: labels in words, or
    `--label-names` for labels that are numbers. Costs: nothing but loading the backbone.
    Choose it: before there are any labels, and to see what labels are worth.
    Neighbours: `few_shot` compares with rows instead of names.
    Source: Yin et al. (arXiv 1909.00161), by similarity of embeddings.
    """

    name: ClassVar[str] = "zero_shot"
    summary: ClassVar[str] = "nothing moves: label names are compared with the text"
    rung: ClassVar[int] = 20
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[tuple[Kind, ...]] = ("label",)
    reads_label_names: ClassVar[bool] = True

    template: str = "{label}"
    """The text that stands for a label, such as `This is about {label}.`"""

    def __post_init__(self) -> None:
        """Refuse a template that gives every label the same text."""
        if "{label}" not in self.template:
            raise ConfigError(f"template is {self.template!r}.", "A text with {label} is expected.")

    def fit(self, job: Job) -> Predictor:
        """Embed the labels' names; NotApplicable where they are only numbers."""
        names = [job.task.named(label) for label in job.task.labels]  # type: ignore[attr-defined]
        if not any(character.isalpha() for name in names for character in name):
            raise NotApplicable(
                "labels are numbers, so there is no name to compare with the text; "
                "give names with --label-names"
            )
        from tunewell.fit.neighbours import fit_names

        return fit_names(self.name, job, [self.template.replace("{label}", name) for name in names])

    def grid(self) -> tuple[Self, ...]:
        """Nothing to search."""
        return (self,)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, lines

        names = [self.template.replace("{label}", task.named(label)) for label in task.labels]
        code = f"""
            def fit(texts, labels, read):
                \"\"\"The label whose name is most like the text; no row is looked at.\"\"\"
                known = nn.functional.normalize(read({names!r}), dim=-1)  # (labels, hidden)
                numbers = torch.arange(len(LABELS))

                def answer(new):
                    cosines = nn.functional.normalize(read(new), dim=-1) @ known.T
                    near = cosines.topk(min({len(names)}, len(known)), dim=-1)
                    shares = torch.zeros(len(new), len(LABELS))
                    weights = (20 * near.values).softmax(-1)
                    return shares.scatter_add_(1, numbers[near.indices], weights)

                return answer
            """
        return ByHand(lines(code))

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote."""
        from tunewell.fit.neighbours import load_neighbours

        return load_neighbours(folder, machine)
