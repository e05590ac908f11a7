"""Every method works on every shape of model that people have, or says why it does not."""

from pathlib import Path

import pytest

import shapes

PAGE = Path(__file__).resolve().parent.parent / "docs" / "shapes.md"
NUMBER = {name: number for number, name in enumerate([*shapes.METHODS, *shapes.SHAPES])}
DIAGONAL = [cell for cell in shapes.CELLS if sum(NUMBER[name] for name in cell) % 5 == 0]


def failed(found):
    return {cell: outcome.reason for cell, outcome in found.items() if outcome.status == "failed"}


def test_a_fifth_of_the_table_has_no_failed_cell(tmp_path):
    assert {method for method, _ in DIAGONAL} == set(shapes.METHODS)
    assert {shape for _, shape in DIAGONAL} == set(shapes.SHAPES)
    found = shapes.outcomes(DIAGONAL, tmp_path)
    assert not failed(found)
    assert all(outcome.reason for outcome in found.values() if outcome.status == "skipped")


@pytest.mark.slow
def test_the_whole_table_has_no_failed_cell_and_stands_in_the_docs(tmp_path):
    found = shapes.outcomes(shapes.CELLS, tmp_path)
    assert not failed(found)
    table = [line for line in shapes.page(found).splitlines() if line.startswith(("|", "1", "2"))]
    written = PAGE.read_text(encoding="utf-8").splitlines()
    assert [line for line in table if line not in written] == []
