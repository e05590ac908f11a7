"""What cannot be read as it stands is refused with its place and a remedy, in three lines."""

from __future__ import annotations

import gzip
import random

import pytest

from tunewell.errors import DataError
from tunewell.read import Source, load, read_rows


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        list(read_rows(path))
    message = str(caught.value)
    assert 1 <= len(message.splitlines()) <= 3
    assert str(path) in message
    return message


GOOD = "".join(f'"text {n}",{n % 2}\n' for n in range(5))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("text,label\na,1\nb,1,2\n", ["row 3", "3 cells", "header has 2", "'2'", "comma"]),
        ("text;label\na;1\nb\n", ["row 3", "1 cell", "'label'", "semicolon"]),
        ("text,label\na,1\n\nb\n", ["row 4", "1 cell"]),
        (f'text,label\n{GOOD}"open,1\nfine,0\n', ["row 7", "'text'", "never closed"]),
        (f'text,label\nfine,"open\n{GOOD}', ["row 2", "'label'", "'t'"]),
        (f'text,label\n{GOOD}"open,1\n{GOOD}', ["row 7", "'text'", "closing quote"]),
        ('text,label\n"a "b" c",1\n', ["row 2", "'text'", "'b'", "written twice"]),
        ("text,label\na,1\nb\0c,0\n", ["row 3", "'text'", "NUL"]),
        ('text,label\n"a\n\nb",1\nc,"d\n\0"\n', ["row 3", "'label'", "NUL"]),
        ("text,,column_2\na,1,2\n", ["row 1", "'column_2'", "Rename one"]),
        ("text,label\n", ["no rows"]),
        ("text,label\n\n\n", ["no rows"]),
        ("a fine film,positive\nawful,negative\nI liked it,positive\n", ["row 1", "'positive'"]),
        ("a fine film,1\nawful,0\n", ["row 1", "'1' is a number"]),
        ("I did not like this film at all;bad\nfine;good\n", ["row 1", "is a text"]),
    ],
)
def test_csv(content, text, parts):
    message = refusal(content(text))
    for part in parts:
        assert part in message


@pytest.mark.parametrize("header", ["text,spam", "spam,message", "spam,airline_sentiment"])
def test_beside_a_usual_name_a_name_may_recur_below(content, header):
    assert len(list(read_rows(content(f"{header}\nspam,spam\nham,ham\n")))) == 2


@pytest.mark.parametrize("what", [b"", b"\n\n \n", b"\xef\xbb\xbf", b"\n" * 5000])
def test_empty_files(content, what):
    for name in ("a.csv", "a.jsonl", "a.json"):
        message = refusal(content(what, name))
        assert "empty" in message or "no rows" in message


@pytest.mark.parametrize(
    ("what", "name"),
    [
        (b"PK\x03\x04" + bytes(100), "Excel"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "picture"),
        (bytes(range(256)) * 20, "binary"),
    ],
)
def test_files_that_are_no_text(content, what, name):
    message = refusal(content(what))
    assert name in message
    assert "UTF-8" in message


@pytest.mark.parametrize(
    ("name", "place"),
    [("a.csv", "row 4"), ("a.jsonl", "row 4"), ("a.json", "row 3")],
)
def test_bytes_that_are_not_utf8(content, name, place):
    lines = {
        "a.csv": ["text,label", '"two\nlines, é",1', "", "caf\xe9,0"],
        "a.jsonl": ['{"text": "é"}', '{"text": "b"}', "", '{"text": "caf\xe9"}'],
        "a.json": ["[", '{"text": "é"},', '{"text": "b"},', '{"text": "caf\xe9"}]'],
    }[name]
    what = "\n".join(lines[:3]).encode() + b"\n" + lines[3].encode("latin-1") + b"\n"
    message = refusal(content(what, name))
    assert f"{place}, column 'text'" in message
    assert "0xE9" in message
    assert "Save it as UTF-8" in message


@pytest.mark.parametrize(
    ("name", "text", "parts"),
    [
        ("a.jsonl", '{"text": "a"}\n{"text": "b"\n', ["line 2", "JSON"]),
        ("a.jsonl", '{"text": "a"}\n["b"]\n', ["row 2", "no object"]),
        ("a.json", '[{"text": "a"}, 3]', ["row 2", "no object"]),
        ("a.json", '[{"text": "a"},\n {"text" "b"}]', ["line 2", "character 10"]),
        ("a.json", '{\n"text": "a",\n"label" "b"\n}', ["line 3", "character 9", "':'"]),
        ("a.json", '{"a": 1}\n\n[2]', ["row 3", "no object"]),
        ("a.json", '{\n"a": 1}\n\n[2]', ["line 4", "more follows"]),
        ("a.json", "hello", ["line 1", "character 1"]),
        ("a.json", "[]", ["no rows"]),
        ("a.jsonl", '{"text": "a", "text": "b"}\n', ["line 1", "'text' stands twice"]),
        ("a.jsonl", '{"text": "\\ud800"}\n', ["row 1", "'text'", "half of a character"]),
        ("a.jsonl", '{"a":' * 100_000, ["line 1", "objects inside objects"]),
    ],
)
def test_json(content, name, text, parts):
    message = refusal(content(text, name))
    for part in parts:
        assert part in message


def test_a_gzip_file_cut_short(content):
    whole = gzip.compress(
        b"text,label\n" + random.Random(0).randbytes(40_000).hex().encode() + b",1\n"
    )
    assert "damaged or cut short" in refusal(content(whole[:-2000], "a.csv.gz"))


def test_parquet_that_is_none(content):
    assert "Parquet" in refusal(content(b"text,label\na,1\n", "a.parquet"))
    assert "Parquet" in refusal(content(b"PAR1" + bytes(100) + b"PAR1", "a.parquet"))


def test_a_missing_file_names_the_nearest(content):
    path = content("text,label\na,1\n", "Reviews.csv")
    with pytest.raises(DataError, match=r"Did you mean .*Reviews\.csv"):
        read_rows(path.with_name("review.csv"))
    with pytest.raises(DataError, match=r"In that folder: 'Reviews\.csv'"):
        load(Source(str(path.with_name("zzz.parquet"))))
    with pytest.raises(DataError, match=r"folder .* does not exist"):
        load(Source(str(path.parent / "no" / "reviews.csv")))


def test_rows_that_a_stray_quote_swallowed(table, content):
    rows = "".join(f"text {n},{n % 2}\n" for n in range(20))
    path = content(f'text,label\n{rows}"a bad one,0\nfine,1\nof 5",1\n')
    with pytest.raises(DataError, match="row 22: one cell holds 3 lines"):
        load(Source(str(path)))


def test_a_table_with_tabs_and_no_quotes_around_cells_is_read_as_it_stands(content):
    """GLUE's files are so: a quote may open a sentence and never close."""
    rows = [(f"text {n}", str(n % 2)) for n in range(20)]
    rows[3] = ('"an opening quote, and no end', "1")
    rows[9] = ('he said "yes" twice', "1")
    rows[15] = ('"whole"', "1")
    path = content("text\tlabel\n" + "".join(f"{a}\t{b}\n" for a, b in rows), "dev.tsv")
    data = load(Source(str(path)))
    found = {e.input for part in data.parts.values() for e in part}
    assert found == {a for a, _ in rows}
    assert any("part of the texts" in fault.sentence for fault in data.faults)


def test_quotes_around_cells_with_tabs_stay_quotes(content):
    rows = "".join(f"text {n}\t{n % 2}\n" for n in range(20))
    path = content(f'text\tlabel\n"two\nlines"\t1\n"a ""word"""\t0\n{rows}', "dev.tsv")
    found = {e.input for part in load(Source(str(path))).parts.values() for e in part}
    assert {"two\nlines", 'a "word"'} <= found


@pytest.mark.parametrize("column", ["text", "label"])
def test_lists_in_a_chosen_column(content, column):
    other = {"text": "label", "label": "text"}[column]
    good = "".join(f'{{"text": "t {n}", "label": "{n % 2}", "more": [1]}}\n' for n in range(20))
    path = content(good + f'{{"{column}": [1], "{other}": "1"}}\n', "a.jsonl")
    with pytest.raises(DataError, match=f"row 21, column '{column}': this is a list"):
        load(Source(str(path)))


def test_lists_in_a_parquet_column(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [["a"], ["b"]] * 9, "label": [0, 1] * 9}), path)
    with pytest.raises(DataError, match="row 1, column 'text': this is of type list"):
        load(Source(str(path)))
