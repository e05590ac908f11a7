"""An answer to a question, written by a model from the passages that were found, and cited."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tunewell.documents.settings import AskOptions
from tunewell.endpoint import PREFIX
from tunewell.errors import ConfigError, NotApplicable
from tunewell.values import Backbone

if TYPE_CHECKING:
    from tunewell.documents.finding import Found

MOST = 200
"""Tokens of an answer."""


@dataclass(frozen=True)
class Written:
    """What a model wrote."""

    text: str
    by: str
    """The model, as it was named."""
    read: int
    """Passages that it was shown, the first ones."""
    cited: tuple[int, ...]
    """Numbers of the passages that it names, from 1."""


def answered(found: Found, options: AskOptions) -> Found:
    """With an answer from its passages, if a model is named and there are any.

    Raises:
        ConfigError: the model does not write, or refuses to.
        ResourceError: it is not to be had.
    """
    if options.backbone is None or not found.passages:
        return found
    from tunewell.fit import machine
    from tunewell.fit.prompting.passages import CITE, with_passages
    from tunewell.fit.prompting.writers import writer_of

    try:
        writer = writer_of(_named(options), machine.find())
    except NotApplicable as reason:
        raise ConfigError(
            f"{options.backbone} cannot write an answer: {reason}.",
            "",
            "Name a model that writes, or leave --backbone out to see the passages alone.",
        ) from reason
    question = f"Question: {found.question}\nAnswer:"
    texts = [hit.text for hit in found.passages]
    asked, read = with_passages(writer, question, texts, MOST, CITE)
    text = writer.write([asked], MOST)[0].text
    if text is None:
        raise ConfigError(f"{options.backbone} refuses to answer.")
    text = text.strip() if writer.talks else text.partition("\n\n")[0].strip()
    named = sorted({int(n) for n in re.findall(r"\[(\d+)\]", text) if 0 < int(n) <= read})
    return replace(found, answer=Written(text, options.backbone, read, tuple(named)))


def _named(options: AskOptions) -> Backbone:
    assert options.backbone is not None
    if options.backbone.startswith(PREFIX):
        from tunewell.fit.endpoints.listed import created
        from tunewell.fit.endpoints.named import endpoint_named, model_in
        from tunewell.fit.endpoints.requests import address

        url = address(options.base_url)
        made = created(url, model_in(options.backbone))
        since = time.time() if options.replies == "new" else 0.0
        return endpoint_named(options.backbone, base_url=url, created=made, kept_since=since)
    from tunewell.fit.backbones import resolve

    return resolve(options.backbone)
