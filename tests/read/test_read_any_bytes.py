"""Damaged files of every kind are read or refused, never a traceback."""

from __future__ import annotations

import io
import random
import zipfile

import pytest
from forty_tables import READ

from tunewell.errors import UserError
from tunewell.read import read_rows

ENDINGS = (".csv", ".txt", ".jsonl", ".json", ".xlsx", ".parquet")
SMALL = [each for each in READ if each.name != "long_cell.csv"]


def damaged(content: bytes, draw: random.Random) -> bytes:
    """A few bytes changed, left out or put in, or the end cut off."""
    data = bytearray(content)
    for _ in range(draw.choice([1, 2, 5])):
        place = draw.randrange(len(data))
        match draw.randrange(4):
            case 0:
                data[place] = draw.randrange(256)
            case 1:
                del data[place : place + draw.choice([1, 3, 50])]
            case 2:
                data[place:place] = draw.choice([b'"', b"\n", b",", b"{", b"[", b"\0", b"\xe9"])
            case _ if draw.random() < 0.2:
                del data[place:]
    return bytes(data)


def damaged_inside(workbook: bytes, draw: random.Random) -> bytes:
    """A workbook that is a sound archive with one damaged member."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(file, "w") as new:
        chosen = draw.choice(old.namelist())
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, damaged(content, draw) if name == chosen else content)
    return file.getvalue()


@pytest.mark.parametrize("ending", ENDINGS)
def test_damaged_files(ending, tmp_path):
    draw = random.Random(0)
    tables = [each for each in SMALL if each.name.endswith(ending)]
    contents = {each.name: each.bytes for each in tables}
    refused = 0
    for _ in range(150 if ending != ".xlsx" else 60):
        each = draw.choice(tables)
        damage = draw.choice([damaged, damaged_inside]) if ending == ".xlsx" else damaged
        (tmp_path / each.name).write_bytes(damage(contents[each.name], draw))
        try:
            list(read_rows(f"{tmp_path / each.name}{each.ask}"))
        except UserError as error:
            refused += 1
            assert each.name in error.found
            assert len(str(error).splitlines()) <= 3
    assert refused
