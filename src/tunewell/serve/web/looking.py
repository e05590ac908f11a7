"""`check` beside the page: begun once for a file and its options, and waited for a little."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewell import registry
from tunewell.errors import UserError
from tunewell.read import read_rows
from tunewell.run import Checked
from tunewell.serve.web.asked import resolved, task_of
from tunewell.serve.web.loaded import warm_up
from tunewell.serve.web.preview import table_of

_KEPT = 32
PATIENCE_SECONDS = 4.0
"""Until a page is shown without what `check` found; it asks again by itself."""
SAID_OF_ROWS = (
    "data",
    "input",
    "target",
    "columns",
    "group",
    "validation",
    "test",
    "rows",
    "test_rows",
)
SAID_OF_ROWS += ("label_names", "task", "metric", "seed", "max_length", "backbone")


@dataclass(frozen=True)
class Looked:
    """What `check` found, and how often each answer stands in the rows."""

    checked: Checked
    answers: tuple[tuple[str, int], ...]
    """The answers with their rows, the most frequent first; none where each row has its own."""


@dataclass(frozen=True)
class Found:
    """What is known of the rows: what they hold or why they are refused; neither at first."""

    looked: Looked | None = None
    error: UserError | None = None

    @property
    def checked(self) -> Checked | None:
        """What `check` found, where it is done and did not refuse."""
        return self.looked.checked if self.looked else None

    @property
    def looking(self) -> bool:
        """Whether nothing is known yet."""
        return self.looked is None and self.error is None


@dataclass(frozen=True)
class Looker:
    """Looks at rows in a thread, one file after the other, and remembers what it found."""

    pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="check")
    )
    found: dict[str, Future[Looked]] = field(default_factory=dict)

    def look(self, values: dict[str, Any], patience: float = PATIENCE_SECONDS) -> Found:
        """What is known of the rows after so many seconds at most."""
        asked = {name: value for name, value in values.items() if _says(name)}
        key = json.dumps([asked, _stamp(Path(str(values["data"])))], sort_keys=True, default=str)
        if key not in self.found:
            while len(self.found) >= _KEPT:
                self.found.pop(next(iter(self.found))).cancel()
            self.found[key] = self.pool.submit(_check, asked)
        job = self.found[key]
        try:
            return Found(looked=job.result(timeout=patience))
        except TimeoutError:
            return Found()
        except UserError as error:
            return Found(error=error)

    def warm_up(self) -> None:
        """Import what the first look would wait for."""
        self.pool.submit(warm_up)

    def close(self) -> None:
        """Let go of what is not begun."""
        self.pool.shutdown(wait=False, cancel_futures=True)


def _says(name: str) -> bool:
    """Whether an option says what is read or asked."""
    return name in SAID_OF_ROWS or name.partition(".")[0] in registry.task_options()


def _check(values: dict[str, Any]) -> Looked:
    from tunewell import run

    checked = run.check(resolved(values).options)
    target = checked.columns.target
    if checked.task.answers == "labels":
        return Looked(checked, checked.labels)
    if task_of(values)().answers != "label" or target is None:
        return Looked(checked, ())
    counted = Counter(cells.get(target, "") for _, cells in read_rows(table_of(values)))
    return Looked(checked, tuple((a, n) for a, n in counted.most_common() if a.strip()))


def _stamp(data: Path) -> list[Any]:
    """What changes when a file does."""
    files = sorted(data.iterdir()) if data.is_dir() else [data]
    return [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.exists()]
