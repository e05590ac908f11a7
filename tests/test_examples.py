"""Every example file is read whole and planned as its YAML says, and a method of it runs."""

from pathlib import Path

import pytest

import shapes
import tunewell
from tunewell import kinds
from tunewell.yaml_file import read_yaml

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(path.stem for path in (ROOT / "examples").glob("*.yaml"))
TASKS = {"answer", "choose", "classify", "complete", "score", "similar", "summarise", "tag"}
TASKS |= {"fill", "translate"}


def test_each_task_has_an_example():
    given = [read_yaml(ROOT / "examples" / f"{name}.yaml") for name in FILES]
    assert {options.get("task", "classify") for options in given} >= TASKS


@pytest.fixture(scope="module")
def small_backbones(tmp_path_factory):
    """Backbones that know nothing, since no score is looked at: by what a task's answers are, or
    its head."""
    folder = tmp_path_factory.mktemp("shapes")
    encoder = shapes.save("bert", folder / "bert", words=True)
    kept = dict.fromkeys(kinds.KINDS, encoder) | {"text": shapes.save("gpt2", folder / "gpt2")}
    return kept | {"masked": encoder}


@pytest.mark.parametrize("name", FILES)
def test_an_example_is_read_planned_and_run(name, small_backbones, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    path = f"examples/{name}.yaml"
    given = read_yaml(Path(path))
    checked = tunewell.check(path)
    assert not [fault for fault in checked.faults if fault.severity == "error"]
    lines = len(Path(given["data"]).read_text(encoding="utf-8").splitlines())
    assert sum(checked.sizes.values()) == lines - given["data"].endswith(".csv") >= 60
    masked = checked.task.head == "masked"
    backbone = small_backbones["masked" if masked else checked.task.answers]
    own = {"backbone": (str(backbone),), "out": str(tmp_path / "run")}
    planned = tunewell.plan(path, **own)
    assert {row.method: row.status for row in planned} == dict.fromkeys(given["methods"], "run")
    done = tunewell.compare(path, methods=given["methods"][:1], **own)
    (row,) = done.data["results"]
    assert row["status"] == "ok" and (tmp_path / "run" / "report.html").exists()
