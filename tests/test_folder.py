"""What a run folder keeps of several commands, and how each of them ends."""

import errno
import json
import os
import shutil
import time
from pathlib import Path

import pytest

import toy
import tunewell
from tunewell import registry
from tunewell.cli import main
from tunewell.errors import DiskFull, TrainingDiverged
from tunewell.measure.assemble import pick
from tunewell.measure.cost import Meter
from tunewell.measure.spent import Account
from tunewell.options import from_keywords
from tunewell.values import Progress, Trial, read_json, write_json

CHEAP = "majority,bag_of_words"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with a table."""
    lines = [f"{e.input},{e.target}\n" for e in toy.examples(90)]
    (tmp_path / "toy.csv").write_text("text,label\n" + "".join(lines))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compare(methods, *more):
    return main(["compare", "toy.csv", "--methods", methods, "--out", "run", *more])


def rows():
    return {r["method"]: r for r in read_json(Path("run/comparison.json"))["results"]}


def instead(monkeypatch, method, error):
    """Let a method's fit raise an error."""

    def fit(self, job):
        raise error

    monkeypatch.setattr(registry.method(method), "fit", fit)


# --- several commands, one folder


def test_fit_refuses_a_folder_with_other_methods(here, capsys):
    assert compare(CHEAP) == 0
    typed = "fit toy.csv --method majority --out run"
    assert main(typed.split()) == 2
    err = capsys.readouterr().err
    assert "bag_of_words" in err and "another --out" in err
    assert main(["fit", "toy.csv", "--method", "majority", "--out", "alone"]) == 0
    assert main(["fit", "toy.csv", "--method", "majority", "--out", "alone"]) == 0


def test_run_yaml_holds_the_methods_of_all_commands(here):
    assert compare("bag_of_words", "--bag_of_words.C", "3", "--trials", "1") == 0
    assert compare("majority", "--trials", "1") == 0
    kept = from_keywords({"data": "run/run.yaml"}).options
    assert kept.methods == ("majority", "bag_of_words") and kept.bag_of_words.C == 3
    comparison = read_json(Path("run/comparison.json"))
    told = {line["name"]: line for line in comparison["options"]}
    assert told["bag_of_words.C"]["origin"] == "an earlier command"
    assert told["methods"]["value"] == ["majority", "bag_of_words"]
    assert comparison["command"] == "tunewell compare run/run.yaml"
    assert main(["compare", "run/run.yaml", "--out", "again"]) == 0
    again = read_json(Path("again/comparison.json"))["results"]
    assert [r["method"] for r in again] == ["majority", "bag_of_words"]


def test_a_run_from_python_says_how_to_run_it_again(here):
    comparison = tunewell.compare("toy.csv", methods=["majority"], out="my run")
    assert comparison.data["command"] == "tunewell compare 'my run/run.yaml'"


def test_fewer_seeds_show_fewer(here):
    assert compare(CHEAP, "--seeds", "2", "--trials", "1") == 0
    assert rows()["bag_of_words"]["seeds"] == [0, 1]
    assert compare(CHEAP, "--seeds", "1", "--trials", "1") == 0
    assert rows()["bag_of_words"]["seeds"] == [0]


def test_a_refit_that_failed_is_noted(here, monkeypatch):
    method = registry.method("bag_of_words")
    real = method.fit

    def fit(self, job):
        if job.seed == 1:
            raise ZeroDivisionError("not with this seed")
        return real(self, job)

    monkeypatch.setattr(method, "fit", fit)
    assert compare(CHEAP, "--seeds", "2", "--trials", "1") == 0
    row = rows()["bag_of_words"]
    assert row["status"] == "ok" and row["seeds"] == [0]
    (note,) = [note for note in row["notes"] if "seed 1 failed" in note]
    assert "trials/bag_of_words-1/traceback.txt" in note


def test_what_is_finished_is_not_planned_again(here):
    assert compare("bag_of_words") == 0
    assert compare("bag_of_words", "--budget", "9m") == 0
    (row,) = read_json(Path("run/plan.json"))["rows"]
    assert row["status"] == "run" and row["finished"] == row["trials"] and row["seconds"] == 0


def test_what_others_put_into_the_folder_does_no_harm(here):
    assert compare(CHEAP, "--trials", "1") == 0
    shutil.copytree("run/trials/majority-0", "run/trials/majority-old")
    kept = read_json(Path("run/data.json"))
    del kept["leaked"]  # as an older version left it
    write_json(Path("run/data.json"), kept)
    plan = read_json(Path("run/plan.json"))
    plan["rows"].append({**plan["rows"][0], "method": "gone", "keys": ["gone"]})
    write_json(Path("run/plan.json"), plan)
    assert compare(CHEAP, "--trials", "1") == 0
    assert rows()["gone"]["status"] == "skipped" and rows()["majority"]["status"] == "ok"


def test_no_trial_leaves_a_folder_before_it_runs(here):
    assert compare("majority,bag_of_words", "--budget", "0.0001s") in (0, 1)
    folders = list(Path("run/trials").glob("*")) if Path("run/trials").exists() else []
    assert all((folder / "result.json").exists() for folder in folders)


# --- how it ends


def test_nothing_to_recommend_is_exit_status_1(here, monkeypatch):
    instead(monkeypatch, "majority", ZeroDivisionError("a bug"))
    assert compare("majority") == 1
    assert Path("run/report.html").exists()


def test_a_fit_that_diverges_ends_with_3(here, monkeypatch, capsys):
    instead(monkeypatch, "majority", TrainingDiverged("The loss was not finite."))
    assert main(["fit", "toy.csv", "--method", "majority", "--out", "one", "--json"]) == 3
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["kind"] == "TrainingDiverged"
    assert "not finite." in err and ".." not in err and "finite.," not in err


@pytest.mark.parametrize(
    "error", [DiskFull("No room."), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))]
)
def test_a_full_disk_ends_all_with_4(here, monkeypatch, capsys, error):
    instead(monkeypatch, "majority", error)
    assert compare(CHEAP) == 4
    assert "room" in capsys.readouterr().err
    assert not Path("run/trials/majority-0/result.json").exists()


# --- parts


def test_the_key_does_not_know_what_the_backbone_is_called():
    one = Trial("head", "./bert", "f", {}, 0, "rows")
    assert one.key == Trial("head", "/abs/bert", "f", {}, 0, "rows").key
    assert one.key != Trial("head", "./bert", "g", {}, 0, "rows").key


def test_the_default_is_picked_among_equals():
    trials = [{"status": "ok", "key": k, "validation": {"accuracy": 0.5}} for k in "cab"]
    assert pick(trials, "accuracy", ("a", "b", "c"))["key"] == "a"


@pytest.mark.parametrize("checkpoint", ["step-00000009", "rows/step-00000009", None])
def test_what_a_stopped_trial_took_is_added_up(tmp_path, checkpoint):
    first = Account(tmp_path)
    first.hear(Progress(borrowed_seconds=5.0, note="rows cut"))
    with Meter() as meter:
        time.sleep(0.05)
    before = first.close(meter)
    assert before.cost_seconds == pytest.approx(5.0 + meter.seconds)
    if checkpoint:
        (tmp_path / checkpoint).mkdir(parents=True)
    second = Account(tmp_path)
    second.hear(Progress(borrowed_seconds=5.0))
    whole = second.close(meter)
    assert whole.spent_seconds == pytest.approx(2 * meter.seconds)
    assert whole.cost_seconds == pytest.approx(5.0 + meter.seconds * (2 if checkpoint else 1))
    assert whole.notes == (("rows cut",) if checkpoint else ())


def test_without_a_method_that_needs_one_no_backbone_is_looked_for(here, monkeypatch):
    from tunewell.fit import backbones, hub

    def refuse(*args, **more):
        raise AssertionError("looked for")

    for place, name in ((backbones, "resolve"), (hub, "locate"), (hub, "cached")):
        monkeypatch.setattr(place, name, refuse)
    assert compare(CHEAP, "--trials", "1") == 0


def test_check_downloads_nothing(here, monkeypatch):
    from tunewell.fit import hub

    def refuse(*args, **more):
        raise AssertionError("downloads")

    monkeypatch.setattr(hub, "cached", lambda name: None)
    monkeypatch.setattr(hub, "reachable", lambda: True)
    monkeypatch.setattr(hub, "_download", refuse)
    assert main(["check", "toy.csv", "--backbone", "somebody/something"]) == 0
