"""The comparison as a table for the terminal and for Markdown pages."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

from tunewell.tell import text
from tunewell.tell.rows import Column, Row, columns, rows

if TYPE_CHECKING:
    from rich.table import Table

_GAP = 2
_NOTE_CHARACTERS = 30


def table(comparison: dict[str, Any], width: int | None = None) -> Table:
    """The comparison for the terminal.

    Args:
        comparison: the content of `comparison.json`.
        width: characters that a line may have; None: those of this terminal.

    The recommended row starts with `*`. Where the terminal is narrow, the least needed columns
    are left out and named below; notes stand beside the rows where they fit, else below.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    comparison = text.clean(comparison)
    width = width or shutil.get_terminal_size().columns
    lines = rows(comparison)
    shown, left_out = _fitting(columns(comparison), lines, width)
    notes_fit = _taken(shown, lines) + _GAP + _NOTE_CHARACTERS <= width
    made = Table(box=box.SIMPLE_HEAD, padding=(0, _GAP - 1, 0, 0), pad_edge=False, show_edge=False)
    for column in shown:
        made.add_column(
            column.heading.replace(" ", "\n"),
            justify="right" if column.number else "left",
            overflow="ellipsis" if column.number else "fold",
            no_wrap=column.number,
        )
    if notes_fit:
        made.add_column("note", overflow="fold")
    for line in lines:
        cells = [_cell(line, column) for column in shown] + [text.one_line(line.note)] * notes_fit
        style = "bold" if line.recommended else "dim" if line.status != "ok" else ""
        made.add_row(*(Text(cell) for cell in cells), style=style)
    made.caption = Text("\n".join(_below(comparison, lines, left_out, notes_fit)))
    made.caption_justify = "left"
    return made


def plain(comparison: dict[str, Any]) -> str:
    """The comparison as a Markdown table, the recommended row in bold."""
    comparison = text.clean(comparison)
    shown = [*columns(comparison), Column("note", "note", 0, number=False)]
    head = "| " + " | ".join(column.heading for column in shown) + " |"
    rule = "|" + "|".join("---:" if column.number else ":---" for column in shown) + "|"
    body = []
    for line in rows(comparison):
        texts = {"name": line.cells["name"], "backbone": line.backbone, "note": line.note}
        cells = line.cells | {key: markdown(value) for key, value in texts.items()}
        if line.recommended:
            cells["name"] = f"**{cells['name']}** (recommended)"
        body.append("| " + " | ".join(cells[column.key] for column in shown) + " |")
    return "\n".join([head, rule, *body]) + "\n"


def markdown(value: str) -> str:
    """A text that shows as it is in one cell of a Markdown table."""
    value = text.one_line(value).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*|~$\[\]]|(?<!\w)_|_(?!\w))", r"\\\1", value)


def _cell(line: Row, column: Column) -> str:
    cell = text.one_line(line.cells[column.key])
    if column.key == "name":
        return ("* " if line.recommended else "  ") + cell
    return cell.replace("−", "-").replace("–", "-")


def _taken(shown: list[Column], lines: list[Row]) -> int:
    """Characters that these columns need."""
    return sum(
        _GAP
        + max([*map(len, column.heading.split()), *(len(_cell(line, column)) for line in lines)])
        for column in shown
    )


def _fitting(
    wanted: list[Column], lines: list[Row], width: int
) -> tuple[list[Column], list[Column]]:
    """The columns that fit, the most needed first, and those left out."""
    shown: list[Column] = []
    for column in sorted(wanted, key=lambda column: column.priority):
        if column.priority == 0 or _taken([*shown, column], lines) - _GAP <= width:
            shown.append(column)
    return [c for c in wanted if c in shown], [c for c in wanted if c not in shown]


def _below(
    comparison: dict[str, Any], lines: list[Row], left_out: list[Column], notes_fit: bool
) -> list[str]:
    below = []
    if not notes_fit:
        below += [
            f"{line.name}{':' if line.status == 'ok' else ''} {text.one_line(line.note)}"
            for line in lines
            if line.note
        ]
    if any(line.recommended for line in lines):
        below.append("* recommended")
    if comparison.get("why"):
        below.append(text.one_line(comparison["why"]))
    if left_out:
        names = ", ".join(column.heading for column in left_out)
        below.append(f"Not shown for want of room, but in report.html: {names}.")
    return below
