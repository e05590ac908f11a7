"""The same verbs as the command line's, in Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunewell.contracts import Predictor
    from tunewell.documents.finding import Found
    from tunewell.documents.indexing import Indexed
    from tunewell.mix.comparing import Mixed
    from tunewell.options import Resolved
    from tunewell.plan.choose import Planned
    from tunewell.pretraining.pipeline import Pretrained
    from tunewell.run import Checked, Comparison
    from tunewell.settings import Watch


def compare(data: str | Path, *, watch: Watch | None = None, **options: Any) -> Comparison:
    """Run every method on the rows of a file and say which to choose.

    Args:
        data: a table of texts and labels, a folder with train, validation and test files, or a
            YAML file of options, over which those given here win.
        watch: called with each event while it goes.
        options: those of `tunewell compare --help`, with underscores; a method's own as a dict:
            `compare("reviews.csv", methods=["features", "lora"], lora={"rank": 16})`.
    """
    from tunewell import run, settings

    given = _given(data, options)
    return run.compare(given.options, watch or settings.silent, given.origins)


def fit(data: str | Path, method: str, *, watch: Watch | None = None, **options: Any) -> Comparison:
    """Fit one method with its given or default options: `fit("reviews.csv", method="lora")`.

    The run is kept in a folder named after data and method, such as `runs/reviews-lora`;
    `.recommended` is the model. A folder that holds other methods is refused.
    """
    from tunewell import run, settings

    given = _given(data, {**options, "methods": [method]})
    return run.fit(given.options, method, watch or settings.silent, given.origins)


def check(data: str | Path, **options: Any) -> Checked:
    """What is in the file, what is wrong with it, and what would be done about it."""
    from tunewell import run

    return run.check(_given(data, options).options)


def plan(data: str | Path, *, watch: Watch | None = None, **options: Any) -> tuple[Planned, ...]:
    """What `compare` would run, how long it would take and how much memory; nothing is run."""
    from tunewell import run, settings

    return run.plan(_given(data, options).options, watch or settings.silent)


def load(folder: str | Path) -> Predictor:
    """The model of a run (the recommended one), or that of a model's own folder."""
    from tunewell import run

    return run.load(folder)


def report(folder: str | Path) -> Path:
    """Write a run's report again; returns its path."""
    from tunewell import run

    return run.report(folder)


def index(data: str | Path, *, watch: Watch | None = None, **options: Any) -> Indexed:
    """Bring an index of a folder of documents up to date, or make it.

    Args:
        data: the folder, or one document.
        watch: called with each event while it goes.
        options: those of `tunewell index --help`: `index("handbook", out="runs/handbook")`.
    """
    from tunewell import settings
    from tunewell.documents import indexing
    from tunewell.documents.settings import IndexOptions
    from tunewell.options import Layer, resolve

    given = resolve(IndexOptions, Layer("keyword", {"data": str(data), **options}))
    return indexing.index(given.options, watch or settings.silent)


def ask(index: str | Path, question: str, **options: Any) -> Found:
    """The passages of an index that are nearest to a question, the best first.

    Args:
        index: its folder.
        question: in plain words.
        options: those of `tunewell ask --help`: `ask("runs/handbook", "...", passages=3)`.
    """
    from tunewell.documents.finding import open_index
    from tunewell.documents.settings import AskOptions
    from tunewell.options import Layer, resolve

    asked = resolve(AskOptions, Layer("keyword", options)).options
    return open_index(index, asked.by).find(question, asked)


def pretrain(*data: str | Path, watch: Watch | None = None, **options: Any) -> Pretrained:
    """Train a language model on running text, or have a backbone read on.

    Args:
        data: files and folders of texts.
        watch: called with each event while it goes.
        options: those of `tunewell pretrain --help`: `pretrain("books", size="10m")`.
    """
    from tunewell import settings
    from tunewell.fit.pretraining.settings import PretrainOptions
    from tunewell.options import Layer, resolve
    from tunewell.pretraining import pipeline

    values = {"data": tuple(map(str, data)), **options}
    given = resolve(PretrainOptions, Layer("keyword", values)).options
    return pipeline.pretrain(given, watch or settings.silent)


def mix(data: str | Path, *, watch: Watch | None = None, **options: Any) -> Mixed:
    """Train one model on several sets, beside one on each; what they are worth to each other.

    Args:
        data: a YAML file that names the sets, and options of all runs.
        watch: called with each event while it goes.
        options: those of `tunewell mix --help`: `mix("mix.yaml", temperature=2)`.
    """
    from tunewell import settings
    from tunewell.mix.comparing import compare_mix
    from tunewell.mix.settings import read_mix
    from tunewell.options import Layer

    described = read_mix(str(data), Layer("keyword", options))
    return compare_mix(described, watch or settings.silent)


def methods() -> dict[str, type[Any]]:
    """Every method by name, cheapest first."""
    from tunewell import registry

    return registry.methods()


def tasks() -> dict[str, type[Any]]:
    """Every task by name."""
    from tunewell import registry

    return registry.tasks()


def _given(data: str | Path, options: dict[str, Any]) -> Resolved:
    from tunewell.options import from_keywords

    return from_keywords({"data": data, **options})
