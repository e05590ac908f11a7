"""Runs side by side: what came of each, and in which options they differ."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from tunewell.serve.web import jobs, shelf
from tunewell.serve.web.showing import show
from tunewell.tell import text, units
from tunewell.tell.rows import rows
from tunewell.tell.scores import reading
from tunewell.values import read_json

router = APIRouter()
MOST = 6
_OWN = ("data", "out")
"""Options that differ from run to run and say nothing."""


@router.get("/side-by-side")
def look(request: Request) -> HTMLResponse:
    """The runs that are ticked, or the last two."""
    ended = [
        kept
        for kept in shelf.all_kept(request.app.state.home)
        if (kept.folder / "comparison.json").exists()
        and jobs.state(kept)["state"] not in jobs.GOING
    ]
    wanted = request.query_params.getlist("run")
    chosen = [kept for kept in ended if kept.name in wanted][:MOST] or ended[:2]
    runs = [_run(kept) for kept in chosen]
    return show(
        request,
        "beside.html.j2",
        ended=[kept.name for kept in ended],
        chosen=[kept.name for kept in chosen],
        runs=runs,
        options=_differ(runs),
        same_rows=len({run["fingerprint"] for run in runs}) < 2,
    )


def _run(kept: shelf.Kept) -> dict[str, Any]:
    comparison = text.clean(read_json(kept.folder / "comparison.json"))
    lines = rows(comparison)
    best = next((line for line in lines if line.recommended), None)
    return {
        "name": kept.name,
        "why": comparison["why"],
        "metric": reading(comparison, comparison["metric"]).words,
        "recommended": best.cells["name"] if best else units.NOTHING,
        "cells": best.cells if best else {},
        "tried": sum(line.status == "ok" for line in lines),
        "rows": comparison["rows"],
        "fingerprint": read_json(kept.folder / "data.json")["fingerprint"],
        "options": {row["name"]: row["value"] for row in comparison["options"]},
    }


def _differ(runs: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """Options that are not the same in all runs, with the value in each.

    A section that not every run has, such as that of a method that one of them tried, is left
    out: the tasks and methods differ, which is told.
    """
    parts = [{name.partition(".")[0] for name in run["options"]} for run in runs]
    shared = set.intersection(*parts) if parts else set()
    every = (name for run in runs for name in run["options"])
    names = dict.fromkeys(name for name in every if name.partition(".")[0] in shared)
    table = {name: [units.option(run["options"].get(name)) for run in runs] for name in names}
    return [(n, told) for n, told in table.items() if len(set(told)) > 1 and n not in _OWN]
