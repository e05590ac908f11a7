"""Names of labels in a file that lies beside the data, such as labels.txt."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from tunewell.errors import UserError
from tunewell.read.label_names import names_in
from tunewell.read.records import Fault
from tunewell.read.words import names_listed

NAMES_OF_LABELS = tuple(
    stem + ending
    for stem in ("labels", "label_names", "classes", "class_names", "id2label", "label2id")
    for ending in (".txt", ".json")
)
"""What such a file is called, in lower case."""
SHOWN = 3


def names_beside(path: Path, labels: Collection[str]) -> tuple[dict[str, str], list[Fault]]:
    """Label -> name from the first file beside `path` that has a name for every label.

    Looked for only where there are numbers among the labels; -1 needs no name. What was used is
    told, and what does not fit.
    """
    if not any(label.isdecimal() for label in labels):
        return {}, []
    there = {entry.name.lower(): entry for entry in path.parent.iterdir() if entry.is_file()}
    faults = []
    for file in (there[name] for name in NAMES_OF_LABELS if name in there):
        try:
            names = names_in(file, labels, strict=False)
            missing = sorted(set(labels) - names.keys() - {"-1"})
            reason = f"{file} has no name for {names_listed(missing)}." if missing else ""
        except UserError as error:
            names, reason = {}, error.found
        if not reason:
            first = ", ".join(f"{label}={name}" for label, name in list(names.items())[:SHOWN])
            sentence = f"The labels have their names from {file}, which lies beside: {first}"
            sentence += ", ..." if len(names) > SHOWN else "."
            remedy = "If these are not the names, give others with --label-names."
            return names, [Fault("label_names", "note", sentence, remedy=remedy, source=str(file))]
        sentence = f"A file beside may name the labels but is not used: {reason}"
        remedy = "Give the names with --label-names."
        faults.append(Fault("label_names", "warning", sentence, remedy=remedy, source=str(file)))
    return {}, faults
