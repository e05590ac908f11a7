"""Excel workbooks: each cell as Excel shows it, and what it does not show is told."""

from __future__ import annotations

import datetime
import io
import zipfile

import pytest
from table_makers import excel

from tunewell.errors import DataError
from tunewell.read import Source, load, read_rows

HEADER = ("text", "label")


def first_cells(content, value, number_format=None):
    """What a cell with this value reads as."""

    def change(sheet):
        if number_format:
            sheet["B2"].number_format = number_format

    path = content(excel({"S": [HEADER, ("a", value)]}, S=change), "a.xlsx")
    ((_, cells),) = read_rows(path)
    return cells["label"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (7.0, "7"),
        (-7.0, "-7"),
        (0.1 + 0.2, "0.3"),
        (1.5, "1.5"),
        (123456789012, "123456789012"),
        (1e21, "1e+21"),
        (True, "true"),
        ("007", "007"),
        ("NA", "NA"),
        (" padded ", " padded "),
        ("naïve 😀", "naïve 😀"),
        ("two\nlines", "two\nlines"),
        (datetime.date(2026, 2, 3), "2026-02-03"),
        (datetime.datetime(2026, 2, 3, 4, 5, 6), "2026-02-03T04:05:06"),
        (datetime.time(4, 5), "04:05:00"),
        (datetime.timedelta(hours=30), "1 day, 6:00:00"),
    ],
)
def test_cells(content, value, text):
    assert first_cells(content, value) == text


def test_numbers_that_are_filled_up_with_zeros(content):
    assert first_cells(content, 7, "000") == "007"
    assert first_cells(content, 1234, "000") == "1234"
    assert first_cells(content, 7, "0.00") == "7"


def test_rows_are_numbered_as_excel_does(content):
    rows = [(), HEADER, ("a", "1"), (None, None), (" ",), ("b", None), (None, "2")]
    found = list(read_rows(content(excel({"S": rows}), "a.xlsx")))
    assert found == [
        (3, {"text": "a", "label": "1"}),
        (6, {"text": "b", "label": ""}),
        (7, {"text": "", "label": "2"}),
    ]


def test_cells_beside_the_table_are_told(content):
    far = [*[("a", "1")] * 300, ("b", "2", None, None, "a note")]
    told = []
    path = content(excel({"S": [HEADER, ("a", "1", "a remark"), *far]}), "a.xlsx")
    rows = list(read_rows(path, told.append))
    assert rows[0][1]["column_3"] == "a remark" and rows[-1][1]["column_5"] == "a note"
    (fault,) = told
    assert (fault.kind, fault.rows, fault.count) == ("unnamed_columns", (2, 303), 2)
    assert "'column_3', 'column_5'" in fault.sentence


def test_a_table_that_begins_further_right_and_down(content):
    rows = [(), (), ("", "", *HEADER), ("", "", "a", "1")]
    told = []
    found = list(read_rows(content(excel({"S": rows}), "a.xlsx"), told.append))
    assert found[0] == (4, {"column_1": "", "column_2": "", "text": "a", "label": "1"})
    assert told == []


def test_a_title_above_the_names_is_refused(content):
    rows = [("Reviews of May",), ("text", "label", "who"), ("a", "1", "x")]
    with pytest.raises(DataError, match=r"row 1 looks like a title"):
        list(read_rows(content(excel({"S": rows}), "a.xlsx")))


def test_a_hidden_sheet_is_read_only_if_it_is_named(content):
    def hide(sheet):
        sheet.sheet_state = "hidden"

    path = content(
        excel({"List": [("x",), ("y",)], "S": [HEADER, ("a", "1")]}, List=hide), "a.xlsx"
    )
    assert [cells for _, cells in read_rows(path)] == [{"text": "a", "label": "1"}]
    assert [cells for _, cells in read_rows(f"{path}#List")] == [{"x": "y"}]


def test_the_size_that_a_file_claims_is_not_believed(content, tmp_path):
    file = io.BytesIO()
    right = excel({"S": [HEADER, ("a", "1"), ("b", "2")]})
    with zipfile.ZipFile(io.BytesIO(right)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'ref="A1:B3"', b'ref="A1"'))
    assert len(list(read_rows(content(file.getvalue(), "a.xlsx")))) == 2


def test_a_workbook_that_unpacks_without_end_is_refused(content):
    file = io.BytesIO(excel({"S": [HEADER, ("a", "1")]}))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("xl/more.xml", "<x/>")
        archive.getinfo("xl/worksheets/sheet1.xml").file_size = 2 << 30
    with pytest.raises(DataError, match="more than 1 GB once unpacked"):
        list(read_rows(content(file.getvalue(), "a.xlsx")))


def test_sheets_called_as_parts_are_the_parts(content):
    rows = [HEADER, *((f"text {n}", "ab"[n % 2]) for n in range(20))]
    sheets = {"Training data": rows, "Validation": rows[:5], "Test": rows[:7], "Notes": [("x",)]}
    data = load(Source(str(content(excel(sheets), "a.xlsx"))))
    assert data.sizes == {"train": 20, "validation": 4, "test": 6}
    assert data.leaked == tuple(range(6))
    assert data.test[0].place.endswith("a.xlsx#Test, row 2")
