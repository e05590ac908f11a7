"""Everything that is known before anything runs: rows, task, methods, backbones, machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from tunewell import registry
from tunewell.contracts import Job, Method, Task
from tunewell.endpoint import PREFIX, Endpoint
from tunewell.errors import ConfigError, did_you_mean
from tunewell.fit.schedule import settled_on
from tunewell.read import Data, Source
from tunewell.read.corpus import Corpus
from tunewell.read.general import GENERAL, general_texts
from tunewell.read.unlabelled import told_of, unlabelled
from tunewell.settings import RunOptions
from tunewell.tell.track import refuse_unknown
from tunewell.values import Backbone, Machine, Trial, read_json, to_json

MOST_TOKENS = 1_000_000
"""That a run may spend at endpoints unless it is told."""


@dataclass(frozen=True)
class Ready:
    """Everything that is known before anything runs."""

    options: RunOptions
    data: Data
    task: Task
    metric_why: str
    methods: dict[str, Method]
    backbones: tuple[Backbone, ...]
    machine: Machine
    folder: Path
    general: tuple[str, ...] = ()
    """Texts of another kind, of which is told what a tuned model has forgotten."""
    texts: Corpus | None = None
    """Texts without labels, of the kind that the rows are of."""

    @property
    def pairs(self) -> list[tuple[Method, Backbone | None]]:
        """Each method on each backbone, or on none where it stands on none."""
        pairs: list[tuple[Method, Backbone | None]] = []
        for method in self.methods.values():
            chosen: Sequence[Backbone | None] = self.backbones if method.needs_backbone else [None]
            pairs += [(settled_on(method, backbone), backbone) for backbone in chosen]
        return pairs

    def trial(self, method: Method, backbone: Backbone | None, seed: int) -> Trial:
        """The record whose key says whether this has run before."""
        settings = {"dtype": self.machine.dtype, "device": self.machine.device}
        if backbone is not None:
            settings |= {"max_length": backbone.max_length, "pooling": backbone.pooling}
        if hasattr(method, "content"):
            settings["content"] = method.content()
        if getattr(method, "reads_texts", False) and self.texts is not None:
            settings["texts"] = self.texts.fingerprint
        if getattr(method, "reads_label_names", False):
            settings["label_names"] = self.data.label_names
        own = getattr(self.task, "options", None)
        if own is not None and own != type(own)():
            settings["task_options"] = to_json(own)
        return Trial(
            method=method.name,
            backbone=backbone.name if backbone else "",
            backbone_fingerprint=backbone.fingerprint if backbone else "",
            options=to_json(method),
            seed=seed,
            data=self.data.fingerprint,
            settings=settings,
        )

    def keys(self, method: Method, backbone: Backbone | None) -> tuple[str, ...]:
        """Of the trials that a method is asked for, the default first."""
        grid = method.grid()[: self.options.trials]
        return tuple(self.trial(setting, backbone, self.options.seed).key for setting in grid)

    def refit_keys(self, method: Method, backbone: Backbone | None) -> tuple[str, ...]:
        """Of the further seeds that are asked for, for each trial, as any may be picked."""
        first, grid = self.options.seed, method.grid()[: self.options.trials]
        seeds = range(first + 1, first + self.options.seeds)
        return tuple(self.trial(each, backbone, seed).key for each in grid for seed in seeds)

    def job(self, backbone: Backbone | None, seed: int) -> Job:
        """What a method is given: the test rows are not in it."""
        return Job(
            task=self.task,
            train=self.data.train,
            validation=self.data.validation,
            backbone=backbone,
            machine=self.machine,
            seed=seed,
            cache=self.folder / "cache",
            texts=self.texts,
        )


def prepare(options: RunOptions) -> Ready:
    """Read the rows, learn the task, find the backbones and the machine.

    A folder that holds a run already has its say on precision and threads, so that what is added
    to it is computed as what is there.
    """
    from tunewell.fit import hub
    from tunewell.fit import machine as machines
    from tunewell.fit.backbones import resolve
    from tunewell.options import parse_bytes

    if options.track is not None:
        refuse_unknown(options.track)
    methods = _methods(options)
    data = read_rows(options)
    task, why = learn_task(options, data)
    folder = run_folder(options)
    found = machines.find(options.device, options.dtype)
    if (folder / "plan.json").exists():
        kept = Machine(**read_json(folder / "plan.json")["machine"])
        if options.dtype in (None, kept.dtype) and kept.device == found.device:
            found = replace(found, dtype=kept.dtype, threads=kept.threads)
    if options.memory is not None:
        found = replace(found, memory_bytes=parse_bytes(options.memory))
    names = options.backbone or (hub.default(task.head == "writing"),)
    wanted = any(
        method.needs_backbone and (method.answers is None or task.answers in method.answers)
        for method in methods.values()
    )
    backbones = [
        _endpoint(name, options, folder)
        if name.startswith(PREFIX)
        else resolve(name, pooling=options.pooling, max_length=options.max_length)
        for name in (names if wanted else [])
    ]
    # The same weights under two names are one backbone, called by the first.
    unlike = {backbone.fingerprint: backbone for backbone in reversed(backbones)}
    once = tuple(backbone for backbone in backbones if unlike[backbone.fingerprint] is backbone)
    general = general_texts(options.general_text or GENERAL)
    texts = unlabelled(options.texts, methods.values(), task, data.test)
    return Ready(options, data, task, why, methods, once, found, folder, general, texts)


def _endpoint(name: str, options: RunOptions, folder: Path) -> Backbone:
    """A model that is asked over HTTP; ResourceError or ConfigError where none can be asked."""
    from tunewell.fit.endpoints.listed import created
    from tunewell.fit.endpoints.named import endpoint_named, model_in
    from tunewell.fit.endpoints.requests import address

    url = address(options.base_url)
    return endpoint_named(
        name,
        base_url=url,
        most_tokens=MOST_TOKENS if options.max_tokens_spent is None else options.max_tokens_spent,
        most_money=options.max_money_spent,
        prices=options.price_per_million,
        account=folder.resolve() / "spent.json",
        created=created(url, model_in(name)),
        kept_since=time.time() if options.replies == "new" else 0.0,
    )


def run_folder(options: RunOptions) -> Path:
    """Where the run is kept: as asked, or `runs/` and the name of the data."""
    return Path(options.out or Path("runs") / (Path(options.data).name.split(".")[0] or "data"))


def read_rows(options: RunOptions) -> Data:
    """The examples, split, of the files that the options name."""
    from tunewell.read import load as read_data

    source = Source(**{f.name: getattr(options, f.name) for f in fields(Source)})
    return read_data(source, options.seed, task_options(options))


def task_options(options: RunOptions) -> Any:
    """What the task is asked to do in its own section; None where it has none."""
    return getattr(options, registry.task(options.task).name, None)


def learn_task(options: RunOptions, data: Data) -> tuple[Task, str]:
    """The task with its labels and the metric that decides, and why that one."""
    cls = registry.task(options.task)
    chosen, why = cls.choose_metric(data.train)
    metric = options.metric or chosen
    own = task_options(options)
    found = {"label_names": data.label_names, **data.found, **({"options": own} if own else {})}
    task = cls.from_examples(data.train, metric=metric, **found)
    if metric not in task.metrics:
        raise ConfigError(
            f"There is no metric called {metric!r} for {options.task}.",
            did_you_mean(metric, task.metrics),
        )
    return task, "asked for" if options.metric else why


def _methods(options: RunOptions) -> dict[str, Method]:
    """The methods asked for, with their options, in the order of the ladder."""
    asked = options.methods or tuple(registry.methods())
    for name in asked:
        registry.method(name)
    return {name: getattr(options, name) for name in registry.methods() if name in asked}


def introduction(ready: Ready) -> list[str]:
    """What was chosen, in sentences, before anything runs."""
    from tunewell.fit import hub

    data, machine = ready.data, ready.machine
    sizes = data.sizes
    sentences = [
        data.columns.why,
        f"{sizes['train']:,} rows to train on, {sizes['validation']:,} to choose settings on, "
        f"{sizes['test']:,} to score on; {ready.task.metric} decides: {ready.metric_why}.",
    ]
    sentences += told_of(ready.texts)
    for backbone in ready.backbones:
        if backbone.endpoint is not None:
            sentences.append(_asked_there(backbone.endpoint))
            continue
        pooling = f"pooled by {backbone.pooling}" if backbone.pooling else "with its own head"
        sentences.append(
            f"Backbone {backbone.name}, {backbone.max_length} tokens a text, {pooling}; "
            f"{machine.device}, {machine.dtype}, {machine.threads} threads."
        )
        if backbone.name == hub.EMBEDDED and ready.options.backbone is None:
            sentences.append(hub.WHY_EMBEDDED)
    return sentences


def _asked_there(endpoint: Endpoint) -> str:
    """Where a model is asked, and how much may be spent on it."""
    most = f"{endpoint.most_tokens:,} tokens"
    if endpoint.most_money is not None:
        most += f" and {endpoint.most_money:g} in money"
    return (
        f"{endpoint.model} is asked at {endpoint.base_url or 'OpenAI'}: your rows are sent there; "
        f"at most {most} are spent."
    )
