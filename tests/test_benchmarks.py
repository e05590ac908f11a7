"""The benchmarks' own arithmetic: ratios, ranges, and the gate that voids a speed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.speed.compared import Comparison, less_accurate, ratio
from benchmarks.speed.comparisons import COMPARISONS
from benchmarks.speed.process import measured
from benchmarks.speed.sides import script
from benchmarks.speed.work import forward

THEIRS, OURS = script("theirs", "x.py"), script("ours", "y.py")


def measurement(seconds, peak=1, outcome=None):
    cost = {"cpu_seconds": seconds, "peak_bytes": peak}
    return {"cost": cost, "outcome": outcome or {"accuracy": {}, "training": {}}}


def test_a_ratio_is_the_median_of_the_rounds_and_leaves_out_those_that_failed():
    comparison = Comparison("x", "x", (THEIRS,), (OURS,))
    rounds = [
        {"theirs": measurement(10), "ours": measurement(5)},
        {"theirs": measurement(12), "ours": measurement(4)},
        {"theirs": measurement(99), "ours": {**measurement(1), "outcome": None}},
    ]
    found = ratio(comparison, rounds)
    assert (found.value, found.low, found.high) == (2.5, 2.0, 3.0)
    assert ratio(comparison, rounds[2:]) is None


def test_memory_is_the_highest_of_a_side_and_ours_to_theirs():
    both = (THEIRS, script("theirs too", "z.py"))
    comparison = Comparison("x", "x", both, (OURS,), at_most=True, figure="peak_bytes")
    rounds = [
        {
            "theirs": measurement(1, peak=8),
            "theirs too": measurement(1, peak=4),
            "ours": measurement(1, peak=6),
        }
    ]
    assert ratio(comparison, rounds).value == 0.75


def test_a_figure_that_a_side_measures_itself_needs_no_rival():
    comparison = Comparison("x", "x", (), (OURS,), figure="passes")
    outcome = {"accuracy": {}, "training": {}, "figures": {"passes": 1.5}}
    assert ratio(comparison, [{"ours": measurement(1, outcome=outcome)}]).value == 1.5


@pytest.mark.parametrize(
    ("theirs", "ours", "rows", "worse"),
    [
        (0.9, 0.6, 100, True),
        (0.9, 0.88, 100, False),
        (0.6, 0.9, 100, False),
        (1.0, 0.75, 8, False),
    ],
)
def test_only_a_sure_loss_of_accuracy_voids_a_speed(theirs, ours, rows, worse):
    assert less_accurate(theirs, ours, rows) is worse


def test_the_work_of_a_forward_pass_is_that_of_its_matrix_products():
    shape = {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}
    assert forward(1, 0, shape) == pytest.approx(21.2e6, rel=0.01)
    assert forward(0, 1, shape) == 9216


def test_a_process_is_measured_with_its_children(tmp_path):
    busy = "import time\nwhile time.process_time() < 0.5: pass"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    cost, out = measured(
        [sys.executable, "-c", f"{child}; print('done')"], tmp_path / "log", (), {}
    )
    assert (cost.status, out) == (0, "done\n")
    assert cost.cpu_seconds > 0.5 and cost.peak_bytes > 1e6
    cost, _ = measured([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log", (), {})
    assert cost.status == 3


def test_every_comparison_has_a_name_of_its_own_and_a_side_has_one_command():
    assert len({one.name for one in COMPARISONS}) == len(COMPARISONS)
    sides = {side for one in COMPARISONS for side in one.sides}
    assert len({side.name for side in sides}) == len(sides)


def test_an_unknown_comparison_is_refused_with_the_names():
    command = [sys.executable, "-m", "benchmarks.speed", "nothing"]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 2
    assert "no comparison is called nothing" in told.stderr and "lora" in told.stderr


@pytest.mark.slow
def test_the_benchmark_for_a_gpu_runs_all_of_its_sides(tmp_path):
    script = Path(__file__).parent.parent / "benchmarks" / "gpu.py"
    done = subprocess.run(
        [sys.executable, str(script), "--device", "cpu", "--tiny"],
        capture_output=True,
        text=True,
        env={**os.environ, "OUT": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    assert len(told["runs"]) == 6 and all(run["seconds"] > 0 for run in told["runs"]), told
    for exact in told["exact"].values():
        assert exact["padded because"] is None and exact["end to end"] < 0.01
    assert "not measured" not in done.stdout
