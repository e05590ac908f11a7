"""Writes docs/shapes.md: every method on every shape of model, as just found."""

import tempfile
from pathlib import Path

from tunewell.fit.machine import quiet

quiet()

import shapes  # noqa: E402

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = shapes.outcomes(shapes.CELLS, Path(folder))
    page = Path(__file__).resolve().parent.parent / "docs" / "shapes.md"
    page.write_text(shapes.page(found), encoding="utf-8")
    for (method, shape), outcome in found.items():
        if outcome.status == "failed":
            print(f"{method} on {shape}: {outcome.reason}")
    print(page)
