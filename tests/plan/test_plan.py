"""What a fit would cost, and how a budget is shared out."""

from dataclasses import replace

import pytest

import toy
from tunewell import registry
from tunewell.contracts import Job
from tunewell.fit.backbones import resolve
from tunewell.fit.batches import probe_batches
from tunewell.plan.choose import Planned, choose, total_seconds
from tunewell.plan.probe import Estimate, estimate
from tunewell.values import Machine

FEW, MANY = toy.examples(300), toy.examples(6000)


def job(rows, backbone=None):
    task = registry.task("classify").from_examples(rows)
    return Job(task, rows, toy.examples(100, seed=1), backbone, Machine(threads=1))


@pytest.mark.parametrize("name", ["zero_shot", "few_shot", "features", "head", "full"])
def test_what_is_measured_once_is_not_multiplied_by_the_rows(toy_backbone, name):
    backbone = resolve(str(toy_backbone))
    method = registry.methods()[name]()
    few, many = (estimate(method, job(rows, backbone)) for rows in (FEW, MANY))
    assert few.seconds > 0 and few.peak_bytes > 0 and few.answer_seconds > 0
    # Twenty times the rows: the work grows, but by no more than that and the noise of a clock.
    assert many.seconds < 200 * few.seconds
    if name == "zero_shot":
        assert many.seconds < 5, "it looks at no training row"
    if name in ("few_shot", "features", "head"):
        assert many.shared_seconds > few.shared_seconds > 0


def test_a_probe_trains_nothing_and_writes_nothing(toy_backbone, tmp_path):
    given = replace(job(FEW, resolve(str(toy_backbone))), folder=tmp_path, cache=tmp_path)
    for name in ("features", "head", "full"):
        estimate(registry.methods()[name](), given)
    assert list(tmp_path.iterdir()) == []


def row(name, seconds, shared=0.0, trials=3, peak=0, backbone="b"):
    made = Planned(method=name, backbone=backbone, options={}, trials=trials)
    return replace(made, estimate=Estimate(seconds, shared, 0.0, peak))


def test_everyone_gets_a_trial_before_anyone_gets_a_second():
    rows = choose([row("dear", 100), row("cheap", 10), row("middle", 40)], 170, 0)
    assert [(r.method, r.trials, r.status) for r in rows] == [
        ("cheap", 3, "run"),
        ("middle", 1, "run"),
        ("dear", 1, "run"),
    ]
    assert "1 of 3" in rows[1].reason and not rows[0].reason
    assert sum(r.seconds for r in rows) <= 170


def test_what_does_not_fit_is_skipped_with_its_reason():
    rows = choose([row("cheap", 10), row("dear", 1000), row("large", 5, peak=9 * 10**9)], 60, 10**9)
    found = {r.method: r for r in rows}
    assert found["cheap"].status == "run" and found["cheap"].trials == 3
    assert found["dear"].status == "skip" and "17 min" in found["dear"].reason
    assert found["large"].status == "skip" and "9.0 GB" in found["large"].reason


def test_a_common_pass_is_paid_once_for_a_backbone():
    one = row("features", 1, shared=50, trials=1)
    other = row("head", 2, shared=50, trials=1)
    elsewhere = row("head", 2, shared=50, trials=1, backbone="c")
    rows = choose([one, other, elsewhere], 110, 0)
    assert [r.status for r in rows] == ["run", "run", "run"]
    assert sum(r.seconds for r in rows) == pytest.approx(105)


def test_refits_and_the_test_rows_are_counted():
    made = Estimate(seconds=10, shared_seconds=0, answer_seconds=0.01, peak_bytes=0)
    assert total_seconds(made, 3, 2, 1000, 0.0) == pytest.approx(5 * 10 + 3 * 1000 * 0.01)


def test_a_probe_of_few_rows_reads_a_part_of_them():
    first, chosen = probe_batches([40] * 300)
    assert set(first) < set(chosen[0])
    assert sum(len(rows) for rows in (first, *chosen)) < 300 / 8
    first, chosen = probe_batches([256] * 256)
    assert len(first) == 8192 // 256  # as many as run at once in the fit
    assert sum(len(rows) for rows in chosen) < 20
    assert probe_batches([7]) == ([0], [[0]])
