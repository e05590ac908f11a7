"""The model as it stands: asked in words, or by comparing the label's name with the text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from tunewell.contracts import Job, Predictor
from tunewell.errors import ConfigError, NotApplicable
from tunewell.values import Kind, Machine, read_json

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class ZeroShot:
    """What the backbone says without having seen a row.

    A model that writes is asked in words and writes its answer; labels and choices are scored by
    how likely each is as the answer. A sentence encoder gives the label whose name is most like
    the text, and an encoder that fills words in as it was pretrained to fills them in.

    What moves: nothing, and no training row is looked at but for the length of answers. Needs:
    labels in words, or `--label-names` for labels that are numbers; for answers in texts a model
    that writes, on this machine or behind an endpoint (`--backbone openai:MODEL`). Costs: nothing
    but the answers.
    Choose it: before there are any labels, and to see what labels are worth.
    Neighbours: `few_shot` shows the model some rows, or compares with rows instead of names;
    `prompt_search` looks for better words.
    Source: GPT-2 (Radford et al., 2019); Yin et al. (arXiv 1909.00161), by similarity of
    embeddings; Zhou et al. (arXiv 2309.17249) for taking off what a model likes to say anyway.
    """

    name: ClassVar[str] = "zero_shot"
    summary: ClassVar[str] = "nothing moves: the model is asked, or label names are compared"
    rung: ClassVar[int] = 20
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[tuple[Kind, ...]] = ("label", "labels", "number", "span", "choice", "text")
    reads_label_names: ClassVar[bool] = True
    asks: ClassVar[bool] = True

    template: str = "{label}"
    """The text that stands for a label where names are compared, such as `This is about
    {label}.`"""
    by: Literal["names", "scoring", "generating"] | None = None
    """Comparing label names with the text; scoring each label or choice as an answer; or writing
    the answer. Not given: names for a sentence encoder; for a model that writes scoring where it
    can be done, up to 100 labels, else generating."""

    def __post_init__(self) -> None:
        """Refuse a template that gives every label the same text."""
        if "{label}" not in self.template:
            raise ConfigError(f"template is {self.template!r}.", "A text with {label} is expected.")

    def fit(self, job: Job) -> Predictor:
        """Load the model, or embed the labels' names; NotApplicable where they are only numbers."""
        task: Any = job.task
        labels = task.labels if task.answers in ("label", "labels") else ()
        names = [task.named(label) for label in labels]
        if labels and not any(character.isalpha() for name in names for character in name):
            raise NotApplicable(
                "labels are numbers, so there is no name to compare with the text; "
                "give names with --label-names"
            )
        from tunewell.fit.prompting.asking import asked_or, fit_asked
        from tunewell.fit.prompting.writers import may_write

        assert job.backbone is not None
        if task.head == "masked" and self.by is None and not may_write(job.backbone):
            from tunewell.fit.untuned import fit_filler

            return fit_filler(self.name, job)
        if self.by in ("scoring", "generating") or (self.by is None and task.answers != "label"):
            return fit_asked(self.name, job, self.by)
        if task.answers != "label":
            raise NotApplicable("names are compared for one label a row alone")
        if self.by is None and (asked := asked_or("names are compared", self.name, job)):
            return asked
        from tunewell.fit.neighbours import fit_names

        return fit_names(self.name, job, [self.template.replace("{label}", name) for name in names])

    def grid(self) -> tuple[Self, ...]:
        """Nothing to search."""
        return (self,)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, apart, lines, simple
        from tunewell.fit.neighbours import vote

        names = [self.template.replace("{label}", task.named(label)) for label in task.labels]
        general = f"""
            def fit(inputs, targets, read):
                \"\"\"The label whose name is most like the texts; no row is looked at.\"\"\"
                known = nn.functional.normalize(read({names!r}), dim=-1)  # (labels, hidden)

                def answer(new):
                    asked = nn.functional.normalize(apart(read, new).mean(1), dim=-1)
                    shares = (20 * asked @ known.T).softmax(-1)
                    return [vote(TASK, row) for row in shares.tolist()]

                return answer
            """
        if not simple(task):
            return ByHand(lines(general), uses=(apart, vote))
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
        from tunewell.fit.prompting.asked import load_asked_or

        if "filled" in read_json(folder / "model.json"):
            from tunewell.fit.untuned import load_filler

            return load_filler(folder, machine)
        return load_asked_or(folder, machine)
