"""States are kept whole or not at all, read as they were, and thrown out oldest first."""

import os
import shutil

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from tunewell.fit import kept
from tunewell.fit.kept import Plan

LENGTHS, WIDTH = (3, 1, 4, 2), 6
ROWS = {n: torch.arange(length * WIDTH).reshape(length, WIDTH) + 100.0 * n
        for n, length in enumerate(LENGTHS)}  # fmt: skip
BATCHES = [([1, 3], torch.cat([ROWS[1], ROWS[3]])), ([2, 0], torch.cat([ROWS[2], ROWS[0]]))]


def plan(path, dtype=torch.float32):
    return Plan(path, LENGTHS, WIDTH, dtype)


@pytest.fixture
def disk(monkeypatch):
    """Sets the bytes that are free on every disk."""
    usage = shutil.disk_usage("/")

    def free(size):
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=size))

    return free


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("on_disk", [True, False])
def test_rows_come_back_in_any_order(tmp_path, dtype, on_disk):
    place = plan(tmp_path / "layers-1.safetensors" if on_disk else None, dtype)
    states = kept.compute(place, BATCHES)
    again = kept.read(place) if on_disk else states
    for found in (states, again):
        rows = found.of([2, 0, 1])
        assert rows.dtype == dtype
        assert torch.equal(rows, torch.cat([ROWS[2], ROWS[0], ROWS[1]]).to(dtype))
    assert again.seconds == states.seconds > 0


def test_the_file_is_plain_safetensors(tmp_path):
    kept.compute(plan(tmp_path / "layers-1.safetensors"), BATCHES)
    whole = load_file(tmp_path / "layers-1.safetensors")["states"]
    assert torch.equal(whole, torch.cat([ROWS[n] for n in range(4)]))
    assert [file.name for file in tmp_path.iterdir()] == ["layers-1.safetensors"]


def test_nothing_is_read_where_nothing_is(tmp_path):
    assert kept.read(plan(tmp_path / "layers-1.safetensors")) is None
    assert kept.read(plan(None)) is None


def test_a_file_cut_short_or_of_other_rows_is_refused(tmp_path):
    path = tmp_path / "layers-1.safetensors"
    kept.compute(plan(path), BATCHES)
    with pytest.raises(SafetensorError):
        kept.read(plan(path, torch.bfloat16))
    with pytest.raises(SafetensorError):
        kept.read(Plan(path, (3, 1, 4), WIDTH, torch.float32))
    os.truncate(path, path.stat().st_size - 5)
    with pytest.raises(SafetensorError):
        kept.read(plan(path))


def test_a_stop_leaves_nothing_half_made(tmp_path):
    def stopped():
        yield BATCHES[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept.compute(plan(tmp_path / "layers-1.safetensors"), stopped())
    assert not list(tmp_path.iterdir())


def test_the_longest_unused_goes_first(tmp_path, disk):
    files = [tmp_path / f"layers-{n}.safetensors" for n in range(4)]
    for when, path in enumerate(files[:3]):
        kept.compute(plan(path), BATCHES)
        os.utime(path, (when, when))
    (tmp_path / "frozen-1.safetensors").write_bytes(b"x" * 500)
    kept.read(plan(files[0]))  # used, so no longer the oldest
    disk(files[0].stat().st_size)
    # Half of what would be free without them is two files' worth, and one of them is new.
    assert kept.make_room(plan(files[3]), memory_bytes=0)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"layers-0.safetensors", "frozen-1.safetensors"}


def test_what_does_not_fit_is_not_kept_and_nothing_goes_for_it(tmp_path, disk):
    path = tmp_path / "layers-0.safetensors"
    kept.compute(plan(path), BATCHES)
    disk(0)
    large = Plan(tmp_path / "layers-1.safetensors", (1000,), WIDTH, torch.float32)
    assert not kept.has_room(large, memory_bytes=0)
    assert not kept.make_room(large, memory_bytes=0)
    assert path.exists()


def test_in_memory_they_may_take_a_quarter():
    place = plan(None)
    assert kept.has_room(place, memory_bytes=0)
    assert kept.has_room(place, memory_bytes=4 * place.size_bytes)
    assert not kept.has_room(place, memory_bytes=4 * place.size_bytes - 1)
