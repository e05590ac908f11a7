"""A newcomer's mistakes: each is told in three lines at most, with what to do about it."""

import json

import pytest

import toy
from tunewell.cli import main

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00" * 40
)

CASES = {
    "no such column": ("check toy.csv --target lable", "Did you mean 'label'?"),
    "no such column of texts": ("compare toy.csv --input review", "--input"),
    "no such file": ("compare toi.csv", "Did you mean 'toy.csv'?"),
    "a folder without a table": ("compare empty", "Name the file itself"),
    "no such method": ("compare toy.csv --methods majority,lroa", "Did you mean 'lora'?"),
    "no such command": ("compair toy.csv", "Did you mean 'compare'?"),
    "no command": ("toy.csv", "`tunewell compare toy.csv`"),
    "a misspelt option": ("compare toy.csv --bugdet 5m", "Did you mean --budget?"),
    "a misspelt option of a method": ("compare toy.csv --lora.rnk 4", "Did you mean --lora.rank?"),
    "an option of no method": (
        "compare toy.csv --rank 4",
        "Did you mean --lora.rank or --qlora.rank?",
    ),
    "a word for a number": ("compare toy.csv --lora.rank many", "A whole number is expected"),
    "a rate that is none": ("compare toy.csv --full.learning_rate nan", "A number is expected"),
    "a rate of nothing": ("fit toy.csv --method full --full.learning_rate 0", "More than 0"),
    "points for a share": ("compare toy.csv --margin 2", "0.02 is two points"),
    "a share of a method": ("compare toy.csv --lora.dropout 1", "--lora.dropout is 1.0"),
    "a penalty of nothing": ("compare toy.csv --features.C 0", "--features.C is 0"),
    "no neighbours": ("compare toy.csv --few_shot.k 0", "from 1 up"),
    "a template without a label": ("compare toy.csv --zero_shot.template x", "{label}"),
    "a length of time": ("compare toy.csv --budget soon", "90s, 15m or 1h30m"),
    "a choice that is none": ("compare toy.csv --pooling middle", "One of mean, cls, last"),
    "no such metric": ("compare toy.csv --methods majority --metric acuracy", "'accuracy'"),
    "no such backbone": ("compare toy.csv --backbone nobody/nothing", "leave --backbone out"),
    "a folder that is no model": ("compare toy.csv --backbone empty", "config.json"),
    "no such device": ("compare toy.csv --methods majority --device gpu", "cpu, cuda, cuda:1"),
    "one class": ("compare one-class.csv", "Add rows of another class"),
    "an empty file": ("compare empty.csv", "empty.csv"),
    "only a header": ("compare header.csv", "header.csv"),
    "a picture": ("compare picture.csv", "CSV"),
    "a picture by its name": ("compare picture.png", ".csv"),
    "no run to predict with": ('predict empty "a text"', "`tunewell compare DATA`"),
    "no run to report on": ("report empty", "`tunewell compare` made"),
    "another run's folder": ("compare other.csv --methods majority --out run", "--out"),
    "no label names": ("compare toy.csv --label-names sea", "0=negative,1=positive"),
    "names for other labels": ("compare toy.csv --label-names 0=bad,1=good", "The labels are"),
}
"""What was done wrong: what was typed, and what must be in the answer."""


def write(path, examples):
    path.write_text("text,label\n" + "".join(f"{e.input},{e.target}\n" for e in examples))


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with what a newcomer may have lying there."""
    folder = tmp_path_factory.mktemp("desk")
    write(folder / "toy.csv", toy.examples(60))
    write(folder / "other.csv", toy.examples(60, seed=1))
    write(folder / "one-class.csv", [e for e in toy.examples(60) if e.target == "sea"])
    (folder / "empty.csv").touch()
    (folder / "header.csv").write_text("text,label\n")
    (folder / "picture.csv").write_bytes(PNG)
    (folder / "picture.png").write_bytes(PNG)
    (folder / "empty").mkdir()
    out = str(folder / "run")
    assert main(["compare", str(folder / "toy.csv"), "--methods", "majority", "--out", out]) == 0
    return folder


@pytest.fixture
def at_desk(desk, monkeypatch):
    monkeypatch.chdir(desk)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    before = files(desk)
    yield
    assert files(desk) == before


def files(folder):
    """Files with their times, without the locks of runs."""
    paths = (p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    return {path: path.stat().st_mtime_ns for path in paths}


def split(typed):
    words, _, text = typed.partition(' "')
    return [*words.split(), *([text[:-1]] if text else [])]


@pytest.mark.parametrize("mistake", CASES)
def test_a_mistake_is_told_with_what_to_do(at_desk, capsys, mistake):
    typed, remedy = CASES[mistake]
    assert main(split(typed)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("tunewell: ") and "Traceback" not in err
    assert len(err.splitlines()) <= 3, err
    assert remedy in err
    assert max(map(len, err.splitlines())) < 300, err


@pytest.mark.parametrize("mistake", CASES)
def test_with_json_it_is_one_document(at_desk, capsys, mistake):
    typed, remedy = CASES[mistake]
    assert main([*split(typed), "--json"]) == 2
    out, err = capsys.readouterr()
    error = json.loads(out)["error"]
    assert error["found"] and error["kind"].endswith("Error")
    assert remedy in " ".join([error["found"], error["expected"], error["remedy"]])
    assert "Traceback" not in err and len(err.splitlines()) <= 3


def test_only_folders_with_a_model_are_offered(at_desk, capsys):
    main(["compare", "toy.csv", "--backbone", "./emtpy"])
    assert "Did you mean" not in capsys.readouterr().err


def test_the_file_is_named_that_a_mistake_is_in(at_desk, capsys):
    for name in ("one-class.csv", "empty.csv", "header.csv", "picture.csv", "toi.csv"):
        main(["check", name])
        assert name in capsys.readouterr().err
