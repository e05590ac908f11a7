"""What a pre-training will be: its model, its steps, the tokens that they need.

All of it is made once and kept in the folder's `.work`, so that the same command goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewell.fit.pretraining.settings import PretrainOptions
from tunewell.read.corpus import Corpus
from tunewell.settings import Event, Watch
from tunewell.values import Backbone, Machine, read_json, to_json, write_json

if TYPE_CHECKING:
    from tunewell.fit.pretraining.course import Course
    from tunewell.fit.pretraining.loop import Learner

PLAN, SHAPE, TOKENIZER, WORK = "plan.json", "shape.json", "tokenizer", ".work"
MARGIN = 1.3
"""Text that is tokenized over what the steps are thought to need."""
PROBE_TOKENS = 8192


@dataclass(frozen=True)
class Asked:
    """Everything that is known before anything is built."""

    options: PretrainOptions
    corpus: Corpus
    backbone: Backbone | None
    machine: Machine
    key: str
    watch: Watch

    @property
    def work(self) -> Path:
        """What has been done so far."""
        return self.options.folder / WORK

    @property
    def seconds(self) -> float | None:
        """Time for the steps, where it is set."""
        minutes = self.options.minutes
        return None if minutes is None else 60 * minutes


def learner_of(asked: Asked) -> tuple[Learner, list[str]]:
    """The model as it begins, and what should be known of it.

    A new one's tokenizer and shape are made once and kept in the work folder.
    """
    from tunewell.fit import backbones
    from tunewell.fit.pretraining import models
    from tunewell.fit.pretraining.loop import Learner
    from tunewell.fit.pretraining.objectives import own_objective, refuse_other
    from tunewell.fit.pretraining.shapes import Shape

    options, machine = asked.options, asked.machine
    if asked.backbone is not None:
        tokenizer: Any = backbones.load_tokenizer(asked.backbone)
        name = asked.backbone.name
        own = own_objective(backbones.load_config(asked.backbone), tokenizer, name)
        refuse_other(options.objective or own, own, name)
        model, notes = models.known_model(asked.backbone, own)
        moved: Any = model.to(machine.device)  # type: ignore[arg-type]
        return Learner(moved, tokenizer, own, machine, asked.backbone.max_length), notes
    from transformers import PreTrainedTokenizerFast

    asked.work.mkdir(parents=True, exist_ok=True)
    made = asked.work / SHAPE
    if not made.exists():
        write_json(made, _shape(asked))
    shape = Shape(**read_json(made))
    tokenizer = PreTrainedTokenizerFast.from_pretrained(asked.work / TOKENIZER)
    moved = models.new_model(shape, tokenizer, options.seed).to(machine.device)  # type: ignore[arg-type]
    return Learner(moved, tokenizer, shape.objective, machine, shape.window, fresh=True), []


def _shape(asked: Asked) -> Any:
    """The shape of a new model; its tokenizer is left in the work folder."""
    from tunewell.fit.pretraining.course import parameters_in
    from tunewell.fit.pretraining.peak import USUAL_SHARE, measured_peak
    from tunewell.fit.pretraining.shapes import shape_of
    from tunewell.fit.pretraining.vocabulary import SAMPLE_BYTES, train_tokenizer

    parameters = asked.options.parameters
    if parameters is None:
        assert asked.seconds is not None
        parameters = parameters_in(asked.seconds, USUAL_SHARE * measured_peak(asked.machine))
    shape = shape_of(asked.options.objective or "causal", parameters)
    texts = asked.corpus.texts(min(1.0, SAMPLE_BYTES / asked.corpus.bytes))
    tokenizer = train_tokenizer(texts, shape.objective, shape.vocabulary, shape.window)
    tokenizer.save_pretrained(asked.work / TOKENIZER)
    return replace(shape, vocabulary=len(tokenizer))


def planned(asked: Asked, learner: Learner) -> tuple[dict[str, Any], Course]:
    """The plan of the work folder, and its course; made where there is none yet.

    It is written when all that it speaks of is there.
    """
    from tunewell.fit.pretraining import blocks
    from tunewell.fit.pretraining.course import Course

    path = asked.work / PLAN
    if not path.exists():
        asked.work.mkdir(parents=True, exist_ok=True)
        asked.watch(Event("message", "The texts are made tokens."))
        course, share = _course(asked, learner)
        causal = learner.objective == "causal"
        blocks.write(asked.work, asked.corpus.texts(share), learner.tokenizer, framed=causal)
        write_json(path, _plan(asked, learner, course, share))
    plan = read_json(path)
    return plan, Course(**plan["course"])


def _course(asked: Asked, learner: Learner) -> tuple[Course, float]:
    """The course, and the share of all texts that it is sure to need."""
    from tunewell.fit.pretraining import blocks
    from tunewell.fit.pretraining.course import TOKENS_A_PARAMETER, course_of
    from tunewell.fit.pretraining.loop import seconds_a_token
    from tunewell.fit.pretraining.objectives import room

    count = sum(p.numel() for p in learner.model.parameters())
    window = room(learner.objective, learner.window, learner.tokenizer)
    texts = asked.corpus.held_out
    sample = blocks.sample(texts, learner.tokenizer, window, learner.objective == "causal")
    all_tokens = asked.corpus.bytes * len(sample.tokens) / sum(len(t.encode()) for t in texts)
    if asked.seconds is not None:
        many = max(1, PROBE_TOKENS // window)
        tokens = asked.seconds / seconds_a_token(learner, sample, many, asked.options.seed)
    elif asked.backbone is not None:
        tokens = all_tokens
    else:
        tokens = float(TOKENS_A_PARAMETER * count)
    course = course_of(count, tokens, window, asked.seconds, new=asked.backbone is None)
    return course, min(1.0, MARGIN * course.tokens / all_tokens)


def _plan(asked: Asked, learner: Learner, course: Course, share: float) -> dict[str, Any]:
    """What the record says from the start."""
    shape = asked.work / SHAPE
    return {
        "format": 1,
        "key": asked.key,
        "objective": learner.objective,
        "backbone": asked.backbone.name if asked.backbone else None,
        "backbone_fingerprint": asked.backbone.fingerprint if asked.backbone else None,
        "options": to_json(asked.options),
        "files": [str(name) for name in asked.options.data],
        "data": asked.corpus.fingerprint,
        "documents": asked.corpus.documents,
        "bytes": asked.corpus.bytes,
        "held_out": len(asked.corpus.held_out),
        "shape": read_json(shape) if shape.exists() else None,
        "parameters": sum(p.numel() for p in learner.model.parameters()),
        "planned_tokens": course.tokens,
        "share": share,
        "course": to_json(course),
        "device": asked.machine.device,
        "dtype": asked.machine.dtype,
        "threads": asked.machine.threads,
    }
