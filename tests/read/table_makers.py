"""Makes the files of the forty tables: CSV, workbooks, JSON, Parquet."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """A file, what is in it, and what is told."""

    name: str
    content: bytes | Callable[[], bytes]
    rows: Pairs | None = None
    """Text and label of every row that is used; None where the file is refused."""
    numbers: Sequence[int] = ()
    """Their row numbers; not given: from 2, as below a header."""
    words: tuple[str, ...] = ()
    """What a note or the refusal says."""
    options: dict[str, str] = field(default_factory=dict)
    ask: str = ""
    """What the user names, where it is not the file: `#Sheet2` after its name."""
    beside: dict[str, bytes] = field(default_factory=dict)
    """Other files in the folder."""
    parts: dict[str, int] = field(default_factory=dict)
    """Sizes of the parts, where the file says them."""
    label_names: dict[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> bytes:
        """The content of the file."""
        return self.content if isinstance(self.content, bytes) else self.content()


def table(
    rows: Sequence[Sequence[str]],
    header: Sequence[str] = ("text", "label"),
    delimiter: str = ",",
    end: str = "\n",
) -> str:
    """Rows as CSV."""
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator=end).writerows([header, *rows])
    return file.getvalue()


def excel(sheets: dict[str, Sequence[Sequence[Any]]], **changes: Callable[[Any], None]) -> bytes:
    """A workbook with these sheets; `changes` are done to the sheets they name."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        changes.get(name, lambda each: None)(sheet)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def computed(workbook: bytes, values: dict[str, str]) -> bytes:
    """The workbook with values stored for its formulas, as Excel does."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            for cell, value in values.items():
                pattern = rf'<c r="{cell}"([^>]*)><f>([^<]*)</f><v ?/?>(</v>)?</c>'
                text = re.sub(pattern, rf'<c r="{cell}" t="str"><f>\2</f><v>{value}</v></c>', text)
            new.writestr(name, text)
    return file.getvalue()


def parquet(columns: dict[str, list[Any]], features: dict[str, Any]) -> bytes:
    """A Parquet file with the schema that `datasets` writes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stored = {"huggingface": json.dumps({"info": {"features": features}})}
    file = io.BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata(stored), file)
    return file.getvalue()


def objects(rows: Pairs) -> list[dict[str, str]]:
    """Rows as JSON objects."""
    return [{"text": text, "label": label} for text, label in rows]


def dumped(value: Any, **options: Any) -> bytes:
    """JSON as UTF-8."""
    return json.dumps(value, ensure_ascii=False, **options).encode()


def written(each: Table, folder: Path) -> str:
    """Write the file and those beside it; what the user names."""
    for name, content in {each.name: each.bytes, **each.beside}.items():
        (folder / name).write_bytes(content)
    return str(folder / (each.name + each.ask))
