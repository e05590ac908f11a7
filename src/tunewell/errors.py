"""What a user can mend, told in at most three lines: what was found, where, what to do."""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Iterable


class UserError(Exception):
    """A mistake that a user can mend; shown without a traceback.

    Args:
        found: what was found and where (file, row, column).
        expected: what was expected instead; may be empty.
        remedy: what to do about it; may be empty.

    `exit_status` is what a command ends with.
    """

    exit_status = 2

    def __init__(self, found: str, expected: str = "", remedy: str = "") -> None:
        super().__init__("\n".join(part for part in (found, expected, remedy) if part))
        self.found, self.expected, self.remedy = found, expected, remedy


class DataError(UserError):
    """The rows cannot be used as they are.

    `column` is a task's own name of the column that is wrong, where `Task.read` raises it:
    reading then tells what the user's column is called.
    """

    def __init__(
        self, found: str, expected: str = "", remedy: str = "", *, column: str = ""
    ) -> None:
        super().__init__(found, expected, remedy)
        self.column = column


class EmptyCell(DataError):
    """A row lacks something in `column`: it is left out and told, and the others go on."""


class ConfigError(UserError):
    """An option, a name or a combination of them is wrong."""


class ResourceError(UserError):
    """A backbone, a package, memory or disk space is missing."""


class DiskFull(ResourceError):
    """There is no room for what must be written; nothing half-made was left. Exit status 4."""

    exit_status = 4


def is_disk_full(error: BaseException) -> bool:
    """Whether a write ended at the end of a disk or quota; safetensors says so in text only."""
    found = re.search(r"os error (\d+)", str(error))
    number = error.errno if isinstance(error, OSError) else int(found[1]) if found else None
    return number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class TrainingDiverged(Exception):
    """Loss or gradients stopped being finite; the last good weights were kept. Exit status 3."""

    exit_status = 3


class NotApplicable(Exception):
    """A method cannot run here; its row in the comparison is `skipped` with this reason."""


class Probed(Exception):
    """Raised by a fit that was asked only to measure itself (`Job.probe`).

    Args:
        fixed_seconds: what it takes whatever the number of rows (loading, building).
        seconds: what the rows of the job would take, without what is shared.
        answer_seconds: what one answer takes, in batches.
        once_seconds: what the rows would take once for all trials of the method.
        once_fixed_seconds: the same of what does not grow with the rows, such as documents.
        answers_after: whether validation rows are answered after the fit, and so not in `seconds`.
    """

    def __init__(
        self,
        fixed_seconds: float,
        seconds: float,
        answer_seconds: float = 0.0,
        once_seconds: float = 0.0,
        once_fixed_seconds: float = 0.0,
        answers_after: bool = False,
    ) -> None:
        super().__init__(f"{fixed_seconds:.2f} s + {seconds:.2f} s")
        self.fixed_seconds, self.seconds = fixed_seconds, seconds
        self.answer_seconds, self.once_seconds = answer_seconds, once_seconds
        self.once_fixed_seconds, self.answers_after = once_fixed_seconds, answers_after


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The nearest known name as a question, else the list of all names."""
    names = sorted(names)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names)}."
