"""The whole way: from a table to a comparison, stopped, gone on with, added to and refused."""

import csv
import dataclasses
import gc
import json
import os
import re
import shutil
import signal
import time
from pathlib import Path
from types import ModuleType

import pytest

import processes
import toy
import tunewell
from tunewell import registry
from tunewell.cli import main
from tunewell.contracts import Job
from tunewell.values import Machine, read_json

METHODS = ["majority", "bag_of_words", "features", "head", "full"]
NUMBERS = {"sea": "0", "forest": "1", "desert": "2"}
IDENTITY = {"method", "backbone", "status", "reason", "options", "trials", "seeds"}
SCORES = {"scores", "versus_best"}
PARAMETERS = {"trainable_parameters", "changed_parameters", "total_parameters"}
SPEED = {"milliseconds_per_prediction", "predictions_per_second"}
COSTS = {"cost_seconds", "spent_seconds", "cpu_seconds", "peak_bytes", "disk_bytes"}
PLANNED = {"planned_seconds", "planned_peak_bytes"}
SLOW = ["--full.epochs", "1", "--full.batch_size", "1"]
"""A hundred and fifty steps: time enough to be stopped."""


def write_table(path, seed=0, numbers=False):
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = [
            (e.input, NUMBERS[e.target] if numbers else e.target) for e in toy.examples(240, seed)
        ]
        csv.writer(file).writerows([("text", "label"), *rows])


@pytest.fixture(scope="session")
def world(tmp_path_factory, toy_backbone):
    """A folder with tables and a comparison of five methods, `run`, that tests copy."""
    folder = tmp_path_factory.mktemp("world")
    write_table(folder / "toy.csv")
    write_table(folder / "numbers.csv", numbers=True)
    write_table(folder / "other.csv", seed=5)
    shutil.copytree(toy_backbone, folder / "backbone")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(command(",".join(METHODS), "run")) == 0
        gc.freeze()  # every measurement collects first, and need not look at all imports
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def here(world, tmp_path, monkeypatch, capsys):
    """A working directory of one's own with the tables, the backbone and the finished run."""
    for name in ("toy.csv", "numbers.csv", "other.csv", "backbone", "run"):
        (shutil.copytree if (world / name).is_dir() else shutil.copy)(world / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    return tmp_path


def command(methods, out, *more, data="toy.csv", verb="compare"):
    epochs = {"head": "3", "full": "1"}
    chosen = methods.split(",")
    own = [f"--{m}.epochs={n}" for m, n in epochs.items() if m in chosen]
    own = [option for option in own if option.partition("=")[0] not in more]
    typed = [verb, data, "--methods", methods, "--backbone", "backbone", "--out", str(out)]
    return [*typed, "--trials", "2", *own, *more]


def results(folder, *methods):
    """The rows of a comparison by method."""
    rows = {r["method"]: r for r in read_json(Path(folder) / "comparison.json")["results"]}
    return [rows[method] for method in methods] if methods else rows


def ended(folder):
    """When each trial came to its end; a trial that ran again has another time."""
    files = Path(folder).glob("trials/*/*.json*")
    return {str(f): f.stat().st_mtime_ns for f in files if f.name != "trial.json"}


def timeless(folder):
    comparison = read_json(Path(folder) / "comparison.json")
    del comparison["created"], comparison["command"], comparison["machine"]["memory_bytes"]
    return comparison


def wait_for(happened, process, seconds=90):
    end = time.monotonic() + seconds
    while not happened():
        assert process.is_alive(), "it ended by itself"
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def started(folder, argv):
    """A command in a process of its own; what it says is in `said`."""
    said = Path(folder) / "said"
    return processes.start(processes.command_line, argv, str(folder), str(said)), said


def steps(said, method):
    """How many steps of a method's training a command has told so far."""
    return said.read_text().count(f"step of {method},") if said.exists() else 0


# --- what a comparison leaves


def test_each_step_writes_its_own_file(here):
    run = here / "run"
    for name in ("run.yaml", "data.json", "plan.json", "comparison.json", "report.html"):
        assert (run / name).is_file(), name
    for folder in run.glob("trials/*"):
        assert {"trial.json", "result.json"} <= {file.name for file in folder.iterdir()}
        assert read_json(folder / "result.json")["status"] == "ok"
        assert not (folder / "checkpoints").exists()
    assert not list(run.rglob("*.part"))
    by_method = {m: len(list(run.glob(f"trials/{m}-*"))) for m in METHODS}
    assert by_method == {"majority": 1, "bag_of_words": 2, "features": 2, "head": 2, "full": 2}


def test_comparison_json_holds_what_is_promised(here):
    def refuse(word):
        raise AssertionError(f"{word} in comparison.json")

    text = (here / "run/comparison.json").read_text(encoding="utf-8")
    comparison = json.loads(text, parse_constant=refuse)
    assert comparison["task"] == "classify" and comparison["metric"] == "accuracy"
    assert sum(comparison["rows"].values()) == 240 and len(comparison["rows"]) == 3
    assert [row["method"] for row in comparison["results"]] == METHODS
    assert comparison["recommended"] in METHODS and comparison["why"].endswith(".")
    for row in comparison["results"]:
        assert row.keys() >= IDENTITY | SCORES | PARAMETERS | SPEED | COSTS | PLANNED
        assert row["status"] == "ok" and row["reason"] == ""
        assert set(row["scores"]) == {"accuracy", "macro_f1"}
        for score in row["scores"].values():
            assert 0 <= score["low"] <= score["value"] <= score["high"] <= 1
        versus = row["versus_best"]
        assert versus["low"] <= versus["difference"] <= versus["high"]
        assert versus["difference"] <= 0
        for key in ("cost_seconds", "spent_seconds", "disk_bytes", "milliseconds_per_prediction"):
            assert row[key] > 0, (row["method"], key)
        assert row["planned_seconds"] > 0 and row["planned_peak_bytes"] >= 0
        for trial in row["trials"]:
            assert trial.keys() >= PLANNED | {"cost_seconds", "peak_bytes"}
        assert row["seeds"] == [0]
        assert row["backbone"] == ("" if row["method"] in METHODS[:2] else "backbone")
    accuracy = {r["method"]: r["scores"]["accuracy"]["value"] for r in comparison["results"]}
    assert accuracy["bag_of_words"] > accuracy["majority"] == pytest.approx(1 / 3, abs=0.02)
    best = max(accuracy, key=lambda name: accuracy[name])
    for row in comparison["results"]:
        against = comparison["pairs"][row["method"]]
        assert set(against) == set(METHODS) - {row["method"]}
        for other, found in against.items():
            apart = accuracy[row["method"]] - accuracy[other]
            assert found["difference"] == pytest.approx(apart)
            turned = comparison["pairs"][other][row["method"]]
            assert (found["low"], found["high"]) == pytest.approx((-turned["high"], -turned["low"]))
        if row["method"] != best and accuracy[row["method"]] < accuracy[best]:
            assert row["versus_best"] == against[best]


def test_saved_models_give_the_answers_that_were_scored(here):
    comparison = read_json(here / "run/comparison.json")
    for row in comparison["results"]:
        folder = here / "run" / row["folder"]
        told = [json.loads(line) for line in (folder / "answers.jsonl").open(encoding="utf-8")]
        assert len(told) == comparison["rows"]["test"]
        answers = tunewell.load(folder / "model").predict([line["input"] for line in told])
        assert [a.value for a in answers] == [line["answer"] for line in told]
        right = sum(line["answer"] == line["target"] for line in told) / len(told)
        assert right == pytest.approx(row["scores"]["accuracy"]["value"])
        if row["method"] == comparison["recommended"]:
            picked = tunewell.load("run").predict([line["input"] for line in told])
            assert [a.scores for a in picked] == [a.scores for a in answers]


def test_the_test_set_is_opened_by_the_picked_trial_alone(here):
    for row in results("run").values():
        opened = sorted(
            file.parent.name for file in here.glob(f"run/trials/{row['method']}-*/*.jsonl")
        )
        assert opened == [Path(row["folder"]).name]
        scores = {trial["folder"]: trial["validation"] for trial in row["trials"]}
        assert scores[row["folder"]] == max(scores.values())
        kept = [file.parent.name for file in here.glob(f"run/trials/{row['method']}-*/model")]
        assert kept == opened


def test_rows_of_one_author_are_drawn_together(tmp_path, monkeypatch):
    """Each author says the same ten times: that is one row's worth of knowledge, not ten."""
    monkeypatch.chdir(tmp_path)
    rows = [
        (f"{e.input} {again}", e.target, str(author))
        for author, e in enumerate(toy.examples(60, 3))
        for again in range(10)
    ]
    with Path("authors.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label", "author"), *rows])
    typed = ["compare", "authors.csv", "--methods", "majority", "--input", "text"]
    wide = {}
    for name, more in (("alone", []), ("together", ["--group", "author"])):
        assert main([*typed, "--out", name, "--metric", "accuracy", *more]) == 0
        found = read_json(Path(name) / "comparison.json")
        scored = found["results"][0]["scores"]["accuracy"]
        wide[found["groups"]] = scored["high"] - scored["low"]
    (groups,) = wide.keys() - {None}
    assert 8 <= groups <= 16
    assert wide[groups] > 2 * wide[None]


def test_groups_named_later_widen_the_intervals_of_a_run_that_is_there(tmp_path, monkeypatch):
    """Where each part has a file of its own, rows are divided as before and nothing runs again."""
    monkeypatch.chdir(tmp_path)
    for name, first, many in (("rows", 0, 30), ("chosen", 30, 9), ("test", 39, 12)):
        said = toy.examples(many, 3 + first)
        rows = [
            (f"{e.input} {n}", e.target, f"{name} {at}")
            for at, e in enumerate(said)
            for n in range(10)
        ]
        with Path(f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("text", "label", "author"), *rows])
    files = ["rows.csv", "--validation", "chosen.csv", "--test", "test.csv"]
    typed = ["compare", *files, "--methods", "majority", "--input", "text"]
    wide = {}
    for more in ([], ["--group", "author"]):
        assert main([*typed, "--out", "run", "--metric", "accuracy", *more]) == 0
        found = read_json(Path("run") / "comparison.json")
        scored = found["results"][0]["scores"]["accuracy"]
        wide[found["groups"]] = scored["high"] - scored["low"]
    assert wide.keys() == {None, 12}
    assert wide[12] > 2 * wide[None]


def test_with_several_seeds_each_refit_of_the_pick_opens_it_once(here):
    assert main(command("majority,features", "seeds", "--seeds", "3")) == 0
    for row in results("seeds").values():
        assert row["seeds"] == [0, 1, 2] and len(set(row["folders"])) == 3
        opened = {file.parent for file in here.glob(f"seeds/trials/{row['method']}-*/*.jsonl")}
        assert opened == {here / "seeds" / folder for folder in row["folders"]}
    before = ended("seeds")
    assert main(command("majority,features", "seeds", "--seeds", "3")) == 0
    assert ended("seeds") == before


# --- the same command again, and others


def test_the_same_command_again_runs_nothing_again(here, capsys):
    before, told = ended("run"), timeless("run")
    assert main(command(",".join(METHODS), "run")) == 0
    assert ended("run") == before
    assert timeless("run") == told
    assert "measuring" not in capsys.readouterr().err


def test_another_method_adds_a_row_and_keeps_the_others(here, capsys):
    before, rows = ended("run"), results("run")
    assert main(command("few_shot", "run")) == 0
    assert "measuring few_shot" in capsys.readouterr().err
    after = results("run")
    assert set(after) == {*METHODS, "few_shot"} and after["few_shot"]["status"] == "ok"
    assert {file: when for file, when in ended("run").items() if file in before} == before
    for method in METHODS:
        same = ("options", "trials", "cost_seconds", "folder", "seeds")
        assert {k: after[method][k] for k in same} == {k: rows[method][k] for k in same}
        value = [each[method]["scores"]["accuracy"]["value"] for each in (after, rows)]
        assert value[0] == value[1]


def test_the_same_weights_under_another_name_run_nothing_again(here, capsys):
    before = ended("run")
    argv = [
        str(here / "backbone") if word == "backbone" else word for word in command("head", "run")
    ]
    assert main(argv) == 0
    assert ended("run") == before and "measuring" not in capsys.readouterr().err
    assert list(results("run")) == METHODS
    assert results("run", "head")[0]["backbone"] == str(here / "backbone")
    assert all("/" not in row["name"] for row in results("run").values())


def test_the_row_shows_the_options_that_were_asked_for(here):
    """Also where earlier ones did better, and where another method is added later."""
    (before,) = results("run", "head")
    assert main([*command("head", "run"), "--head.learning_rate", "1e-7"]) == 0
    (weak,) = results("run", "head")
    assert weak["options"]["learning_rate"] < 1e-6
    assert weak["scores"]["accuracy"]["value"] < before["scores"]["accuracy"]["value"]
    assert main(command("majority", "run")) == 0
    assert results("run", "head")[0]["options"] == weak["options"]
    finished = ended("run")
    assert main(command("head", "run")) == 0  # back again: nothing is lost or run again
    assert results("run", "head")[0]["folder"] == before["folder"]
    assert ended("run") == finished


@pytest.mark.parametrize(
    ("data", "more", "told"),
    [
        ("other.csv", [], "rows or how they are divided"),
        ("toy.csv", ["--rows", "60"], "60 train"),
        ("toy.csv", ["--seed", "9"], "rows or how they are divided"),
        ("toy.csv", ["--metric", "macro_f1"], "metric was accuracy, now it is macro_f1"),
    ],
)
def test_what_cannot_be_compared_is_refused(here, capsys, data, more, told):
    before = {file: file.read_bytes() for file in here.glob("run/*.*")}
    assert main(command("few_shot", "run", *more, data=data)) == 2
    err = capsys.readouterr().err
    assert told in err and "--out" in err and len(err.splitlines()) <= 3
    assert {file: file.read_bytes() for file in here.glob("run/*.*")} == before


def test_three_ways_in_give_one_result(here):
    own = {"head": {"epochs": 2}, "features": {"C": 0.5}}
    methods = ["majority", "features", "head"]
    library = tunewell.compare(
        "toy.csv", methods=methods, backbone="backbone", trials=1, out="library", **own
    )
    typed = "compare toy.csv --methods majority,features,head --backbone backbone --trials 1"
    typed += " --out typed --head.epochs 2 --features.C 0.5"
    assert main(typed.split()) == 0
    assert main(["compare", "typed/run.yaml", "--out", "yaml"]) == 0
    assert library.data["results"] == list(results("library").values())

    def numbers(folder):
        same = ("options", "scores", "changed_parameters", "disk_bytes", "settings")
        return {m: {k: row[k] for k in same} for m, row in results(folder).items()}

    assert list(numbers("library")) == methods

    def told(folder, method):
        (row,) = results(folder, method)
        lines = (here / folder / row["folder"] / "answers.jsonl").open(encoding="utf-8")
        return [(line["input"], line["answer"]) for line in map(json.loads, lines)]

    for method in methods:
        assert told("library", method) == told("typed", method) == told("yaml", method), method
        for key, value in numbers("library")[method].items():
            others = numbers("typed")[method][key], numbers("yaml")[method][key]
            assert (value, value) == others, (method, key)
    # `versus_best` is one of these: of equally good methods the one that took less time.
    pairs = [read_json(here / f / "comparison.json")["pairs"] for f in ("library", "typed", "yaml")]
    assert pairs[0] == pairs[1] == pairs[2]
    validation = [
        [r["trials"][0]["validation"] for r in results(f).values()]
        for f in ("library", "typed", "yaml")
    ]
    assert validation[0] == validation[1] == validation[2]


def test_fit_predict_and_report(here, capsys):
    typed = "fit toy.csv --method head --head.epochs 2 --backbone backbone --out one"
    assert main(typed.split()) == 0
    (row,) = results("one").values()
    assert row["options"]["epochs"] == 2 and len(row["trials"]) == 1
    capsys.readouterr()
    text = toy.examples(9, seed=3)[0].input
    assert main(["predict", "one", text, "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["answers"]
    assert answer["answer"] in NUMBERS
    (again,) = tunewell.load("one").predict([text])
    assert answer["scores"] == again.scores

    page = here / "one/report.html"
    before = page.read_text(encoding="utf-8")
    page.unlink()
    for file in ("toy.csv", "backbone"):  # it needs results only
        (here / file).rename(here / f"moved-{file}")
    assert main(["report", "one"]) == 0
    assert page.read_text(encoding="utf-8") == before


# --- the budget


def test_what_the_budget_cannot_hold_is_skipped_with_its_reason(here):
    long = ["--full.epochs", "5000"]
    assert main(command("majority,features,full", "small", "--budget", "1s", *long)) == 0
    majority, full = results("small", "majority", "full")
    assert majority["status"] == "ok"
    assert full["status"] == "skipped" and "of the budget" in full["reason"]
    assert not list(here.glob("small/trials/full-*"))
    assert (here / "small/report.html").exists()
    assert full["reason"] in (here / "small/report.html").read_text(encoding="utf-8")


def test_a_larger_budget_plans_again_without_measuring_again(here, capsys):
    methods = "majority,features,head"
    assert main(command(methods, "small", "--budget", "0.01s", "--head.epochs", "9")) == 0
    assert "measuring head" in capsys.readouterr().err
    assert results("small", "head")[0]["status"] == "skipped"
    assert main(command(methods, "small", "--budget", "20m", "--head.epochs", "9")) == 0
    assert "measuring" not in capsys.readouterr().err
    assert {row["status"] for row in results("small").values()} == {"ok"}


# --- stopped, killed, locked


def test_killed_in_the_middle_the_same_command_finishes(here):
    argv = command(",".join(METHODS), "killed", *SLOW)
    process, said = started(here, argv)
    wait_for(lambda: steps(said, "full") >= 9, process)
    process.kill()
    process.join()
    finished = ended("killed")
    assert sum(name.endswith("result.json") for name in finished) >= 6
    assert not (here / "killed/comparison.json").exists()
    process, said = started(here, argv)
    process.join(90)
    assert process.exitcode == 0, said.read_text()
    assert "measuring" not in said.read_text()
    assert {file: when for file, when in ended("killed").items() if file in finished} == finished
    assert {row["status"] for row in results("killed").values()} == {"ok"}
    assert set(results("killed")) == set(METHODS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_there_is_a_report_and_it_goes_on(here, number):
    argv = command("majority,full", "stopped", "--trials", "1", *SLOW)
    process, said = started(here, argv)
    wait_for(lambda: steps(said, "full") >= 9, process)
    os.kill(process.pid, number)
    begun = time.monotonic()
    process.join(60)
    assert time.monotonic() - begun < 10
    assert process.exitcode == 130, said.read_text()
    assert "Traceback" not in said.read_text()
    comparison = read_json(here / "stopped/comparison.json")
    assert comparison["interrupted"]
    majority, full = comparison["results"]
    assert majority["status"] == "ok"
    assert full["status"] == "skipped" and "stopped" in full["reason"]
    assert full["reason"] in (here / "stopped/report.html").read_text(encoding="utf-8")
    (kept,) = here.glob("stopped/trials/full-0/checkpoints/step-*")
    step = int(kept.name[-8:])
    assert step >= 9

    assert main(argv) == 0
    (full,) = results("stopped", "full")
    assert full["status"] == "ok" and f"went on from step {step}" in full["notes"]
    assert not read_json(here / "stopped/comparison.json")["interrupted"]


def on_a_small_disk(file_bytes, argv, folder, output):
    """As `command_line`, where no file can grow larger."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    processes.command_line(argv, folder, output)


@pytest.mark.parametrize(
    ("methods", "file_bytes", "reason"),
    [
        ("majority,full", 60_000, r"the model in small/trials/full-0.*\n.* MB are needed"),
        ("majority", 20_000, "file could not be written"),  # the report is larger than that
    ],
)
def test_a_full_disk_is_told_and_leaves_nothing_half_made(here, methods, file_bytes, reason):
    argv = command(methods, "small", "--trials", "1")
    said = here / "said"
    process = processes.start(on_a_small_disk, file_bytes, argv, str(here), str(said))
    process.join(90)
    assert process.exitcode == 4, said.read_text()
    assert re.search(reason, said.read_text()) and "same command again" in said.read_text()
    assert "Traceback" not in said.read_text()
    assert not list(here.glob("small/**/*.part"))
    assert not (here / "small/trials/full-0/model").exists()
    assert not (here / "small/trials/full-0/result.json").exists()
    before = ended("small")
    assert len(before) == 3  # majority is whole
    assert main(argv) == 0
    assert {row["status"] for row in results("small").values()} == {"ok"}
    assert {file: when for file, when in ended("small").items() if file in before} == before


def hold(folder):
    """Be at work in a run folder until killed."""
    from tunewell.lock import alone_in

    with alone_in(Path(folder)):
        time.sleep(60)


def test_a_second_process_in_the_folder_is_told_who_is_there(here, capsys):
    other = processes.start(hold, "run")
    wait_for(lambda: (here / "run/.running").exists(), other)
    assert main(command("few_shot", "run")) == 2
    err = capsys.readouterr().err
    assert f"process {other.pid}" in err and "--out" in err and len(err.splitlines()) <= 3
    assert "few_shot" not in results("run")
    other.kill()
    other.join()
    assert main(command("few_shot", "run")) == 0  # who was killed holds up nobody


# --- methods that do not come to their end


def test_a_method_that_crashes_is_a_failed_row(here, monkeypatch):
    def crash(self, job):
        raise ZeroDivisionError("a bug of ours")

    with monkeypatch.context() as patch:
        patch.setattr(registry.method("few_shot"), "fit", crash)
        assert main(command("majority,few_shot,features", "crash")) == 0
    few_shot, features = results("crash", "few_shot", "features")
    assert few_shot["status"] == "failed" and "a bug of ours" in few_shot["reason"]
    (trial,) = {line["folder"] for line in few_shot["trials"] if line["folder"].endswith("-0")}
    assert "few_shot-" in few_shot["reason"] and "traceback.txt" in few_shot["reason"]
    trace = (here / "crash" / trial / "traceback.txt").read_text(encoding="utf-8")
    assert "ZeroDivisionError: a bug of ours" in trace and "in crash" in trace
    assert features["status"] == "ok"
    assert main(command("majority,few_shot,features", "crash")) == 0  # mended: it runs
    assert results("crash", "few_shot")[0]["status"] == "ok"
    assert not (here / "crash" / trial / "traceback.txt").exists()


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_model_that_crashes_over_a_row_is_a_failed_row(here, monkeypatch, part):
    from tunewell.methods.majority import Constant

    sizes = read_json(here / "run/comparison.json")["rows"]
    real = Constant.predict

    def predict(self, inputs):
        if len(inputs) == sizes[part]:
            raise ValueError("cannot answer this")
        return real(self, inputs)

    monkeypatch.setattr(Constant, "predict", predict)
    assert main(command("majority,features", "crash")) == 0
    majority, features = results("crash", "majority", "features")
    assert majority["status"] == "failed" and "cannot answer this" in majority["reason"]
    assert (here / "crash/trials/majority-0/traceback.txt").exists()
    assert features["status"] == "ok"


def test_a_method_that_does_not_fit_is_skipped_with_its_reason(here):
    methods = "majority,zero_shot"
    assert main(command(methods, "numbers", data="numbers.csv")) == 0
    (zero_shot,) = results("numbers", "zero_shot")
    assert zero_shot["status"] == "skipped" and "--label-names" in zero_shot["reason"]
    names = ",".join(f"{number}={name}" for name, number in NUMBERS.items())
    more = ["--label-names", names]
    assert main(command(methods, "numbers", *more, data="numbers.csv")) == 0
    (zero_shot,) = results("numbers", "zero_shot")
    assert zero_shot["status"] == "ok"
    folder = zero_shot["folder"]
    other = ["--label-names", "0=wela,1=tolm,2=qirr"]  # other names, other answers
    assert main(command(methods, "numbers", *other, data="numbers.csv")) == 0
    (zero_shot,) = results("numbers", "zero_shot")
    assert zero_shot["status"] == "ok" and zero_shot["folder"] != folder
    assert len(list(here.glob("numbers/trials/majority-*"))) == 1


# --- nobody sees test


def reachable(value, seen):
    """Every text that can be reached from a value: fields, items, closures."""
    if id(value) in seen:
        return
    seen[id(value)] = value
    if isinstance(value, str):
        yield value
    elif hasattr(value, "__dict__") and not isinstance(value, (type, ModuleType)):
        yield from reachable(vars(value), seen)
    if isinstance(value, dict):
        for pair in value.items():
            yield from reachable(list(pair), seen)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from reachable(item, seen)
    for cell in getattr(value, "__closure__", None) or ():
        yield from reachable(cell.cell_contents, seen)
    yield from reachable(getattr(value, "__defaults__", None), seen)
    if hasattr(value, "__self__"):
        yield from reachable(value.__self__, seen)


def test_a_method_cannot_reach_the_test_rows(here, monkeypatch):
    names = {field.name for field in dataclasses.fields(Job)}
    assert {"train", "validation"} <= names and not any("test" in name for name in names)
    method, jobs = registry.method("majority"), []
    real = method.fit

    def fit(self, job):
        jobs.append(job)
        return real(self, job)

    monkeypatch.setattr(method, "fit", fit)
    assert main(command("features,majority", "sealed")) == 0
    (row,) = results("sealed", "majority")
    lines = (here / "sealed" / row["folder"] / "answers.jsonl").open(encoding="utf-8")
    sealed = {json.loads(line)["input"] for line in lines}
    seen = {}
    for job in jobs:
        texts = set(reachable(job, seen))
        assert job.machine == dataclasses.replace(Machine(), **vars(job.machine))
    texts = {text for value in seen.values() if isinstance(value, str) for text in [value]}
    assert {example.input for example in jobs[-1].train} <= texts  # the search does search
    assert not sealed & texts
    assert not any(text in whole for whole in texts if len(whole) > 200 for text in sealed)
