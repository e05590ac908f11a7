"""The models that a server holds: one a run, under the run's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewell.contracts import Predictor
from tunewell.convert import parse_duration
from tunewell.endpoint import Caps
from tunewell.errors import ConfigError, DataError, did_you_mean
from tunewell.read.asked import any_input, input_of
from tunewell.read.cells import texts_in
from tunewell.ready import MOST_TOKENS
from tunewell.serve.settings import ServeOptions


@dataclass(frozen=True)
class Served:
    """A model under its name."""

    name: str
    predictor: Predictor
    created: int
    """Seconds since 1970."""

    @property
    def elsewhere(self) -> bool:
        """Whether it is asked over HTTP, and so costs money and not this machine's time."""
        return hasattr(self.predictor, "spent") and self.predictor.spent() is not None

    def read(self, values: Sequence[Any]) -> list[Any]:
        """What a client sent as inputs of the model's task.

        Raises:
            DataError: one of them is none; it is named by its place, counted from 1.
        """
        inputs = []
        for place, value in enumerate(values, start=1):
            where = f"input {place}"
            for text in texts_in(value):
                refuse_unwritable(text, where)
            inputs.append(input_of(self.predictor.task, value, where))
        return inputs

    def embed(self, texts: Sequence[str]) -> list[tuple[Any, int]]:
        """Each text's vector and how many tokens it has.

        Raises:
            ConfigError: the model stands on no backbone.
        """
        if not hasattr(self.predictor, "embed"):
            raise ConfigError(
                f"The model {self.name!r} gives no vectors.",
                "Models that read a text with a backbone do.",
            )
        vectors, tokens = self.predictor.embed(texts)
        return list(zip(vectors, tokens, strict=True))


def refuse_unwritable(text: str, where: str) -> None:
    """A DataError for half a character: JSON can spell one, UTF-8 can't."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{where}: character {error.start + 1} is half of one.") from None


def open_models(named: Sequence[str], options: ServeOptions | None = None) -> dict[str, Served]:
    """The models of runs, or of models' own folders, by name, each ready to answer.

    Equal weights lie in memory once, from the moment that the next model is there.

    Args:
        named: folders, each served under its own name, or `NAME=FOLDER`.
        options: what may be spent on models that are asked over HTTP.

    Raises:
        ConfigError: a folder holds no model, two have one name, or a cap is for nothing.
    """
    from tunewell import run
    from tunewell.fit import prefix, sharing

    options = options or ServeOptions()
    caps = _caps(options)
    places = [_place(text) for text in named]
    prefix.keep_bodies(len(places))
    found: dict[str, Served] = {}
    kept: sharing.Kept = {}
    for name, folder in places:
        if name in found:
            raise ConfigError(
                f"Two models would be called {name!r}.",
                "",
                f"Give one another name: `tunewell serve other={folder}`.",
            )
        model = run.model_folder(folder)
        created = int((model / "model.json").stat().st_mtime)
        found[name] = Served(name, run.load(model), created)
        predictor = found[name].predictor
        if found[name].elsewhere:  # each question is paid for
            found[name] = Served(name, predictor.bounded(caps), created)  # type: ignore[attr-defined]
            continue
        predictor.predict([any_input(predictor.task)])  # so that the first client need not wait
        sharing.share([*prefix.loaded_bodies(), *sharing.networks(predictor)], kept)
    _refuse_idle(found, options)
    return found


def chosen(models: dict[str, Served], name: str | None) -> Served:
    """The model of that name; the only one where none is named."""
    if name is None and len(models) == 1:
        return next(iter(models.values()))
    if name is None:
        raise ConfigError("No model is named.", f"Expected one of {', '.join(models)}.")
    if name not in models:
        raise ConfigError(f"There is no model {name!r}.", did_you_mean(name, models))
    return models[name]


def _caps(options: ServeOptions) -> Caps:
    """What may be spent at endpoints, and how long a question may take there."""
    most = MOST_TOKENS if options.max_tokens_spent is None else options.max_tokens_spent
    seconds = parse_duration(options.timeout)
    return Caps(most, options.max_money_spent, options.price_per_million, seconds)


def _refuse_idle(models: dict[str, Served], options: ServeOptions) -> None:
    """ConfigError for a cap where no model is asked over HTTP."""
    if any(model.elsewhere for model in models.values()):
        return
    for name in ("max_tokens_spent", "max_money_spent", "price_per_million"):
        if getattr(options, name) is not None:
            expected = "It is for models that are asked over HTTP, and none of these is."
            raise ConfigError(f"{name} does nothing here.", expected)


def _place(text: str) -> tuple[str, Path]:
    """`reviews` and `runs/reviews` of `runs/reviews`; a model's own folder has its trial's name."""
    name, equals, rest = text.partition("=")
    if equals and not Path(text).exists():
        return name, Path(rest)
    folder = Path(text)
    own = folder.resolve().name
    return (folder.resolve().parent.name if own == "model" else own), folder
