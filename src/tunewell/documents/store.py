"""Passages with their vectors on disk: one table of LanceDB, searched by vectors and by words."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from tunewell.errors import ResourceError

By = Literal["vectors", "words"]
Row = dict[str, Any]
WORDS, VECTOR = "words", "vector"
COLUMNS = ("file", "start", "end", "line", "page", "heading", WORDS)
NAMES_AT_ONCE = 500
"""Files that one condition names."""


def refuse_without_packages() -> None:
    """Refuse to go on where what reads and keeps documents is not installed.

    Raises:
        ResourceError: with what to install.
    """
    from importlib.util import find_spec

    needed = {"lancedb": "lancedb", "pypdf": "pypdf", "docx": "python-docx"}
    needed |= {"selectolax": "selectolax", "markdown_it": "markdown-it-py"}
    missing = [package for module, package in needed.items() if find_spec(module) is None]
    if missing:
        raise ResourceError(
            f"Documents need {', '.join(missing)}.",
            "",
            "Install it: `pip install 'tunewell[documents]'`.",
        )


def open_table(folder: Path, name: str, width: int | None = None) -> Any:
    """A table of a folder; made, without rows, where there is none and a width is given.

    Args:
        folder: holds the tables.
        name: of the table.
        width: numbers a vector has.
    """
    import lancedb

    base = lancedb.connect(folder)
    if width is None:
        return base.open_table(name)
    return base.create_table(name, schema=_schema(width), exist_ok=True)


def drop_others(folder: Path, name: str) -> None:
    """Remove every table but one."""
    import lancedb

    base = lancedb.connect(folder)
    for other in base.list_tables().tables:
        if other != name:
            base.drop_table(other)


def add(table: Any, rows: Sequence[Row], vectors: Any) -> None:
    """Add passages in one step, whole or not at all.

    Args:
        table: from `open_table`.
        rows: what each passage is, by column.
        vectors: a float32 tensor (rows, width) with vectors of length 1.
    """
    import pyarrow as pa

    schema = _schema(vectors.shape[1])
    columns = [pa.array([row[name] for row in rows], schema.field(name).type) for name in _NAMES]
    flat = pa.array(vectors.contiguous().numpy().reshape(-1))
    columns.append(pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]))
    table.add(pa.Table.from_arrays(columns, schema=schema))


def whole_files(table: Any) -> dict[str, str]:
    """Files all of whose passages are in the table -> SHA-256 of what they were read from."""
    there = table.search().select(["file", "sha256", "of"]).limit(table.count_rows() or 1)
    grouped = there.to_arrow().group_by(["file", "sha256", "of"]).aggregate([([], "count_all")])
    return {
        row["file"]: row["sha256"] for row in grouped.to_pylist() if row["count_all"] == row["of"]
    }


def remove(table: Any, kept: Mapping[str, str]) -> None:
    """Remove the passages of every file but those, read from the bytes of that SHA-256."""
    there = table.search().select(["file", "sha256"]).limit(table.count_rows() or 1).to_arrow()
    pairs = {
        (row["file"], row["sha256"])
        for row in there.group_by(["file", "sha256"]).aggregate([]).to_pylist()
    }
    gone = sorted(pair for pair in pairs if kept.get(pair[0]) != pair[1])
    for at in range(0, len(gone), NAMES_AT_ONCE):
        each = [
            f"(file = {_quoted(file)} AND sha256 = {_quoted(digest)})"
            for file, digest in gone[at : at + NAMES_AT_ONCE]
        ]
        table.delete(" OR ".join(each))


def settle(table: Any) -> int:
    """Make words findable and gather small pieces; the version of the table that has it all."""
    from lancedb.index import FTS

    if not table.list_indices():
        # The tokenizer that knows all languages takes "cat" for a stop word, so none is left out;
        # words that are everywhere weigh next to nothing anyway.
        how = FTS(base_tokenizer="icu/split", remove_stop_words=False)
        table.create_index(WORDS, config=how)
    before = None
    while before != table.version:  # what one pass gathers, the next takes into the search
        before = table.version
        table.optimize(cleanup_older_than=timedelta(days=3650))
    return int(table.version)


def keep_version(table: Any, version: int) -> None:
    """Protect a version of the table from being cleaned up, instead of the one before."""
    tags = table.tags
    (tags.update if "whole" in tags.list() else tags.create)("whole", version)


def forget_versions(table: Any) -> None:
    """Free the disk of everything that only earlier versions of the table hold."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that earlier versions can be read no more
        table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)


def nearest(
    table: Any, vector: Sequence[float], most: int, files: Sequence[str] | None
) -> list[Row]:
    """The passages whose vectors have the largest cosine with one, the best first.

    Every vector is looked at, so none is missed.
    """
    query = table.search(vector, vector_column_name=VECTOR).distance_type("dot")
    return _rows(query, most, files, "_distance")


def with_words(table: Any, words: str, most: int, files: Sequence[str] | None) -> list[Row]:
    """The passages with the largest BM25 for the words of a text, the best first."""
    from lancedb.query import MatchQuery

    match = MatchQuery(words, WORDS)  # type: ignore[call-arg]  # a pydantic dataclass
    query = table.search(match, query_type="fts")
    return _rows(query, most, files, "_score")


def _rows(query: Any, most: int, files: Sequence[str] | None, score: str) -> list[Row]:
    if files is not None:
        query = query.where(f"file IN ({', '.join(map(_quoted, files))})", prefilter=True)
    found: list[Row] = query.select([*COLUMNS, score]).with_row_id(True).limit(most).to_list()
    return found


_NAMES = (*COLUMNS, "sha256", "number", "of")


def _schema(width: int) -> Any:
    import pyarrow as pa

    text, number = pa.string(), pa.int32()
    kinds = dict.fromkeys(("start", "end", "line", "page", "number", "of"), number)
    fields = [pa.field(name, kinds.get(name, text)) for name in _NAMES]
    return pa.schema([*fields, pa.field(VECTOR, pa.list_(pa.float32(), width))])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
