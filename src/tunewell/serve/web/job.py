"""A run in a process of its own: it waits for its turn, runs, and writes down how far it is.

`python -m tunewell.serve.web.job compare FOLDER` is what the page starts. It outlives the page,
and whoever opens the page again finds it by what lies in the run's folder.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewell.errors import TrainingDiverged, UserError
from tunewell.serve.web import jobs
from tunewell.serve.web.asked import as_command, methods_of, read_asked, resolved
from tunewell.serve.web.shelf import Kept
from tunewell.settings import Event, silent
from tunewell.values import read_json, to_json, write_json

Note = Callable[..., None]
"""Adds to the record of the job."""
_SECONDS_BETWEEN_LOOKS = 0.3
_SECONDS_BETWEEN_RECORDS = 0.4


def main(argv: list[str]) -> int:
    """Do one job; 0 where it came to its end."""
    kind, folder = argv
    kept = Kept(Path(folder))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    own = jobs.ticket(kept, kind)
    if jobs.state(kept, kind)["state"] not in jobs.GOING:
        return 130

    def note(**news: Any) -> None:
        jobs.note(kept, kind, own, **news)

    note(pid=os.getpid(), born=jobs.born(os.getpid()))
    try:
        state = {"compare": _compare, "costs": _costs}[kind](kept, note)
    except KeyboardInterrupt:
        note(state=jobs.CANCELLED, ended=time.time())
        return 130
    except (UserError, TrainingDiverged) as error:
        note(state=jobs.FAILED, ended=time.time(), error=_told(error))
        return 2
    except Exception as error:  # noqa: BLE001 (the page shows where the traceback is)
        traceback.print_exc()
        told = {
            "found": f"The run crashed: {type(error).__name__}: {error}",
            "expected": "",
            "remedy": f"The traceback is in {kept.page / 'log.txt'}.",
        }
        note(state=jobs.FAILED, ended=time.time(), error=told)
        return 1
    note(state=state, ended=time.time())
    return 0


def _compare(kept: Kept, note: Note) -> str:
    """Wait until no run that was started earlier is under way, then run; how it ended."""
    while jobs.before(kept):
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    note(state=jobs.RUNNING, started=time.time())
    from tunewell import run

    values = read_asked(kept)
    asked = resolved(values)
    _take_measured(kept, methods_of(values))
    with (kept.page / "curve.jsonl").open("w", encoding="utf-8", buffering=1) as curve:
        comparison = run.compare(
            asked.options, _watching(kept, curve.write), asked.origins, as_command(values)
        )
    return jobs.CANCELLED if comparison.interrupted else jobs.SUCCEEDED


def _take_measured(kept: Kept, methods: list[str]) -> None:
    """What was measured for step 3 is not measured again: the plan takes it as its own."""
    costs, plan = kept.page / "costs.json", kept.folder / "plan.json"
    if plan.exists() or not costs.exists():
        return
    known = read_json(costs)
    rows = [row for row in known["rows"] if row["method"] in methods]
    if rows:
        write_json(plan, {"asked": [], "machine": known["machine"], "rows": rows})


def _watching(kept: Kept, draw: Callable[[str], Any]) -> Callable[[Event], None]:
    """Keeps the last event in progress.json, and each score on the way in curve.jsonl."""
    begun, last = time.monotonic(), -1.0

    def watch(event: Event) -> None:
        nonlocal last
        now = time.monotonic()
        if event.kind == "progress" and now - last < _SECONDS_BETWEEN_RECORDS:
            return
        last = now
        if event.kind != "message" and event.score is not None:
            trial = event.message.partition(":")[0]
            point = {"trial": trial, "seconds": now - begun, "score": event.score}
            draw(json.dumps(to_json(point)) + "\n")
        record = to_json(event)
        if event.kind == "message":  # it says nothing of how far the run is
            record = {**jobs.progress(kept), "message": event.message}
        write_json(kept.page / "progress.json", {**record, "told": time.time()})

    return watch


def _costs(kept: Kept, note: Note) -> str:
    """What each method would take here, one after the other, each written when it is known.

    The budget is left out of it: the page shares it out anew whenever it is changed.
    """
    own = jobs.ticket(kept, "costs")
    note(state=jobs.RUNNING, started=time.time())
    from tunewell.folder import make_plan
    from tunewell.plan.choose import Planned
    from tunewell.ready import prepare

    values = {**read_asked(kept), "budget": "9999h"}
    ready = prepare(resolved({k: v for k, v in values.items() if k != "methods"}).options)
    rows: list[Planned] = []
    for name, method in ready.methods.items():
        rows += make_plan(replace(ready, methods={name: method}), [], silent)
        if jobs.ticket(kept, "costs") != own:
            break
        sizes = {"test_rows": len(ready.data.test), "machine": ready.machine}
        write_json(kept.page / "costs.json", {**sizes, "rows": rows})
    return jobs.SUCCEEDED


def _told(error: Exception) -> dict[str, str]:
    if isinstance(error, UserError):
        return {"found": error.found, "expected": error.expected, "remedy": error.remedy}
    return {"found": str(error), "expected": "", "remedy": ""}


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        sys.exit(main(sys.argv[1:]))
