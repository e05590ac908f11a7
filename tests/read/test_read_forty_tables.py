"""Every table as people have them is read right or refused with its place; none in silence."""

from __future__ import annotations

import pytest
from forty_tables import READ, REFUSED
from table_makers import Table, written

from tunewell.cli import main
from tunewell.errors import UserError
from tunewell.read import Source, load

NAMES = [each.name for each in (*READ, *REFUSED)]


def test_there_are_forty_of_each():
    assert len(READ) >= 40 and len(REFUSED) >= 40
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("each", READ, ids=lambda each: each.name)
def test_is_read_right(each: Table, tmp_path):
    data = load(Source(written(each, tmp_path), **each.options))
    found = [(e.row, e.input, e.target) for part in data.parts.values() for e in part]
    numbers = each.numbers or range(2, len(each.rows) + 2)
    expected = [(row, *pair) for row, pair in zip(numbers, each.rows, strict=True)]
    assert sorted(found) == sorted(expected)
    assert {part: data.sizes[part] for part in each.parts} == each.parts
    assert data.label_names == each.label_names
    told = "\n".join(f"{fault.sentence} {fault.remedy}" for fault in data.faults)
    for word in each.words:
        assert word in told
    usual = {"columns", "split"}
    assert bool({fault.kind for fault in data.faults} - usual) == bool(each.words), told


@pytest.mark.parametrize("each", REFUSED, ids=lambda each: each.name)
def test_is_refused_with_its_place(each: Table, tmp_path):
    named = written(each, tmp_path)
    with pytest.raises(UserError) as caught:
        load(Source(named, **each.options))
    message = str(caught.value)
    assert each.name in message
    assert 2 <= len(message.splitlines()) <= 3 or "empty" in message or "cut short" in message
    for word in each.words:
        assert word in message


@pytest.mark.parametrize("each", [*READ, *REFUSED], ids=lambda each: each.name)
def test_the_command_line_answers_without_a_traceback(each: Table, tmp_path, capsys):
    named = written(each, tmp_path)
    given = [word for name, value in each.options.items() for word in (f"--{name}", value)]
    # Lengths are told in words where the backbone is missing, which takes no seconds to load.
    status = main(["check", named, *given, "--backbone", str(tmp_path / "none")])
    out, err = capsys.readouterr()
    assert status == (0 if each in READ else 2), err
    assert "Traceback" not in out + err
    for word in each.words:
        assert word in out + err
