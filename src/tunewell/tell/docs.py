"""Writes the docs pages of all methods and tasks: `python -m tunewell.tell.docs docs`."""

from __future__ import annotations

import sys
from pathlib import Path

from tunewell import registry
from tunewell.tell.pages import index_page, method_page
from tunewell.tell.task_pages import task_index, task_page


def write_pages(folder: Path) -> list[Path]:
    """A page a method and a task, in a folder each with their list; returns what was written."""
    methods, tasks = registry.methods(), registry.tasks()
    pages = {"methods/README": index_page(methods.values())}
    pages |= {f"methods/{name}": method_page(cls) for name, cls in methods.items()}
    pages |= {"tasks/README": task_index(tasks.values())}
    pages |= {f"tasks/{name}": task_page(cls) for name, cls in tasks.items()}
    written = []
    for name, page in pages.items():
        path = folder / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    for path in write_pages(Path(sys.argv[1])):
        print(path)
