"""The command line: what is typed, what is told, and every mistake in three lines."""

import csv
import io
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

import tunewell
from tunewell import registry
from tunewell.cli import COMMANDS, main
from tunewell.settings import Event
from tunewell.terminal.progress import watching


@pytest.fixture
def reviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hundred short reviews in the working directory, with one label missing."""
    monkeypatch.chdir(tmp_path)
    words = random.Random(0)
    rows = [
        (f"{sort} film number {words.randrange(10**6)}", "yes" if sort == "good" else "no")
        for sort in words.choices(("good", "bad"), k=100)
    ]
    path = tmp_path / "reviews.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows, ("no label here", "")])
    return path


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """What is told about a mistake; it ends with status 2, in at most three lines."""
    assert main(list(argv)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("tunewell: ")
    assert len(err.splitlines()) <= 3
    return err


# --- help


def test_nothing_typed_is_the_short_help(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    for name in COMMANDS:
        assert f"  {name} " in out


def test_the_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tunewell {tunewell.__version__}\n"


def test_it_is_a_module_that_runs(tmp_path):
    """Where the command is not on the path, `python -m tunewell` is."""
    typed = [sys.executable, "-m", "tunewell"]
    for more, status in ((["--version"], 0), (["nonsense"], 2)):
        done = subprocess.run([*typed, *more], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == status
    assert done.stderr.startswith("tunewell: There is no command 'nonsense'.")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(capsys, command):
    assert main([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"tunewell {command}" in out
    assert "--json" in out


@pytest.mark.parametrize("command", ["compare", "fit", "plan"])
def test_options_of_methods_are_listed_after_the_common_ones(capsys, command):
    main([command, "--help"])
    out = capsys.readouterr().out
    assert "--lora.rank" in out
    assert out.index("--budget") < out.index("--full.epochs")


def test_check_offers_only_what_it_uses(capsys):
    main(["check", "--help"])
    out = capsys.readouterr().out
    assert "--target" in out
    assert "--budget" not in out and "--lora.rank" not in out


def test_help_and_import_load_nothing_heavy():
    code = (
        "import sys, tunewell; from tunewell.cli import main; main(['compare', '--help'])\n"
        "heavy = {'torch', 'transformers', 'peft', 'sklearn', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --- mistakes


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("compair reviews.csv", "Did you mean 'compare'?"),
        ("reviews.csv", "tunewell compare reviews.csv"),
        ("compare reviews.csv --lora.rnk 16", "Did you mean --lora.rank?"),
        ("compare reviews.csv --label-name x", "Did you mean --label-names?"),
        ("compare reviews.csv --lroa.rank 16", "Did you mean --lora.rank?"),
        ("compare reviews.csv --rank=16", "Did you mean --lora.rank or --qlora.rank?"),
        ("compare reviews.csv --epochs 3", "--head.epochs"),
        ("compare reviews.csv --lora.rank many", "A whole number is expected"),
        ("compare reviews.csv --lora.rank 0", "from 1 up"),
        ("compare reviews.csv --pooling max", "One of mean, cls, last"),
        ("compare reviews.csv --budget soon", "--budget is 'soon'"),
        ("compare reviews.csv --memory 8", "8GB"),
        ("compare reviews.csv --methods featurs", "Did you mean 'features'?"),
        ("compare reviews.csv --methods majority,lroa", "Did you mean 'lora'?"),
        ("compare reviews.csv --methods features lora", "--methods features,lora"),
        ("compare reviews.csv --methods features --lora.rank 3", "--lora.rank does nothing"),
        ("compare reviews.csv --methods full --lora.num_train_epochs 3", "--lora.epochs does"),
        ("compare reviews.csv --lora.rank", "--lora.rank needs a value"),
        ("compare reviews.csv --lora.rank --seed 3", "--lora.rank needs a value"),
        ("compare --task clasify reviews.csv", "Did you mean 'classify'?"),
        ("compare", "No data is given"),
        ("compare reviews.csv more.csv", "More than one data file"),
        ("compare nowhere.csv", "nowhere.csv"),
        ("compare nowhere.yaml", "nowhere.yaml"),
        ("fit reviews.csv", "--method lora"),
        ("fit reviews.csv --method lroa", "Did you mean 'lora'?"),
        ("fit reviews.csv --method lora --full.epochs 3", "--full.epochs does nothing"),
        ("fit reviews.csv --method lora --trials 3", "--trials does nothing for fit"),
        ("check reviews.csv --budget 3m", "--budget does nothing for check"),
        ("check reviews.csv --target lable", "'label'"),
        ("methods lorra", "Did you mean 'lora'?"),
        ("methods lora full", "'full' is left over"),
        ("methods --jason", "Did you mean --json?"),
        ("tasks clasify", "Did you mean 'classify'?"),
        ("predict", "Which model?"),
        ("predict runs/x", "Which texts?"),
        ("predict runs/x hello", "runs/x"),
        ("predict runs/x hello --file a.csv", "not both"),
        ("predict runs/x hello --input text", "--file"),
        ("predict runs/x --file reviews.csv --out reviews.csv", "another name"),
        ("predict runs/x hello --out no/such/folder.csv", "no folder"),
        ("report", "Which run?"),
        ("report runs/x", "runs/x"),
    ],
)
def test_a_mistake_is_told_with_what_to_do(capsys, reviews, typed, words):
    assert words in refused(capsys, *typed.split())


def test_all_mistakes_of_a_command_are_told_at_once(capsys, reviews):
    typed = "compare reviews.csv --lora.rnk 3 --seed x --budget soon --pooling max --hue red"
    err = refused(capsys, *typed.split())
    for word in ("--lora.rnk", "--seed", "--budget", "--pooling", "--hue"):
        assert word in err


def test_with_json_a_mistake_is_a_document_too(capsys, reviews):
    assert main(["compare", "reviews.csv", "--lora.rank", "many", "--json"]) == 2
    out, err = capsys.readouterr()
    error = json.loads(out)["error"]
    assert error["kind"] == "ConfigError"
    assert "--lora.rank" in error["found"] and "whole number" in error["expected"]
    assert "--lora.rank" in err


def test_what_is_no_mistake_of_the_user_keeps_its_traceback(reviews, monkeypatch):
    def broken(argv):
        raise ZeroDivisionError

    monkeypatch.setitem(COMMANDS, "check", broken)
    with pytest.raises(ZeroDivisionError):
        main(["check", "reviews.csv"])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), 130),
        (tunewell.errors.TrainingDiverged("The loss is not a number."), 3),
        (tunewell.ResourceError("The disk is full."), 2),
    ],
)
def test_each_end_has_its_exit_status(capsys, monkeypatch, error, status):
    def ended(argv):
        raise error

    monkeypatch.setitem(COMMANDS, "check", ended)
    assert main(["check"]) == status
    assert len(capsys.readouterr().err.splitlines()) == 1


# --- lists


def test_methods_are_listed_cheapest_first(capsys):
    assert main(["methods", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["methods"]
    assert [m["name"] for m in listed] == list(registry.methods())
    assert all(m["summary"] and m["choose"] for m in listed)
    assert main(["methods"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in registry.methods())


def test_one_method_tells_its_options(capsys):
    assert main(["methods", "lora"]) == 0
    out = capsys.readouterr().out
    assert "What moves" in out and "--lora.rank INT" in out
    assert main(["methods", "lora", "--json"]) == 0
    options = {o["name"]: o for o in json.loads(capsys.readouterr().out)["options"]}
    assert options["lora.rank"]["default"] == registry.method("lora")().rank


def test_tasks_are_listed_with_their_other_names(capsys):
    assert main(["tasks"]) == 0
    assert "text-classification" in capsys.readouterr().out
    assert main(["tasks", "sentiment-analysis"]) == 0
    assert "Row in" in capsys.readouterr().out
    assert main(["tasks", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["tasks"]
    assert [task["name"] for task in listed] == list(registry.tasks())


# --- from the data to an answer


def test_check_tells_problems_first_with_their_rows(capsys, reviews):
    assert main(["check", "reviews.csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    problem = next(n for n, line in enumerate(lines) if "row 102" in line)
    fact = next(n for n, line in enumerate(lines) if "column 'text'" in line)
    assert problem < fact
    assert main(["check", "reviews.csv", "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert checked["columns"]["target"] == "label"
    assert sum(checked["sizes"].values()) == 100


def test_compare_then_predict(capsys, reviews, monkeypatch):
    typed = "compare reviews.csv --methods majority --output_dir runs/my-run --seed 3"
    assert main(typed.split()) == 0
    out, err = capsys.readouterr()
    assert "majority" in out and "tunewell predict runs/my-run" in out
    assert "report.html" in out and Path("runs/my-run/report.html").exists()
    assert "majority, trial 1 of 1" in err
    assert "seed: 3  # command line" in Path("runs/my-run/run.yaml").read_text(encoding="utf-8")

    again = main(["compare", "runs/my-run/run.yaml", "--json"])
    stored = json.loads(capsys.readouterr().out)
    assert again == 0
    assert [r["method"] for r in stored["results"]] == ["majority"]

    assert main(["predict", "runs/my-run", "a good film", "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["answers"]
    assert answer["text"] == "a good film" and answer["answer"] in ("yes", "no")

    monkeypatch.setattr(sys, "stdin", io.StringIO("one\n\ntwo\n"))
    assert main(["predict", "runs/my-run", "-", "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)["answers"]
    assert [a["text"] for a in answers] == ["one", "two"]

    new = Path("new.csv")
    new.write_text("id,text\n1,=1+2\n2,fine\n3,@x\n", encoding="utf-8")
    assert main(["predict", "runs/my-run", "--file", "new.csv", "--out", "answers.csv"]) == 0
    capsys.readouterr()
    with Path("answers.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == ["'=1+2", "fine", "'@x"]
    assert all(row["answer"] == answer["answer"] for row in rows)
    assert "Did you mean 'text'?" in refused(
        capsys, "predict", "runs/my-run", "--file", "new.csv", "--input", "txt"
    )

    assert main(["report", "runs/my-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["report"].endswith("report.html")

    typed = "compare reviews.csv --methods majority --out runs/my-run --seed 4"
    assert "--out" in refused(capsys, *typed.split())


def test_the_library_gives_what_the_command_line_gives(reviews):
    comparison = tunewell.compare(reviews, methods=["majority"], seed=3, out="runs/library")
    assert "majority" in comparison.table()
    (answer,) = comparison.recommended.predict(["a good film"])
    assert tunewell.load("runs/library").predict(["a good film"]) == [answer]
    fitted = tunewell.fit("reviews.csv", method="majority", out="runs/one")
    assert [r["method"] for r in fitted.data["results"]] == ["majority"]
    assert tunewell.check("reviews.csv").columns.input == "text"
    with pytest.raises(tunewell.ConfigError, match=r"lora\.rank"):
        tunewell.compare("reviews.csv", lora={"rank": "many"})


def test_a_package_and_the_verb_of_its_name_live_together():
    import tunewell.fit.schedule
    import tunewell.plan.choose

    assert tunewell.fit.schedule.Schedule
    for verb in (tunewell.fit, tunewell.plan, tunewell.methods, tunewell.tasks):
        assert callable(verb)
    assert list(tunewell.methods()) == list(registry.methods())
    assert "classify" in tunewell.tasks()


# --- progress

EVENTS = (
    Event("message", "Nothing is known of [this] yet."),
    Event("start", "lora, trial 1 of 3", done=0.0),
    Event("progress", "lora, trial 1 of 3", done=0.5, seconds_left=90.0, score=0.5),
    Event("done", "lora, trial 1 of 3", done=1.0, metric="accuracy", score=0.812),
)


@pytest.mark.parametrize("bar", [False, True])
def test_progress_goes_to_standard_error(capsys, bar):
    with watching(bar) as watch:
        for event in EVENTS:
            watch(event)
    out, err = capsys.readouterr()
    assert out == ""
    assert "Nothing is known of [this] yet." in err
    assert "lora, trial 1 of 3, accuracy 81.2 %" in err


def test_plain_progress_is_one_line_an_event_and_seldom_more(capsys):
    with watching(bar=False) as watch:
        watch(EVENTS[1])
        for _ in range(1000):
            watch(EVENTS[2])
        watch(EVENTS[3])
    assert len(capsys.readouterr().err.splitlines()) == 2
