"""Writes the docs pages of all methods: `python -m tunewell.tell.docs docs/methods`."""

from __future__ import annotations

import sys
from pathlib import Path

from tunewell import registry
from tunewell.tell.pages import index_page, method_page


def write_pages(folder: Path) -> list[Path]:
    """A page a method and their list, `README.md`; returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    methods = registry.methods()
    pages = {"README": index_page(methods.values())}
    pages |= {name: method_page(cls) for name, cls in methods.items()}
    written = []
    for name, page in pages.items():
        path = folder / f"{name}.md"
        path.write_text(page, encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    for path in write_pages(Path(sys.argv[1])):
        print(path)
