"""JSON of every shape is read piece by piece, with the line of what is wrong."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewell.errors import DataError
from tunewell.read import Source, load, read_rows

CELLS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=9)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.one_of(CELLS, st.integers(), FLOATS, st.booleans(), st.none())
NAMES = st.text("abcdefg 0é", min_size=1, max_size=3)
ROWS = st.lists(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), min_size=1, max_size=9)


def as_text(value) -> str:
    """A cell as the table has it."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, indent=st.sampled_from([None, 0, 2]), ascii=st.booleans(), nested=st.booleans())
def test_a_list_is_read_as_it_was_written(tmp_path, rows, indent, ascii, nested):
    path = tmp_path / "any.json"
    value = {"count": len(rows), "data": rows, "more": [1]} if nested else rows
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=ascii), encoding="utf-8")
    expected = [{name: as_text(cell) for name, cell in row.items()} for row in rows]
    assert list(read_rows(path)) == list(enumerate(expected, start=1))


@pytest.fixture(scope="module")
def long_list(tmp_path_factory):
    """A list of sixteen megabytes in one line, with escapes and numbers at every place."""
    rows = [{"text": f"né\\{n} " * (n % 50), "label": n * 1.5, "n": n} for n in range(40_000)]
    path = tmp_path_factory.mktemp("long") / "long.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path, rows


def test_a_long_list_is_whole_however_it_is_cut_into_pieces(long_list):
    path, rows = long_list
    read = 0
    for (number, cells), row in zip(read_rows(path), rows, strict=True):
        assert cells == {"text": row["text"], "label": str(row["label"]), "n": str(row["n"])}
        read = number
    assert read == len(rows)


def test_a_long_list_is_never_held_as_a_whole(long_list):
    path, _ = long_list
    assert path.stat().st_size > 16_000_000
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_rows(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 40_000
    assert peak < 5_000_000


def test_a_mistake_far_inside_has_its_line(tmp_path):
    rows = [json.dumps({"text": f"text {n} " * 20, "label": n % 2}) for n in range(20_000)]
    rows[15_000] = rows[15_000].replace('"label"', "label")
    (tmp_path / "a.json").write_text("[\n" + ",\n".join(rows) + "\n]")
    character = rows[15_000].index("label") + 1
    with pytest.raises(DataError, match=f"line 15002, character {character}: not valid JSON"):
        list(read_rows(tmp_path / "a.json"))
    (tmp_path / "b.json").write_text("[" + ",".join(rows) + "]")
    place = 1 + sum(len(row) + 1 for row in rows[:15_000]) + character
    with pytest.raises(DataError, match=f"line 1, character {place}: not valid JSON"):
        list(read_rows(tmp_path / "b.json"))


def test_parts_can_be_named_one_by_one(tmp_path):
    rows = [{"text": f"text {n}", "label": "ab"[n % 2]} for n in range(40)]
    other = [{"text": f"other {n}", "label": "ab"[n % 2]} for n in range(6)]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"may": rows, "june": other}))
    data = load(Source(f"{path}#may", test=f"{path}#june"))
    assert data.sizes == {"train": 32, "validation": 8, "test": 6}
    assert data.test[0].place == f"{path}#june, row 1"
    path.write_text(json.dumps({"train": rows, "test": other, "notes": [{"by": "me"}]}))
    assert load(Source(str(path))).sizes == {"train": 32, "validation": 8, "test": 6}
    assert load(Source(str(path), validation=f"{path}#test")).sizes["validation"] == 6


def test_a_file_whose_name_has_a_number_sign(tmp_path):
    path = tmp_path / "a#b.csv"
    path.write_text("text\nhello\n")
    assert [cells["text"] for _, cells in read_rows(path)] == ["hello"]
