"""Files that come in: copied in pieces into a run's own folder, under names that we make."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile

from tunewell.errors import DataError
from tunewell.read.formats import formats, suffix_of
from tunewell.serve.web.asked import write_asked
from tunewell.serve.web.shelf import Kept, Missing, examples, new_run, plain_name

_PIECE = 1 << 20


def take_files(home: Path, files: Sequence[UploadFile]) -> Kept:
    """A new run with these files as its data: one table, or train, validation and test."""
    given = [file for file in files if file.filename]
    if not given:
        raise DataError(
            "No file was chosen.", "", "Choose a file with your rows, or take the example."
        )
    names = [plain_name(file.filename or "") for file in given]
    for name in names:
        refuse_unknown(name)
    twice = [name for number, name in enumerate(names) if name in names[:number]]
    if twice:
        raise DataError(
            f"Two of the files would both be kept as {twice[0]}.",
            "Names that differ in their letters and digits are expected.",
            "Rename one of them, and choose the files again.",
        )
    kept = new_run(home, names[0] if len(names) == 1 else "tables")
    for name, file in zip(names, given, strict=True):
        copy_in(file, kept.rows / name)
    data = kept.rows / names[0] if len(names) == 1 else kept.rows
    write_asked(kept, begun(kept, data))
    return kept


def take_example(home: Path, name: str) -> Kept:
    """A new run with a copy of one of the examples."""
    found = examples()
    if name not in found:
        raise Missing(f"There is no example called {name!r}.")
    shown = found[name]
    kept = new_run(home, shown.path.name)
    data = kept.rows / shown.path.name
    shutil.copyfile(shown.path, data)
    write_asked(kept, {**begun(kept, data), **shown.asked})
    return kept


def take_again(home: Path, old: Kept, values: dict[str, Any]) -> Kept:
    """A new run on the same rows with the same options, to be changed before it is started."""
    kept = new_run(home, old.name)
    data = Path(str(values["data"]))
    if old.rows.is_dir() and data.is_relative_to(old.rows):
        shutil.copytree(old.rows, kept.rows, dirs_exist_ok=True)
        values = {**values, "data": str(kept.rows / data.relative_to(old.rows))}
    write_asked(kept, {**values, "out": str(kept.folder)})
    return kept


def begun(kept: Kept, data: Path) -> dict[str, Any]:
    """The options that every run of the page has from the start."""
    return {"data": str(data), "budget": "10m", "out": str(kept.folder)}


def copy_in(file: UploadFile, path: Path) -> None:
    """Write an upload to a path of ours, a piece at a time."""
    with path.open("wb") as out:
        shutil.copyfileobj(file.file, out, _PIECE)


def refuse_unknown(name: str) -> None:
    """A DataError for a file that cannot be a table, before it is kept."""
    if suffix_of(Path(name)) not in formats():
        raise DataError(
            f"{name} is not a table that can be read.",
            f"Files end in {', '.join(sorted(formats()))}, each also with .gz.",
            "In a spreadsheet, save the table as CSV or Excel and choose that file.",
        )
