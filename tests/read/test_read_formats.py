"""Every format gives the cells as they are, and the row numbers that a user sees."""

from __future__ import annotations

import csv
import gzip
import json
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewell.errors import DataError
from tunewell.read import read_rows

# No lone surrogates: they have no UTF-8. No NUL: it is refused, see test_read_refusals.py.
CELLS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))
WRITES_MANY_FILES = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@WRITES_MANY_FILES
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_csv_gives_back_every_string(tmp_path, rows, delimiter, quoting, encoding):
    path = tmp_path / "any.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=quoting)
        writer.writerows([("text", "label", "note"), *rows])
    read = list(read_rows(path))
    assert [tuple(cells.values()) for _, cells in read] == rows
    assert [row for row, _ in read] == list(range(2, len(rows) + 2))


@WRITES_MANY_FILES
@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), as_list=st.booleans())
def test_json_gives_back_every_string(tmp_path, rows, as_list):
    objects = [{"text": text, "label": label} for text, label in rows]
    path = tmp_path / ("any.json" if as_list else "any.jsonl")
    lines = json.dumps(objects) if as_list else "\n".join(map(json.dumps, objects))
    path.write_text(lines, encoding="utf-8")
    assert list(read_rows(path)) == list(enumerate(objects, start=1))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "A.CSV"])
def test_cells_stay_the_strings_they_are(content, end, name):
    path = content(end.join(["text,label", "NA,007", "null,1e5", " padded ,", "-,1.0"]) + end, name)
    cells = [tuple(cells.values()) for _, cells in read_rows(path)]
    assert cells == [("NA", "007"), ("null", "1e5"), (" padded ", ""), ("-", "1.0")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "text;label\na, b;1\nc, d, e;0\n"),
        ("a.txt", "text\tlabel\na, b\t1\nc; d; e\t0\n"),
        ("a.tsv", "text\tlabel\na, b\t1\nc, d\t0\n"),
        ("a.tsv", "text,label\na,1\nc,0\n"),
        ("a.csv", 'text;label\n"a; ""b""\n";1\nc;0\n'),
        ("a.csv", "text;price, EUR\na;1,50\nb;2,50\n"),
    ],
)
def test_the_delimiter_is_found_in_the_content(content, name, text):
    rows = [cells for _, cells in read_rows(content(text, name))]
    assert len(rows) == 2
    assert all(len(cells) == 2 for cells in rows)


def test_a_byte_order_mark_is_no_part_of_the_first_name(content):
    path = content(b"\xef\xbb\xbf" + "text,label\nnaïve,1\n".encode())
    assert list(read_rows(path)) == [(2, {"text": "naïve", "label": "1"})]


def test_names_of_columns_lose_the_spaces_around_them(content):
    assert list(read_rows(content("text , label\n a ,1\n"))) == [(2, {"text": " a ", "label": "1"})]


def test_rows_are_numbered_as_a_spreadsheet_does(content):
    path = content('text,label\n"one\ntwo\nthree",1\n\nfour,0\n"five\r\nsix",1\n')
    assert [(row, cells["text"]) for row, cells in read_rows(path)] == [
        (2, "one\ntwo\nthree"),
        (4, "four"),
        (5, "five\r\nsix"),
    ]


def test_a_table_of_one_column_can_be_read(content):
    path = content('text\nonly this\n\n"and, that"\n')
    assert list(read_rows(path)) == [(2, {"text": "only this"}), (4, {"text": "and, that"})]


def test_500_columns(content):
    names = ",".join(f"c{n}" for n in range(500))
    cells = ",".join(str(n) for n in range(500))
    ((row, read),) = read_rows(content(f"{names}\n{cells}\n"))
    assert (row, len(read), read["c499"]) == (2, 500, "499")


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv"])
def test_gzip_is_noticed_whatever_the_name_says(content, name):
    path = content(gzip.compress(b"text,label\na,1\n"), name)
    assert list(read_rows(path)) == [(2, {"text": "a", "label": "1"})]


def test_json_values_are_their_exact_text(content):
    path = content(
        '{"text": "a", "label": 7}\n\n{"text": null, "label": 0.50}\n'
        '{"label": true, "text": NaN}\n{"text": "007", "label": 12345678901234567890123}\n',
        "a.jsonl",
    )
    assert [(row, cells["text"], cells["label"]) for row, cells in read_rows(path)] == [
        (1, "a", "7"),
        (3, "", "0.50"),
        (4, "", "true"),
        (5, "007", "12345678901234567890123"),
    ]


@pytest.mark.parametrize("text", ['[{"a": "x"}, {"a": 2}]', ' \n[{"a": "x"},\n{"a": 2}]'])
def test_json_lists_are_numbered_from_1(content, text):
    assert list(read_rows(content(text, "a.json"))) == [(1, {"a": "x"}), (2, {"a": "2"})]


def test_json_lines_under_the_name_json(content):
    path = content('{"a": "x"}\n{"a": "y"}\n', "a.json")
    assert [cells["a"] for _, cells in read_rows(path)] == ["x", "y"]


@pytest.mark.parametrize("packed", [False, True])
def test_parquet_values_are_their_text(tmp_path, packed):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "text": pa.array(["NA", None, "naïve"], pa.large_string()),
        "whole": pa.array([7, None, 0], pa.int8()),
        "double": pa.array([0.1, None, 7.0], pa.float64()),
        "single": pa.array([0.1, float("nan"), 2.5], pa.float32()),
        "truth": pa.array([True, None, False]),
        "day": pa.array([0, 1, None], pa.date32()),
        "price": pa.array([Decimal("1.50"), None, Decimal("2.00")]),
        "kind": pa.array(["a", "b", None]).dictionary_encode(),
        "nothing": pa.nulls(3),
    }
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns), path)
    if packed:
        packed_path = tmp_path / "a.parquet.gz"
        packed_path.write_bytes(gzip.compress(path.read_bytes()))
        path = packed_path
    first, second, third = (cells for _, cells in read_rows(path))
    assert list(first.values()) == [
        "NA", "7", "0.1", "0.1", "true", "1970-01-01", "1.50", "a", "",
    ]  # fmt: skip
    assert list(second.values()) == ["", "", "", "", "", "1970-01-02", "", "b", ""]
    assert list(third.values()) == ["naïve", "0", "7.0", "2.5", "false", "", "2.00", "", ""]


def test_parquet_rows_are_numbered_through_all_pieces(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    count = 20_000
    pq.write_table(pa.table({"n": list(range(count))}), tmp_path / "a.parquet", row_group_size=777)
    rows = list(read_rows(tmp_path / "a.parquet"))
    assert [(row, int(cells["n"])) for row, cells in rows] == [(n + 1, n) for n in range(count)]


def test_an_unknown_ending_names_the_known_ones(content):
    with pytest.raises(DataError, match=r"\.ods") as caught:
        read_rows(content("x", "a.ods"))
    assert ".csv" in caught.value.expected
    assert "CSV" in caught.value.remedy
