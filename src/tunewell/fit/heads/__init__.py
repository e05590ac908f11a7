"""How text becomes tensors for a backbone and its output becomes answers."""

from __future__ import annotations

from typing import Any

from tunewell.contracts import Task
from tunewell.values import Backbone


def head_for(task: Task, backbone: Backbone, hidden: int | None = None) -> Any:
    """The head that carries a task on a backbone; `hidden` units make it an MLP."""
    from tunewell.fit.heads.sequence import SequenceHead

    heads = {"sequence": SequenceHead}
    return heads[task.head].for_task(task, backbone, hidden)
