"""Curves handed to a tracker; and a name that is none."""

import csv

import pytest

import toy
import tunewell
from tunewell.errors import ConfigError
from tunewell.tell.track import tracked
from tunewell.values import Progress, read_json


@pytest.fixture
def table(tmp_path):
    with (tmp_path / "toy.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [(e.input, e.target) for e in toy.examples(120, 0)]
        csv.writer(file).writerows([("text", "label"), *rows])
    return tmp_path / "toy.csv"


def curves(folder):
    """Tag -> (step, value) of one TensorBoard folder, read with TensorBoard itself."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]
    }


def test_curves_of_a_trial_are_in_tensorboard(table, toy_backbone, tmp_path):
    pytest.importorskip("tensorboard")
    out = tmp_path / "run"
    tunewell.fit(
        str(table),
        "full",
        backbone=(str(toy_backbone),),
        full={"epochs": 2},
        track="tensorboard",
        out=str(out),
    )
    kept = read_json(out / "trials/full-0/result.json")
    found = curves(out / "tracking" / "full-0")
    steps = [step for step, _ in found["loss"]]
    assert steps == list(range(1, len(steps) + 1)) and len(steps) > 4
    assert found["loss"][-1][1] < found["loss"][0][1]
    best = kept["validation"][read_json(out / "comparison.json")["metric"]]
    assert found["validation"][-1][1] == pytest.approx(best)
    assert found["done"][-1] == (steps[-1], pytest.approx(1.0))


def test_without_a_tracker_nothing_is_written(tmp_path):
    with tracked(None, tmp_path, "full-0", {}) as log:
        log(Progress(0.5, None, 1.0, 1))
    assert not list(tmp_path.iterdir())


def test_a_tracker_that_is_none_is_refused_before_anything_runs(table, tmp_path):
    with pytest.raises(ConfigError, match=r"tensorbord.*\n.*tensorboard"):
        tunewell.compare(str(table), track="tensorbord", out=str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_tracker_that_is_not_installed_is_refused_with_the_remedy(table, tmp_path):
    with pytest.raises(ConfigError, match="pip install dvclive"):
        tunewell.compare(str(table), track="dvclive", out=str(tmp_path / "run"))
