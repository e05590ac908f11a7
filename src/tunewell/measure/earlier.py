"""What it is worth to start from an earlier run: the same methods from what that run stood on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunewell.measure.compare import Pairs


def worth(
    rows: Sequence[Mapping[str, Any]],
    results: Mapping[str, Mapping[str, Any]],
    pairs: Pairs,
    tuned: Mapping[str, Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """The score of each method on a tuned backbone less that on its base, where both have run.

    Args:
        rows: `{"backbone", "fingerprint"}` of each planned row.
        results: by name, those that came to their end, each with its `method` and `backbone`.
        pairs: the differences of all results, which are simultaneous.
        tuned: by the name of a backbone, what `fit.earlier.tuned_for` says of it.
    """
    called = {row["fingerprint"]: row["backbone"] for row in rows}
    names = {(each["method"], each["backbone"]): name for name, each in results.items()}
    found = []
    for (method, backbone), name in names.items():
        base = called.get(tuned[backbone]["base_fingerprint"]) if backbone in tuned else None
        other = names.get((method, base)) if base else None
        if other:
            gain = pairs.between(name, other)
            interval = {"difference": gain.value, "low": gain.low, "high": gain.high}
            found.append({"method": method, "backbone": backbone, "base": base, **interval})
    return found
