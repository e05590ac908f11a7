"""How much harder a tuned model finds texts of another kind than its backbone does: a proxy.

In bits for each byte of them, or for each masked token, with a paired bootstrap over the texts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tunewell.errors import NotApplicable
from tunewell.measure.trial import load_model
from tunewell.surprise import Recall
from tunewell.values import Interval, Machine, fingerprint, read_json, to_json, write_json

KEPT = "forgetting.json"
SAMPLES = 2000


def keep_forgetting(
    folder: Path,
    texts: Sequence[str],
    machine: Machine,
    untold: Callable[[], str] = str,
) -> None:
    """Write `forgetting.json` of a trial's saved model, unless it is there for these texts.

    It holds the `change`, or the `reason` why it is not told, or that the backbone is `unchanged`.

    Args:
        untold: why no model of this backbone can tell; "" where one can.
    """
    path, mark = folder / KEPT, fingerprint(list(texts))
    if path.exists() and read_json(path)["texts"] == mark:
        return
    try:
        if reason := untold():
            raise NotApplicable(reason)
        predictor = load_model(folder / "model", machine)
        recall = predictor.recalled(texts) if hasattr(predictor, "recalled") else None
        told = {"unchanged": True} if recall is None else _told(recall)
    except NotApplicable as reason:
        told = {"reason": str(reason)}
    except Exception as error:  # noqa: BLE001 (what is told beside a result does not undo it)
        told = {"reason": f"{type(error).__name__}: {error}"}
    write_json(path, {"texts": mark, **told})


def read_forgetting(folder: Path) -> dict[str, Any] | None:
    """What `keep_forgetting` wrote there; None where it wrote nothing."""
    return read_json(folder / KEPT) if (folder / KEPT).exists() else None


def change(recall: Recall) -> Interval:
    """Bits a unit that the model needs more than its backbone, over all texts together."""
    import numpy as np

    from tunewell.measure.intervals import Z, resample_weights

    rows = np.array(
        [
            (one.nats, other.nats, _size(one, recall.unit))
            for one, other in zip(recall.before, recall.after, strict=True)
        ]
    )  # (texts, 3)

    def bits(sums: Any) -> Any:
        return (sums[..., 1] - sums[..., 0]) / sums[..., 2] / math.log(2)

    value = float(bits(rows.sum(axis=0)))
    drawn = np.concatenate(
        [bits(weights @ rows) for weights in resample_weights(len(rows), SAMPLES)]
    )
    half = Z * float(drawn.std())
    return Interval(value, value - half, value + half)


def _told(recall: Recall) -> dict[str, Any]:
    sizes = sum(_size(each, recall.unit) for each in recall.before)
    before = sum(each.nats for each in recall.before) / sizes / math.log(2)
    return {"unit": recall.unit, "before": before, "change": to_json(change(recall))}


def _size(surprise: Any, unit: str) -> int:
    return surprise.bytes if unit == "byte" else surprise.tokens
