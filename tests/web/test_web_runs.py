"""Runs as processes of their own: found again, stopped, queued; their numbers are everybody's."""

import html
import json
import time

import pytest
from visitors import asked_of, ended, visitor, write_table

import tunewell
from tunewell.serve.web import jobs
from tunewell.serve.web.app import WebOptions
from tunewell.serve.web.shelf import Kept
from tunewell.values import read_json

METHODS = ["majority", "bag_of_words"]


def begin(page, path, methods=METHODS):
    """Begin a run on a table and start it; its folder."""
    with path.open("rb") as file:
        answer = page.post("/files", files={"files": (path.name, file)})
    name = answer.url.path.split("/")[2]
    fields = {"methods": methods, "budget_step": "3", "go": "start"}
    answer = page.post(f"/runs/{name}/methods", data=fields)
    assert answer.status_code == 200 and answer.url.path == f"/runs/{name}/run"
    return Kept(page.app.app.state.home / name)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A page with two runs: the first has finished, the second waited for it and was stopped."""
    folder = tmp_path_factory.mktemp("web")
    table = write_table(folder / "messages.csv", rows=120)
    home = folder / "runs"
    with visitor(WebOptions(home=home)) as page:
        first = begin(page, table)
        second = begin(page, table)
        waiting = html.unescape(page.get(f"/runs/{second.name}/run").text)
        jobs.stop(second, "compare")
        told = page.get(f"/runs/{first.name}/events").text
        with visitor(WebOptions(home=home)) as another:  # as after closing it and opening it again
            found = another.get("/").text
        yield page, first, second, waiting, told, found, ended(first), ended(second)


def test_a_run_ends_and_is_found_again_by_another_server(finished):
    page, first, _, _, _, found, record, _ = finished
    assert record["state"] == "succeeded", (first.page / "log.txt").read_text()
    assert f'href="/runs/{first.name}/' in found
    text = html.unescape(page.get(f"/runs/{first.name}/run").text)
    assert "The run has finished." in text and "See the result" in text
    for method in METHODS:
        assert method.replace("_", " ").capitalize() in text


def test_the_server_says_what_changes_and_when_it_is_over(finished):
    told = finished[4]
    assert "event: say\ndata: Running." in told or "event: say\ndata: Getting ready" in told
    assert told.count("event: change") >= 2
    assert told.endswith("event: done\ndata:\n\n")


def test_runs_take_turns_and_one_that_waits_can_be_stopped(finished):
    _, first, second, waiting, _, _, _, record = finished
    assert f"First {first.name}" in waiting and "Waiting for its turn" in waiting
    assert record["state"] == "cancelled"
    assert not (second.folder / "comparison.json").exists()


def test_what_has_begun_keeps_its_rows_and_its_question(finished):
    page, first, *_ = finished
    before = (first.page / "asked.yaml").read_text()
    assert page.post(f"/runs/{first.name}/data", data={"use": "target:2"}).status_code == 400
    assert page.post(f"/runs/{first.name}/question", data={"metric": "macro_f1"}).status_code == 400
    assert (first.page / "asked.yaml").read_text() == before


def test_page_command_line_and_library_give_the_same_numbers(finished, tmp_path):
    _, first, *_ = finished
    other = tunewell.compare(first.page / "asked.yaml", out=str(tmp_path / "again"))
    for method in METHODS:
        files = [f / f"trials/{method}-0/answers.jsonl" for f in (first.folder, other.folder)]
        mine, theirs = ([json.loads(line) for line in file.open()] for file in files)
        assert mine == theirs
    rows = [
        read_json(folder / "comparison.json")["results"] for folder in (first.folder, other.folder)
    ]
    assert [r["scores"] for r in rows[0]] == [r["scores"] for r in rows[1]]


def test_the_command_that_is_shown_is_understood(finished, monkeypatch, capsys):
    page, first, *_ = finished
    from tunewell import cli

    comparison = read_json(first.folder / "comparison.json")
    command = comparison["command"]
    assert command in html.unescape(page.get(f"/runs/{first.name}/run").text)
    import shlex

    assert cli.main([*shlex.split(command)[1:], "--json"]) == 0  # all is there: nothing runs again
    assert json.loads(capsys.readouterr().out)["results"] == comparison["results"]


def test_a_run_that_is_stopped_keeps_what_is_done_and_goes_on(home, tmp_path):
    table = write_table(tmp_path / "many.csv", rows=4000)
    with visitor(WebOptions(home=home)) as page:
        kept = begin(page, table)
        waited = time.monotonic() + 120
        while not (kept.folder / "trials/majority-0/test.json").exists():
            assert jobs.state(kept)["state"] in jobs.GOING, (kept.page / "log.txt").read_text()
            assert time.monotonic() < waited
            time.sleep(0.02)
        page.post(f"/runs/{kept.name}/stop")
        assert ended(kept)["state"] == "cancelled"
        text = html.unescape(page.get(f"/runs/{kept.name}/run").text)
        assert "was stopped. What was done by then is kept." in text
        assert "Go on from where it stopped" in text


def test_a_run_that_cannot_be_is_told_in_words(page, home):
    rows = "text,label\n" + "\n".join(f"one text {n},same" for n in range(50))
    page.post("/files", files={"files": ("same.csv", rows.encode())})
    page.post("/runs/same/methods", data={"methods": METHODS, "budget_step": "1", "go": "start"})
    kept = Kept(home / "same")
    assert ended(kept)["state"] == "failed"
    text = html.unescape(page.get("/runs/same/run").text)
    assert "every row has the same label" in text and "Traceback" not in text
    assert "What to do:" in text and asked_of("same")


def test_a_process_that_was_killed_is_not_taken_for_one_that_runs(page, table, home):
    kept = begin(page, table)
    waited = time.monotonic() + 60
    while "pid" not in (record := jobs.state(kept)):
        assert time.monotonic() < waited
        time.sleep(0.02)
    import os
    import signal

    os.kill(record["pid"], signal.SIGKILL)
    assert ended(kept)["state"] == "failed"
    assert "ended without a word" in page.get(f"/runs/{kept.name}/run").text
