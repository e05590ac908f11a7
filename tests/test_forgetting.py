"""A run tells what was forgotten where the backbone expects words, and why not elsewhere."""

import pytest

import toy
import tunewell
from tunewell.errors import ConfigError, DataError
from tunewell.values import read_json


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forgetting")
    lines = [f"{e.input},{e.target}\n" for e in toy.examples(150)]
    (folder / "toy.csv").write_text("text,label\n" + "".join(lines))
    texts = [e.input for e in toy.examples(30, seed=5)]
    (folder / "general.txt").write_text("\n\n".join(texts))
    return folder


def compare(table, backbone, out, **options):
    return tunewell.compare(
        str(table / "toy.csv"),
        methods=["head", "full"],
        backbone=(str(backbone),),
        out=str(out),
        trials=1,
        full={"learning_rate": 1e-2, "epochs": 6},
        head={"epochs": 2},
        **options,
    )


def test_a_column_says_what_was_forgotten(table, filling_backbone, tmp_path):
    general = str(table / "general.txt")
    done = compare(table, filling_backbone, tmp_path / "run", general_text=general)
    rows = {row["method"]: row for row in done.data["results"]}
    assert rows["head"]["forgetting"]["unchanged"]
    found = rows["full"]["forgetting"]
    assert found["unit"] == "masked token" and found["before"] > 0
    assert 0 < found["change"]["low"] < found["change"]["value"] < found["change"]["high"]
    assert read_json(tmp_path / "run" / rows["full"]["folder"] / "forgetting.json") == found
    head, _, *lines = done.table().splitlines()
    assert "| forgetting |" in head and f"+{found['change']['value']:.3f} [" in lines[-1]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "bits for each masked token" in page and "proxy" in page


def test_where_no_words_are_expected_there_is_no_column_but_a_reason(table, toy_backbone, tmp_path):
    done = compare(table, toy_backbone, tmp_path / "run")
    assert "forgetting" not in done.table()
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Not told" in page and "no layer that fills in words" in page


def test_a_text_that_is_none_is_refused(table, toy_backbone, tmp_path):
    with pytest.raises(ConfigError, match="no plain text"):
        compare(table, toy_backbone, tmp_path / "a", general_text=str(table / "toy.csv"))
    with pytest.raises(DataError, match="There is no file"):
        compare(table, toy_backbone, tmp_path / "b", general_text="nowhere.txt")
