"""A page on an empty folder, and a table of a hundred rows."""

from pathlib import Path

import pytest
from visitors import ended, visitor, write_table

from tunewell.serve.web import jobs
from tunewell.serve.web.app import WebOptions
from tunewell.serve.web.shelf import all_kept


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Where the page of a test keeps its runs; no process outlives the test."""
    monkeypatch.chdir(tmp_path)
    yield Path("runs")
    for kept in all_kept(Path("runs")):
        for kind in ("costs", "compare"):
            jobs.stop(kept, kind)
            ended(kept, kind)


@pytest.fixture
def page(home):
    """The page as a visitor on this computer sees it."""
    with visitor(WebOptions(home=home)) as client:
        yield client


@pytest.fixture
def table(tmp_path):
    """Made-up messages with a topic, a customer each, and nothing wrong with them."""
    return write_table(tmp_path / "messages.csv", rows=120)


@pytest.fixture
def begun(page, table):
    """The page with a run begun from the table, and the name of the run."""
    with table.open("rb") as file:
        answer = page.post("/files", files={"files": (table.name, file)})
    assert answer.status_code == 200
    return page, "messages"
