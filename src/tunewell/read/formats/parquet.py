"""Parquet, a piece at a time, with the names of labels that `datasets` writes into its schema."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewell.errors import DataError
from tunewell.read.cells import Nested, plain
from tunewell.read.headers import name_columns
from tunewell.read.irregular import tell_alike, tell_unnamed
from tunewell.read.opening import open_bytes, whole_file
from tunewell.read.records import Rows, Tell
from tunewell.read.text import odd_character, odd_character_error
from tunewell.read.words import shown

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

SUFFIXES = (".parquet", ".pq")
ROWS_AT_ONCE = 8192


def rows(path: Path, tell: Tell) -> Rows:
    """The rows, numbered from 1."""
    import pyarrow

    file = _open(path)
    header = name_columns(path, [name.strip() for name in file.schema_arrow.names])
    tell_alike(path, header.alike, tell)
    tell_unnamed(path, header.unnamed, (), 0, tell)
    names = header.names
    if not file.metadata.num_rows:
        raise DataError(f"{path} has no rows.", "At least one row was expected.")
    row = 0
    try:
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
            columns = [
                _texts(path, row, name, array)
                for name, array in zip(names, batch.columns, strict=True)
            ]
            for cells in zip(*columns, strict=True):
                row += 1
                yield row, dict(zip(names, cells, strict=True))
    except (pyarrow.ArrowException, OSError) as error:
        raise _damaged(path) from error


def label_names(path: Path, column: str) -> dict[str, str]:
    """Number to name, where the schema holds a `ClassLabel` of `datasets` for the column."""
    stored = (_open(path).schema_arrow.metadata or {}).get(b"huggingface")
    try:
        features = json.loads(stored or b"{}")["info"]["features"]
        return {str(number): name for number, name in enumerate(features[column]["names"])}
    except (KeyError, TypeError, ValueError):
        return {}


def _open(path: Path) -> pyarrow.parquet.ParquetFile:
    import pyarrow
    import pyarrow.parquet

    with open_bytes(path) as raw, whole_file(path):
        unpacked = None if isinstance(raw, io.BufferedReader) else io.BytesIO(raw.read())
    try:
        return pyarrow.parquet.ParquetFile(unpacked or path)
    except (pyarrow.ArrowException, OSError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> DataError:
    return DataError(
        f"{path} is no Parquet file, or it is damaged or cut short.",
        remedy="Copy or write it again, or give the file the ending that fits.",
    )


def _texts(path: Path, before: int, name: str, array: Any) -> list[str]:
    """A column of one piece as texts; `before` rows came earlier."""
    import pyarrow
    from pyarrow import types

    if types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    if types.is_boolean(kind):
        return ["" if v is None else "true" if v else "false" for v in array.to_pylist()]
    if types.is_floating(kind):
        numbers = array.to_numpy(zero_copy_only=False)
        return ["" if number != number else str(number) for number in numbers]
    dated = types.is_date(kind) or types.is_time(kind) or types.is_timestamp(kind)
    if dated or types.is_decimal(kind) or types.is_integer(kind):
        return ["" if v is None else v for v in array.cast(pyarrow.string()).to_pylist()]
    if types.is_null(kind):
        return [""] * len(array)
    if not (types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)):
        return ["" if v is None else Nested(f"of type {kind}", plain(v)) for v in array.to_pylist()]
    try:
        texts = ["" if v is None else v for v in array.to_pylist()]
    except UnicodeDecodeError as error:
        raise DataError(f"{path}, column {shown(name)}: this is not UTF-8 text.") from error
    for row, text in enumerate(texts, start=before + 1):
        if what := odd_character(text):
            raise odd_character_error(f"{path}, row {row}, column {shown(name)}", what)
    return texts
