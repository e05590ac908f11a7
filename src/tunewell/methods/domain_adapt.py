"""The backbone reads texts without labels on, then all of it is tuned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Job, Predictor
from tunewell.errors import Probed
from tunewell.fit.schedule import Schedule, refuse_below
from tunewell.values import Progress

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class DomainAdapt(Schedule):
    """Fine-tuning of the whole model after it has read texts of the same kind.

    What moves: everything, twice: first by the words of texts without labels, as the backbone was
    pretrained (hidden words of encoders, the next word of decoders), then as in `full`. An output
    layer over words that the backbone's files lack learns alone before. Needs: texts without labels
    (`--texts`), and what `full` needs. Costs: what `full` costs, and before that, once for all
    trials and seeds, three passes over the texts with all weights moving.
    Choose it: with many texts of a kind that the backbone has seldom read, and few labels. Not
    with a sentence encoder that came without its layer over words, and few texts: after 1,500 of
    them, and 240 labelled rows of finance news, MiniLM scored 0.50 macro F1 against 0.56 of `full`.
    Neighbours: `full` has not read them; `tunewell pretrain --backbone` does the reading alone, so
    that every method can stand on what it leaves. The texts are read in one order whatever the
    seed; those that are test rows are left out.
    Source: Gururangan et al. (arXiv 2004.10964).
    """

    name: ClassVar[str] = "domain_adapt"
    summary: ClassVar[str] = "everything, after reading texts without labels"
    rung: ClassVar[int] = 91
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[None] = None
    reads_texts: ClassVar[bool] = True
    example: ClassVar[str] = "--texts unlabelled.jsonl"

    passes: int = 3
    """Times that all texts are read."""
    reading_rate: float = 1e-4
    """Highest learning rate while texts are read: the paper's for a few megabytes of them."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        super().__post_init__()
        refuse_below(1, passes=self.passes)
        refuse_below(1e-12, reading_rate=self.reading_rate)

    def fit(self, job: Job) -> Predictor:
        """Read, then train all weights; NotApplicable without texts."""
        from tunewell.fit.loop import train
        from tunewell.fit.pretraining import reading_on

        if job.probe:
            return self._probed(job, reading_on.seconds_to_read(job, self.passes))
        found = reading_on.read_on(_half(job, 0.0), self.passes, self.reading_rate)
        return train(_half(job, 0.5), lambda model: reading_on.begin_there(model, found), self)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit import anatomy
        from tunewell.fit.by_hand import ByHand, lines

        read = "read" if anatomy.writes(body) else "read.base_model"
        code = f"""
            def prepare(model):
                \"\"\"Everything moves, from where reading texts leaves the body.\"\"\"
                no_dropout = dict.fromkeys(BODY_DROPOUT, 0.0)
                read = read_on(BACKBONE, no_dropout=no_dropout, **READING)
                model.body.load_state_dict({read}.state_dict(), strict=False)
            """
        return ByHand(lines(code))

    def _probed(self, job: Job, reading_seconds: float) -> Predictor:
        """Raises what `full` would cost, with what reading would take before."""
        from tunewell.fit.loop import train

        try:
            return train(job, _everything, self)
        except Probed as cost:
            cost.once_fixed_seconds = reading_seconds
            raise


def _half(job: Job, begin: float) -> Job:
    """A job whose progress is that of one half of the whole."""

    def told(progress: Progress) -> None:
        done = begin + progress.done / 2 if progress.done else 0.0
        job.report_progress(replace(progress, done=done))

    return replace(job, report_progress=told)


def _everything(model: Any) -> Any:
    return model
