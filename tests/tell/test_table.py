import io

import pytest
from fake_comparisons import (
    LADDER,
    NASTY,
    comparison,
    eight_methods,
    result,
    several_backbones,
    unfinished,
)
from rich.console import Console

from tunewell.tell.table import plain, table


def printed(value, width):
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(table(value, width=width))
    return out.getvalue()


@pytest.mark.parametrize("width", [72, 80, 100, 120, 160, 220])
def test_the_terminal_table_fits_and_names_every_method(width):
    shown = printed(eight_methods(), width)
    assert max(map(len, shown.splitlines())) <= width
    names = [line[2:].split()[0] for line in shown.splitlines() if line[:2] in ("  ", "* ")]
    for entry in LADDER:
        assert entry[0] in names
    assert "88.9 % [86.1, 91.7]" in shown
    assert "…" not in shown


def test_the_recommended_row_is_marked_without_colour():
    lines = printed(eight_methods(), 120).splitlines()
    assert [line.split()[1] for line in lines if line.startswith("* ")] == ["lora", "recommended"]


@pytest.mark.parametrize("width", [80, 220])
def test_reasons_and_notes_are_told_at_any_width(width):
    results = [result(entry) for entry in LADDER[:3]]
    results[1]["beats_majority"] = False
    results[1]["notes"] = []
    results[2]["notes"] = ["3 rows were cut"]
    results.append(unfinished("full", "failed", "The loss was NaN."))
    shown = printed(comparison(results, recommended="bag_of_words"), width)
    for told in ("no better than the majority class", "3 rows were cut", "The loss was NaN"):
        assert told in shown


def test_columns_that_do_not_fit_are_named():
    narrow, wide = printed(eight_methods(), 72), printed(eight_methods(), 220)
    assert "Not shown for want of room" in narrow
    assert "versus best" in narrow
    assert "Not shown" not in wide


def test_control_characters_and_markup_reach_no_terminal():
    results = [result(LADDER[4], name=nasty) for nasty in NASTY]
    results.append(unfinished("[red]x[/red]", "failed", "\x1b[2J boom"))
    shown = printed(comparison(results, recommended=NASTY[0], why="\x1b[31mred"), 200)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[red]x[/red]" in shown


def test_markdown_has_one_cell_a_column_whatever_the_texts():
    results = [result(LADDER[4], name=nasty) for nasty in NASTY]
    lines = plain(comparison(results, recommended=None)).splitlines()
    assert len(lines) == 2 + len(results)
    bars = [line.replace("\\|", "").count("|") for line in lines]
    assert len(set(bars)) == 1
    assert not any("<script" in line or "<img" in line for line in lines)


def test_markdown_marks_the_recommended_row():
    lines = plain(eight_methods()).splitlines()
    assert [line[:10] for line in lines if "(recommended)" in line] == ["| **lora**"]
    assert "skipped: The labels are numbers without names" in lines[4]


def test_several_backbones_get_a_column():
    shown = plain(several_backbones())
    assert "| method | backbone | accuracy |" in shown
    assert shown.count("Qwen/Qwen3-0.6B-Base") == 5
    assert "backbone" not in plain(eight_methods())


def test_nothing_finished():
    only = comparison([unfinished("lora", "failed", "Boom.")], recommended=None, why="")
    assert "failed: Boom" in plain(only)
    assert "Boom" in printed(only, 80)
