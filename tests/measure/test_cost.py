"""What a meter reads: known waits, known work, known memory."""

import threading
import time

import numpy as np
import pytest

from tunewell.measure.cost import Meter, milliseconds_per_prediction, rows_per_second

MB = 1_000_000


def hold(megabytes):
    """Memory that is really there, for a moment; then given back."""
    block = np.ones(megabytes * MB, dtype=np.uint8)
    time.sleep(0.1)
    return int(block[-1])


def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_an_allocation_is_seen():
    with Meter() as meter:
        hold(200)
    assert 195 * MB < meter.peak_bytes < 260 * MB


def test_a_second_block_does_not_inherit_the_peak_of_the_first():
    with Meter() as big:
        hold(300)
    with Meter() as small:
        hold(20)
    assert big.peak_bytes > 290 * MB
    assert 15 * MB < small.peak_bytes < 60 * MB


def test_memory_freed_before_is_not_reused_unseen():
    blocks = [bytearray(50_000) for _ in range(2000)]  # 100 MB from the heap, not from the system
    del blocks
    with Meter() as meter:
        blocks = [bytearray(b"1" * 50_000) for _ in range(2000)]
        time.sleep(0.05)
    assert meter.peak_bytes > 90 * MB
    del blocks


def test_waiting_takes_seconds_but_no_processor():
    with Meter() as meter:
        time.sleep(0.3)
    assert 0.29 < meter.seconds < 2.0
    assert meter.cpu_seconds < 0.15


def test_processor_seconds_count_all_threads():
    with Meter() as meter:
        threads = [threading.Thread(target=burn, args=(0.2,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert 0.38 < meter.cpu_seconds < 0.8


def test_what_was_spent_is_known_after_a_crash_too():
    meter = Meter()
    with pytest.raises(RuntimeError, match="boom"), meter:
        hold(100)
        raise RuntimeError("boom")
    assert meter.seconds > 0.09
    assert meter.peak_bytes > 95 * MB


def test_a_gpu_is_measured_by_what_torch_allocates():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU here")
    there_before = torch.ones(100 * MB, dtype=torch.uint8, device="cuda")
    for megabytes in (300, 20):
        with Meter("cuda") as meter:
            block = there_before[:1].repeat(megabytes * MB)
            del block
        assert meter.peak_bytes == pytest.approx(megabytes * MB, abs=3 * MB)


def test_milliseconds_are_the_median_of_single_rows_after_a_warm_up():
    calls = []

    def predict(inputs):
        calls.append(inputs)
        slow_start = len(calls) <= 3
        time.sleep(0.1 if slow_start or inputs == [40] else 0.005)

    found = milliseconds_per_prediction(predict, list(range(100)))
    assert 4.9 < found < 50
    assert all(len(inputs) == 1 for inputs in calls)
    assert len(calls) == 23
    assert [inputs[0] for inputs in calls[3:]] == list(range(0, 100, 5))


def test_milliseconds_stop_in_time_but_not_before_one_row():
    calls = []

    def predict(inputs):
        calls.append(inputs)
        time.sleep(0.05)

    assert milliseconds_per_prediction(predict, list(range(100)), seconds=0.01) > 49
    assert len(calls) == 4
    calls.clear()
    milliseconds_per_prediction(predict, ["a", "b"])
    assert calls == [["a"], ["b"], ["a"], ["b"]]


def test_rows_a_second_in_batches():
    sizes = []

    def predict(inputs):
        sizes.append(len(inputs))
        time.sleep(0.001 * len(inputs))

    assert 100 < rows_per_second(predict, list(range(70)), batch=32) < 1001
    assert sizes == [1, 32, 32, 6]
    sizes.clear()
    rows_per_second(predict, list(range(10_000)), batch=100, seconds=0.15)
    assert 2 <= len(sizes) <= 4


def test_nothing_to_predict_is_refused():
    for measure in (milliseconds_per_prediction, rows_per_second):
        with pytest.raises(ValueError, match="nothing to predict"):
            measure(lambda inputs: None, [])
