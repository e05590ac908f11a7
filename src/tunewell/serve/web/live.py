"""Step 4: the table filling row by row, how long it still takes, and a stop that keeps all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from tunewell import registry
from tunewell.serve.web import asked, jobs, shelf
from tunewell.serve.web.curve import curve
from tunewell.serve.web.showing import show, step
from tunewell.serve.web.start import Form, go
from tunewell.tell import units
from tunewell.tell.rows import metric_record
from tunewell.tell.scores import Reading, reading
from tunewell.values import read_json

router = APIRouter()
_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_BETWEEN_SIGNS = 15.0
"""After which something is sent even if nothing has changed, so that nobody hangs up."""


@dataclass(frozen=True)
class Line:
    """One method of the run as it stands."""

    name: str
    status: str
    """`waiting`, `running`, `done`, `skipped`, `failed`; `idle` once the run has been stopped."""
    tried: str
    score: float | None
    """The best so far on the rows that settings are chosen with."""
    took: str
    reason: str


@router.get("/runs/{name}/run")
def look(request: Request, name: str) -> HTMLResponse:
    """How far the run is."""
    kept = shelf.find(request.app.state.home, name)
    return step(request, "run", kept, asked.read_asked(kept), **_context(kept))


@router.get("/runs/{name}/live")
def piece(request: Request, name: str) -> HTMLResponse:
    """The part of the page that changes, for the script."""
    kept = shelf.find(request.app.state.home, name)
    return show(request, "live.j2", kept=kept, **_context(kept))


@router.get("/runs/{name}/events")
async def events(request: Request, name: str) -> StreamingResponse:
    """Server-sent events: `change` when something has, `say` for what is read out, `done`."""
    kept = shelf.find(request.app.state.home, name)
    return StreamingResponse(_events(kept), media_type="text/event-stream")


@router.post("/runs/{name}/stop")
def stop(request: Request, name: str, form: Form) -> RedirectResponse:
    """End the run; what is done is kept and reported."""
    kept = shelf.find(request.app.state.home, name)
    jobs.stop(kept, "compare")
    return go(f"/runs/{kept.name}/run")


@router.post("/runs/{name}/start")
def start(request: Request, name: str, form: Form) -> RedirectResponse:
    """Go on with a run that was stopped or has failed."""
    kept = shelf.find(request.app.state.home, name)
    jobs.start(kept, "compare")
    return go(f"/runs/{kept.name}/run")


def lines(kept: shelf.Kept) -> list[Line]:
    """Every method of the plan, in the order in which they run."""
    plan, data = kept.folder / "plan.json", kept.folder / "data.json"
    if not plan.exists() or not data.exists():
        return []
    known, metric = read_json(plan), read_json(data)["metric"]
    if not known["asked"]:  # measured for step 3, but not planned yet
        return []
    rows = known["rows"]
    done = _trials(kept.folder / "trials")
    state = jobs.state(kept)["state"]
    running = state == jobs.RUNNING
    now = jobs.progress(kept)["message"].partition(",")[0].partition(":")[0] if running else ""
    rest = "waiting" if state in jobs.GOING else "idle"
    several = len({row["backbone"] for row in rows if row["backbone"]}) > 1
    read = _reading(data)
    return [_line(row, done, metric, read, now, rest, several) for row in rows]


def _trials(folder: Path) -> dict[str, dict[str, Any]]:
    """Trials that have come to their end, by key."""
    found = {}
    for path in folder.glob("*/result.json"):
        trial = path.with_name("trial.json")
        if trial.exists():
            result = read_json(path)
            result["tested"] = path.with_name("test.json").exists()
            found[read_json(trial)["key"]] = result
    return found


def _line(
    row: dict[str, Any],
    done: dict[str, dict[str, Any]],
    metric: str,
    read: Reading,
    now: str,
    rest: str,
    several: bool,
) -> Line:
    own = [done[key] for key in row["keys"] if key in done]
    scores = [trial["validation"][metric] for trial in own if trial["status"] == "ok"]
    name = f"{row['method']} on {row['backbone']}" if several and row["backbone"] else row["method"]
    status, reason = rest, row["reason"]
    bad = [trial for trial in own if trial["status"] != "ok"]
    if row["status"] != "run":
        status = "skipped"
    elif now == name:
        status = "running"
    elif any(trial["tested"] for trial in own):
        status = "done"
    elif bad and len(own) >= row["trials"]:
        status, reason = bad[0]["status"], bad[0]["reason"]
    took = sum(trial["spent_seconds"] for trial in own)
    return Line(
        name=name,
        status=status,
        tried=f"{len(own)} of {row['trials']}" if row["status"] == "run" else "",
        score=read.best(scores),
        took=units.seconds(took) if own else "",
        reason=reason,
    )


def _context(kept: shelf.Kept) -> dict[str, Any]:
    state, now = jobs.state(kept), jobs.progress(kept)
    read = _reading(kept.folder / "data.json")
    return {
        "state": state,
        "now": now,
        "said": said(kept),
        "left": _left(now) if state["state"] == jobs.RUNNING else "",
        "lines": lines(kept),
        "read": read,
        "curve": curve(kept.page / "curve.jsonl", read),
        "before": jobs.before(kept) if state["state"] == jobs.QUEUED else [],
        "result": (kept.folder / "comparison.json").exists(),
        "going": state["state"] in jobs.GOING,
    }


def _reading(data: Path) -> Reading:
    """How the deciding metric of a run is read, from its `data.json`."""
    if not data.exists():
        return Reading("")
    known = read_json(data)
    name = known["metric"]
    task = registry.task(known["task"]).from_json(known["task_record"])
    return reading({"metrics": {name: metric_record(task.metrics[name])}}, name)


def said(kept: shelf.Kept) -> str:
    """One sentence on how the run is."""
    state = jobs.state(kept)
    if state["state"] == jobs.QUEUED:
        return "Waiting for its turn."
    if state["state"] == jobs.RUNNING:
        every = [line for line in lines(kept) if line.status != "skipped"]
        if not every:
            return "Getting ready: what each method takes is measured first."
        done = [line for line in every if line.status in ("done", "failed")]
        return f"Running. {len(done)} of {len(every)} methods are done."
    return {
        jobs.SUCCEEDED: "The run has finished.",
        jobs.CANCELLED: "The run was stopped. What was done by then is kept.",
        jobs.FAILED: "The run has failed.",
    }.get(state["state"], "This run has not been started.")


def _left(now: dict[str, Any]) -> str:
    seconds = now.get("seconds_left")
    return "" if seconds is None else f"about {units.seconds(max(1.0, seconds))} left"


async def _events(kept: shelf.Kept) -> AsyncIterator[str]:
    """Until the run has ended, or the listener has gone."""
    seen, heard, quiet = "", "", 0.0
    while True:
        mark = await asyncio.to_thread(_mark, kept)
        going = jobs.state(kept)["state"] in jobs.GOING
        sentence = said(kept)
        if sentence != heard:
            heard = sentence
            yield f"event: say\ndata: {sentence}\n\n"
        if not going:
            yield "event: done\ndata:\n\n"
            return
        if mark != seen:
            seen, quiet = mark, 0.0
            yield "event: change\ndata:\n\n"
        elif quiet >= _SECONDS_BETWEEN_SIGNS:
            quiet = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
        quiet += _SECONDS_BETWEEN_LOOKS


def _mark(kept: shelf.Kept) -> str:
    """What changes when a file of the run does."""
    files = [kept.page / "job.json", kept.page / "progress.json", kept.folder / "plan.json"]
    files += sorted(kept.folder.glob("trials/*/result.json"))
    return json.dumps([(str(file), file.stat().st_mtime_ns) for file in files if file.exists()])
