"""Plain texts from a file to a comparison in which bits per byte decide."""

import pytest

import shapes
import toy
import tunewell
from tunewell import registry
from tunewell.read import load
from tunewell.settings import RunOptions
from tunewell.values import read_json

COMPLETE = registry.task("complete")


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Sentences a line."""
    path = tmp_path_factory.mktemp("complete") / "sea.txt"
    lines = [f"{e.input}, {n} times." for n, e in enumerate(toy.examples(120))]
    path.write_text("\n".join(lines) + "\n")
    return path


def loaded(path, **options):
    return load(RunOptions(data=str(path), task="complete", **options))


def test_half_of_the_words_are_given_and_nothing_is_lost():
    for text in ("So many books,  so little time.", "two words", "one", "a\nb\nc\nd"):
        example = COMPLETE().read({"text": f" {text} "}, "a.txt, row 1")
        assert example.input + example.target == text
        assert abs(len(example.input.split()) - len(example.target.split())) <= 1
    example = COMPLETE().read({"text": "The sea", "rest": "is wide."}, "a.csv, row 2")
    assert (example.input, example.target) == ("The sea", " is wide.")


def test_a_line_is_a_row_where_there_are_no_empty_lines(texts):
    data = loaded(texts)
    rows = [e for part in data.parts.values() for e in part]
    lines = texts.read_text().splitlines()
    assert len(rows) == 120
    for each in rows:
        assert each.input + each.target == lines[each.row - 1]
        assert each.source.endswith("sea.txt#text")


def test_a_paragraph_is_a_row_where_there_are(tmp_path):
    path = tmp_path / "book.txt"
    paragraphs = [f"{e.input}\nand so on, {n}" for n, e in enumerate(toy.examples(30))]
    path.write_bytes("\r\n\r\n\r\n".join(paragraphs).replace("\n", "\r\n").encode())
    data = loaded(path)
    rows = {e.row: e.input + e.target for part in data.parts.values() for e in part}
    assert len(rows) == 30 and set(rows.values()) == {p.replace("\r\n", "\n") for p in paragraphs}


def test_a_table_is_read_by_its_column_and_a_txt_of_another_task_stays_a_table(tmp_path):
    table = tmp_path / "quotes.csv"
    lines = [f'"{e.input}, he said {n}.",someone' for n, e in enumerate(toy.examples(40))]
    table.write_text("quote,author\n" + "\n".join(lines) + "\n")
    assert loaded(table).columns.named["text"] == ("quote",)
    tabs = tmp_path / "toy.txt"
    cells = "".join(f"{e.input}\t{e.target}\n" for e in toy.examples(60))
    tabs.write_text("text\tlabel\n" + cells)
    assert load(RunOptions(data=str(tabs))).columns.target == "label"


def test_bits_per_byte_decide_and_what_has_none_is_skipped(texts, tmp_path):
    backbone = shapes.save("gpt2", tmp_path / "gpt2")
    done = tunewell.compare(
        str(texts),
        task="complete",
        methods=["majority", "last_layers", "full"],
        backbone=(str(backbone),),
        out=str(tmp_path / "run"),
        trials=1,
        full={"learning_rate": 5e-3, "epochs": 3},
        last_layers={"epochs": 1},
    )
    rows = {row["method"]: row for row in done.data["results"]}
    assert rows["majority"]["status"] == "skipped"
    score = {m: rows[m]["scores"]["bits_per_byte"] for m in ("last_layers", "full")}
    for each in score.values():
        assert 0 < each["low"] < each["value"] < each["high"]
    assert score["full"]["value"] < score["last_layers"]["value"]
    assert done.data["recommended"] == "full"
    assert rows["full"]["versus_best"]["difference"] == 0
    assert rows["last_layers"]["versus_best"]["high"] < 0
    perplexity = rows["full"]["scores"]["perplexity"]
    assert 1 < perplexity["low"] < perplexity["value"]
    trial = next((tmp_path / "run" / "trials").glob("full-0"))
    validation = read_json(trial / "result.json")["validation"]
    assert validation["bits_per_byte"] == pytest.approx(score["full"]["value"], rel=0.3)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Lower is better" in page
    assert "bits per byte" in done.table()
