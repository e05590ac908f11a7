"""The test rows that a model has answered: real rows to try a copy of it on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tunewell.values import Example, frozen


def answered_rows(model: Path) -> Iterator[Example]:
    """The rows beside a model's folder, as measuring left them there; none where there are none."""
    path = model.parent / "answers.jsonl"
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            yield Example(
                frozen(record["input"]), frozen(record["target"]), record["source"], record["row"]
            )
