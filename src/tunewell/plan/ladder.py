"""The plan of a run: each method is probed, then the budget is shared out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from tunewell import kinds
from tunewell.contracts import Job, Method
from tunewell.errors import NotApplicable
from tunewell.plan.choose import Planned, choose
from tunewell.plan.probe import estimate
from tunewell.values import Backbone, to_json

Pair = tuple[Method, Backbone | None]


def plan_ladder(
    pairs: Sequence[Pair],
    job: Callable[[Backbone | None], Job],
    keys: Callable[[Method, Backbone | None], tuple[str, ...]],
    refit_keys: Callable[[Method, Backbone | None], tuple[str, ...]],
    before: Sequence[Planned],
    ended: Collection[str],
    *,
    trials: int,
    seeds: int,
    budget_seconds: float,
    test_rows: int,
    watch: Callable[[str], None],
) -> tuple[Planned, ...]:
    """Rows for the methods asked for, in order of cost, then those of methods asked for earlier.

    Args:
        pairs: each method on each backbone.
        job: what a method would be given on a backbone.
        keys: of the trials that a method is asked for.
        refit_keys: of the fits with further seeds that its pick may be given.
        before: an earlier plan; its estimates are not made again.
        ended: keys of trials and refits that will not run again.
        watch: told what is being probed.
    """
    rows = []
    for method, backbone in pairs:
        fresh = Planned(
            method=method.name,
            backbone=backbone.name if backbone else "",
            options=to_json(method),
            trials=min(trials, len(method.grid())),
            keys=keys(method, backbone),
            refits=refit_keys(method, backbone),
            fingerprint=backbone.fingerprint if backbone else "",
        )
        finished = sum(key in ended for key in fresh.keys)
        refitted = sum(key in ended for key in fresh.refits)
        fresh = replace(fresh, finished=finished, refitted=refitted)
        known = [
            row for row in before if row.keys[:1] == fresh.keys[:1] and row.estimate is not None
        ]
        if known:
            rows.append(replace(fresh, estimate=known[0].estimate))
            continue
        watch(f"measuring {fresh.method} on a few rows")
        rows.append(_probed(fresh, method, job(backbone)))
    memory = job(None).machine.memory_bytes
    chosen = choose(rows, budget_seconds, memory, seeds - 1, test_rows)
    # The same weights may come under another name, and the same name with other weights.
    asked = {(row.method, which) for row in rows for which in (row.backbone, row.fingerprint)}
    kept = [
        row
        for row in before
        if not asked & {(row.method, row.backbone), (row.method, row.fingerprint)}
    ]
    return (*chosen, *kept)


def _probed(row: Planned, method: Method, job: Job) -> Planned:
    """The row with its estimate; without one where the method cannot run or its probe fails."""
    if method.answers is not None and job.task.answers not in method.answers:
        reason = kinds.misfit(method.answers, job.task.answers)
        return replace(row, status="skip", trials=0, reason=reason)
    endpoint = job.backbone.endpoint if job.backbone is not None else None
    if endpoint is not None and not getattr(method, "asks", False):
        reason = "works inside the model; one behind an endpoint can only be asked"
        return replace(row, status="skip", trials=0, reason=reason)
    try:
        return replace(row, estimate=estimate(method, job))
    except NotApplicable as reason:
        return replace(row, status="skip", trials=0, reason=str(reason))
    except Exception as error:  # noqa: BLE001 (the fit itself will fail in the same way, and say so)
        return replace(row, reason=f"its cost could not be measured: {error}")
