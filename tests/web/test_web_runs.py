"""Runs as processes of their own: found again, stopped, queued; their numbers are everybody's."""

import csv
import html
import io
import json
import os
import re
import shlex
import signal
import time

import pytest
from visitors import asked_of, ended, visitor, write_table

import toy_tasks
import tunewell
from tunewell import cli
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
    assert f"<bdi>{first.name}</bdi></a>; runs take turns" in waiting
    assert "Waiting for its turn" in waiting
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
    asked, out = first.page / "asked.yaml", [tmp_path / "library", tmp_path / "command"]
    tunewell.compare(asked, out=str(out[0]))
    assert cli.main(["compare", str(asked), "--out", str(out[1])]) == 0
    for other in out:
        for method in METHODS:
            files = [f / f"trials/{method}-0/answers.jsonl" for f in (first.folder, other)]
            mine, theirs = ([json.loads(line) for line in file.open()] for file in files)
            assert mine == theirs
        rows = [
            read_json(folder / "comparison.json")["results"] for folder in (first.folder, other)
        ]
        assert [r["scores"] for r in rows[0]] == [r["scores"] for r in rows[1]]


def test_the_command_that_is_shown_is_understood(finished, capsys):
    page, first, *_ = finished
    comparison = read_json(first.folder / "comparison.json")
    command = comparison["command"]
    assert command in html.unescape(page.get(f"/runs/{first.name}/run").text)
    assert cli.main([*shlex.split(command)[1:], "--json"]) == 0  # all is there: nothing runs again
    assert json.loads(capsys.readouterr().out)["results"] == comparison["results"]


def test_the_result_begins_with_a_sentence(finished):
    page, first, *_ = finished
    text = html.unescape(page.get(f"/runs/{first.name}/result").text)
    comparison = read_json(first.folder / "comparison.json")
    assert re.search(r"<h1>Right in \d+ of 100 cases, between \d+ and \d+\.</h1>", text)
    assert comparison["why"] in text
    for part in ("Side by side", "Quality and cost", "Which labels are taken for which"):
        assert part in text
    assert "The same figures as a table" in text and not re.search(r"\sstyle=", text)


def test_a_text_of_ones_own_is_answered_as_the_library_answers_it(finished):
    page, first, *_ = finished
    asked = "kelo maru sivo <b>tanu</b>"
    (right,) = tunewell.load(first.folder).predict([asked])
    whole = page.post(f"/runs/{first.name}/result", data={"input:input": asked}).text
    piece = page.post(f"/runs/{first.name}/answer", data={"input:input": asked}).text
    for text in (whole, piece):
        assert f"<strong><bdi>{right.value}</bdi></strong>" in text
        assert f"{100 * right.confidence:.1f} %" in text and "<b>tanu" not in text
        assert "Rows that it learnt from" in text
    assert "<html" in whole and "<html" not in piece
    like = re.findall(r'class="text"[^>]*>([^<]*)<', piece)
    assert 0 < len(like) <= 5 and any({"kelo", "maru", "sivo"} & set(each.split()) for each in like)
    empty = page.post(f"/runs/{first.name}/answer", data={"input:input": "  "})
    assert empty.status_code == 400 and "the text is empty" in empty.text


def test_a_whole_table_comes_back_with_answers(finished):
    page, first, *_ = finished
    rows = [["message", "answer"], ["kelo maru", "=1+1"], ["", "-2"], ["grun bark, tolm", "c"]]
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    files = {"file": ("New rows.csv", file.getvalue().encode())}
    answer = page.post(f"/runs/{first.name}/answers", files=files)
    assert "attachment; filename*=UTF-8''New-rows-answers.csv" in str(answer.headers)
    told = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert told[0] == ["message", "answer", "answer (Tunewell)", "confidence"]
    assert [line[:2] for line in told[1:]] == [["kelo maru", "'=1+1"], ["", "-2"], rows[3]]
    right = tunewell.load(first.folder).predict(["kelo maru", "grun bark, tolm"])
    assert [line[2] for line in told[1:]] == [right[0].value, "", right[1].value]
    assert told[2][3] == "" and float(told[1][3]) == pytest.approx(right[0].confidence, abs=1e-4)
    assert [path.name for path in first.page.iterdir() if path.is_dir()] == []
    wrong = page.post(f"/runs/{first.name}/answers", files={"file": ("x.csv", b"a,b\n1,2\n3,4\n")})
    assert wrong.status_code == 400 and "What to do:" in wrong.text


def test_numbers_come_back_in_full_also_where_the_rows_are_gone(page, home):
    rows = "text,price\n" + "\n".join(
        f"house {'kelo' if n % 2 else 'maru'} {n},{12345.678 if n % 2 else -0.5}" for n in range(80)
    )
    page.post("/files", files={"files": ("prices.csv", rows.encode())})
    fields = {"task": "score"}
    page.post("/runs/prices/question", data=fields)
    page.post("/runs/prices/data", data={"use": "target:1"})
    page.post("/runs/prices/methods", data={"methods": "bag_of_words", "go": "start"})
    kept = Kept(home / "prices")
    assert ended(kept)["state"] == "succeeded", (kept.page / "log.txt").read_text()
    best_cell = r'<td class="number">([^<]*)</td>\n<td class="roomy">'
    shown = re.findall(best_cell, page.get("/runs/prices/run").text)
    found = [read_json(f)["validation"] for f in kept.folder.glob("trials/*/result.json")]
    best = max(scores["spearman"] for scores in found)
    assert shown == [f"{best:.3f}"]  # a correlation is no share, and has no per cent
    some = ["house kelo 1", "house maru 2"]
    files = {"file": ("new.csv", "\n".join(["text,other", *(f"{s},-1" for s in some)]).encode())}
    answer = page.post("/runs/prices/answers", files=files)
    told = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1:]
    right = tunewell.load(kept.folder).predict(some)
    assert [float(line[2]) for line in told] == [each.value for each in right]
    (kept.rows / "prices.csv").unlink()
    text = page.post("/runs/prices/answer", data={"input:input": some[0]}).text
    assert "could not be read" in text and "No row that it learnt from" not in text


def test_a_question_with_choices_is_asked_in_two_fields(page, home, toy_backbone, tmp_path):
    rows = toy_tasks.modules()["choose"].rows(60, 0)
    path = tmp_path / "asked.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    tunewell.compare(
        path,
        task="choose",
        methods=["head"],
        head={"epochs": 1},
        trials=1,
        backbone=[str(toy_backbone)],
        out=str(home / "choices"),
    )
    text = html.unescape(page.get("/runs/choices/result").text)
    assert "Write each on a line of its own." in text and "The question, or the beginning" in text
    (command,) = re.findall(r"tunewell predict (.*?)</code>", text)
    assert json.loads(shlex.split(command)[1]) == {"question": "...", "choices": ["...", "..."]}
    asked = {
        "question:question": "kelo maru",
        "choices:choices": "sivo tanu\r\n\r\n grun bark \r\n",
    }
    answer = page.post("/runs/choices/answer", data=asked)
    (right,) = tunewell.load(home / "choices").predict(
        [{"question": "kelo maru", "choices": ("sivo tanu", "grun bark")}]
    )
    assert answer.status_code == 200 and f"<strong><bdi>{right.value}</bdi></strong>" in answer.text
    one = page.post("/runs/choices/answer", data={**asked, "choices:choices": "sivo tanu"})
    assert one.status_code == 400 and "1 different choice" in one.text


def test_a_run_of_the_command_line_is_not_stopped_from_here(page, table, home):
    with table.open("rb") as file:
        page.post("/files", files={"files": (table.name, file)})
    holder = home / "messages/.running"
    holder.write_text(f"here {os.getpid()}")
    try:
        assert "stopped there, with Ctrl+C" in (text := page.get("/runs/messages/run").text)
        assert 'action="/runs/messages/stop"' not in text
        answer = page.post("/runs/messages/stop")
        assert answer.status_code == 400 and "was not begun on this page" in answer.text
    finally:
        holder.unlink()


def test_the_report_is_served_without_any_right_to_run_a_script(finished):
    page, first, *_ = finished
    answer = page.get(f"/runs/{first.name}/report")
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in answer.text


def test_a_copy_with_other_settings_has_its_own_rows_and_stands_beside_the_first(finished):
    page, first, *_ = finished
    answer = page.post(f"/runs/{first.name}/again")
    assert answer.url.path.endswith("/data")
    copy = Kept(first.folder.parent / answer.url.path.split("/")[2])
    page.post(
        f"/runs/{copy.name}/methods", data={"methods": "majority", "go": "start", "seed": "0"}
    )
    assert ended(copy)["state"] == "succeeded"
    text = html.unescape(page.get("/side-by-side", params={"run": [first.name, copy.name]}).text)
    assert "Settings that differ" in text and "majority, bag_of_words" in text
    assert f"/runs/{copy.name}/result" in text and "not scored on the same rows" not in text


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
    os.kill(record["pid"], signal.SIGKILL)
    assert ended(kept)["state"] == "failed"
    assert "ended without a word" in page.get(f"/runs/{kept.name}/run").text
