"""A checkpoint is whole or absent, whatever happens to the process, the disk or the files."""

import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import torch

from tunewell.errors import ResourceError
from tunewell.fit import checkpoint


def tensors(step, size=200):
    return {
        "weights": {"a": torch.full((size,), float(step)), "b": torch.arange(6.0).view(2, 3)},
        "optimizer": {"a/step": torch.tensor(float(step)), "n": torch.tensor([step])},
    }


def save(folder, step):
    return checkpoint.save(folder, f"step-{step}", tensors(step), {"step": step, "best": None})


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_was_saved_comes_back(tmp_path):
    save(tmp_path, 7)
    record, loaded, path = checkpoint.latest(tmp_path)
    assert record == {"step": 7, "best": None}
    assert path == tmp_path / "step-7"
    for stem, group in tensors(7).items():
        assert loaded[stem].keys() == group.keys()
        assert all(torch.equal(loaded[stem][key], group[key]) for key in group)
        assert all(loaded[stem][key].dtype == group[key].dtype for key in group)


def test_without_a_checkpoint_there_is_none(tmp_path):
    assert checkpoint.latest(tmp_path) is None
    assert checkpoint.latest(tmp_path / "missing") is None


def test_the_newest_two_are_kept_in_the_order_of_their_numbers(tmp_path):
    for step in (8, 9, 10, 11):
        save(tmp_path, step)
    assert names(tmp_path) == ["step-10", "step-11"]
    assert checkpoint.latest(tmp_path).record["step"] == 11


def test_other_folders_beside_checkpoints_are_left_alone(tmp_path):
    (tmp_path / "model").mkdir()
    for step in (1, 2, 3):
        save(tmp_path, step)
    assert checkpoint.latest(tmp_path).record["step"] == 3
    assert names(tmp_path) == ["model", "step-2", "step-3"]
    with pytest.raises(ValueError, match="number"):
        checkpoint.save(tmp_path, "best", tensors(1), {})


def test_the_same_name_again_replaces(tmp_path):
    save(tmp_path, 1)
    checkpoint.save(tmp_path, "step-1", {"weights": {"a": torch.ones(3)}}, {"step": "again"})
    found = checkpoint.latest(tmp_path)
    assert found.record == {"step": "again"}
    assert found.tensors.keys() == {"weights"}
    assert names(tmp_path) == ["step-1"]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("file", ["weights.safetensors", "optimizer.safetensors", "manifest.json"])
def test_a_file_cut_short_is_noticed_and_the_older_one_used(tmp_path, file, share):
    save(tmp_path, 1)
    path = save(tmp_path, 2) / file
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    notes = []
    assert checkpoint.latest(tmp_path, notes.append).record["step"] == 1
    assert names(tmp_path) == ["step-1", "step-2.damaged"]
    assert len(notes) == 1
    assert "step-2" in notes[0] and file in notes[0]


def test_a_missing_file_is_noticed(tmp_path):
    for step, file in enumerate(["weights.safetensors", "manifest.json"], start=2):
        save(tmp_path, 1)
        (save(tmp_path, step) / file).unlink()
        notes = []
        assert checkpoint.latest(tmp_path, notes.append).record["step"] == 1
        assert file in notes[0]


def test_one_flipped_bit_is_noticed_wherever_it_is(tmp_path):
    chance = random.Random(0)
    whole = tmp_path / "whole"
    save(whole, 1)
    save(whole, 2)
    files = names(whole / "step-2")
    assert len(files) == 3
    for turn in range(102):
        folder = tmp_path / str(turn)
        shutil.copytree(whole, folder)
        path = folder / "step-2" / files[turn % 3]
        data = bytearray(path.read_bytes())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        notes = []
        assert checkpoint.latest(folder, notes.append).record["step"] == 1, (turn, path.name)
        assert len(notes) == 1


def test_when_all_are_damaged_there_is_none_and_saving_goes_on(tmp_path):
    for step in (1, 2):
        (save(tmp_path, step) / "manifest.json").write_text("{}")
    notes = []
    assert checkpoint.latest(tmp_path, notes.append) is None
    assert len(notes) == 2
    save(tmp_path, 2)
    assert checkpoint.latest(tmp_path).record["step"] == 2
    (tmp_path / "step-2" / "manifest.json").write_text("[]")
    assert checkpoint.latest(tmp_path) is None
    assert names(tmp_path) == ["step-1.damaged", "step-2.damaged"]


def test_a_save_that_fails_leaves_the_older_ones(tmp_path):
    save(tmp_path, 1)
    save(tmp_path, 2)
    with pytest.raises(ValueError):
        checkpoint.save(tmp_path, "step-3", tensors(3), {"score": float("nan")})
    assert names(tmp_path) == ["step-1", "step-2"]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_never_saved(tmp_path, bad):
    save(tmp_path, 1)
    group = {"fine": torch.ones(3), "layer.7.weight": torch.tensor([1.0, bad, 2.0])}
    with pytest.raises(ValueError, match=r"layer\.7\.weight"):
        checkpoint.save(tmp_path, "step-2", {"weights": group}, {})
    assert names(tmp_path) == ["step-1"]


def test_large_finite_numbers_are_saved(tmp_path):
    group = {"a": torch.full((4,), 3e38), "b": torch.full((9,), 6e4, dtype=torch.float16)}
    checkpoint.save(tmp_path, "step-1", {"weights": group}, {})
    assert torch.equal(checkpoint.latest(tmp_path).tensors["weights"]["b"], group["b"])


def test_a_full_disk_is_told_before_anything_is_written(tmp_path, monkeypatch):
    save(tmp_path, 1)
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ResourceError) as told:
        checkpoint.save(tmp_path, "step-2", tensors(2, size=10_000_000), {})
    assert "41 MB are needed" in str(told.value)
    assert told.value.exit_status not in (0, 1, 2, 3)
    assert len(str(told.value).splitlines()) <= 3
    assert names(tmp_path) == ["step-1"]


def run(script, folder):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_disk_that_fills_in_mid_save_leaves_nothing_half_made(tmp_path):
    """A limit on the size of a file stands for the full disk: the write itself fails."""
    save(tmp_path, 1)
    done = run(
        """
        import pathlib, resource, sys, torch
        from tunewell.errors import DiskFull
        from tunewell.fit import checkpoint
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        for size, record in ((100_000, {}), (10, {"notes": "x" * 200_000})):
            try:
                tensors = {"weights": {"a": torch.ones(size)}}
                checkpoint.save(pathlib.Path(sys.argv[1]), "step-2", tensors, record)
            except DiskFull as error:
                print("told", error.found)
        """,
        tmp_path,
    )
    assert done.stdout.count("told") == 2, done.stderr
    assert names(tmp_path) == ["step-1"]
    assert checkpoint.latest(tmp_path).record["step"] == 1


def test_killed_at_any_moment_nothing_that_was_saved_is_lost(tmp_path):
    """Ten children save as fast as they can and are killed; what they told must be there."""
    done = run(
        """
        import os, pathlib, random, signal, sys, time, torch
        from tunewell.fit import checkpoint
        chance, first = random.Random(1), 1
        folder = pathlib.Path(sys.argv[1])

        def child(pipe):
            step = first
            while True:
                weights = {"a": torch.full((5000,), float(step))}
                checkpoint.save(folder, f"step-{step}", {"weights": weights}, {"step": step})
                os.write(pipe, f"{step}\\n".encode())
                step += 1

        for turn in range(10):
            out, into = os.pipe()
            pid = os.fork()
            if pid == 0:
                child(into)
            os.close(into)
            told = os.read(out, 1000)  # waits for the first save
            time.sleep(chance.random() * 0.1)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            while more := os.read(out, 1000):
                told += more
            last = int(told.split()[-1])
            notes = []
            found = checkpoint.latest(folder, notes.append)
            assert not notes, notes
            assert found.record["step"] in (last, last + 1), (found.record, last)
            assert (found.tensors["weights"]["a"] == found.record["step"]).all()
            assert not [p for p in folder.iterdir() if "part" in p.name]
            first = found.record["step"] + 1
        print("whole")
        """,
        tmp_path,
    )
    assert done.stdout == "whole\n", done.stderr


@pytest.mark.parametrize("name", ["step-3", "step-2"])
def test_killed_at_any_stage_of_a_save_there_is_the_old_or_the_new(tmp_path, name):
    """A child for each stage kills itself there: as it makes, opens, renames or removes."""
    done = run(
        f"""
        import os, pathlib, shutil, signal, sys, torch
        from tunewell.fit import checkpoint
        stages = ("os.mkdir", "open", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree")
        name = {name!r}

        def save(folder, name, value):
            groups = {{key: {{"a": torch.full((50,), value)}} for key in ("one", "two")}}
            checkpoint.save(folder, name, groups, {{"value": value}})

        def child(folder, last):
            seen = []
            def watch(event, args):
                seen.extend([event] * (event in stages))
                if event in stages and len(seen) == last:
                    os.kill(os.getpid(), signal.SIGKILL)
            sys.addaudithook(watch)
            save(folder, name, 3.0)
            os._exit(0)

        found, stage, status = [], 0, None
        while status != 0:
            stage += 1
            folder = pathlib.Path(sys.argv[1]) / str(stage)
            save(folder, "step-1", 1.0)
            save(folder, "step-2", 2.0)
            if (pid := os.fork()) == 0:
                child(folder, stage)
            status = os.waitpid(pid, 0)[1]
            notes = []
            record, tensors, path = checkpoint.latest(folder, notes.append)
            assert not notes, notes
            assert all((group["a"] == record["value"]).all() for group in tensors.values())
            assert path.name == (name if record["value"] == 3.0 else "step-2")
            assert not list(folder.glob(".*")), (stage, list(folder.iterdir()))
            found.append(record["value"])
            save(folder, "step-4", 4.0)
            assert checkpoint.latest(folder).record["value"] == 4.0
        assert found == sorted(found) and set(found) == {{2.0, 3.0}}, found
        print(stage)
        """,
        tmp_path,
    )
    assert done.stdout and int(done.stdout) > 15, done.stderr


@pytest.mark.parametrize("size", [2_000, 20_000, 200_000, 2_000_000])
def test_killed_inside_any_file_of_a_save_there_is_the_old(tmp_path, size):
    """Files of 4 kB, 40 kB, 400 kB, then 4 MB of manifest: the kernel ends it in one of them."""
    save(tmp_path, 1)
    done = run(
        f"""
        import pathlib, resource, signal, sys, torch
        from tunewell.fit import checkpoint
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        groups = {{str(n): {{"a": torch.zeros(n)}} for n in (1_000, 10_000, 100_000)}}
        checkpoint.save(pathlib.Path(sys.argv[1]), "step-2", groups, {{"x": "x" * 4_000_000}})
        """,
        tmp_path,
    )
    assert done.returncode == -signal.SIGXFSZ, done.stderr
    assert len(names(tmp_path / ".part-step-2")) == len(str(size)) - 3  # it was in that file
    assert checkpoint.latest(tmp_path).record["step"] == 1
    assert names(tmp_path) == ["step-1"]


def test_leftovers_of_a_killed_save_are_removed(tmp_path):
    path = save(tmp_path, 1)
    path.rename(tmp_path / ".part-step-1")
    assert checkpoint.latest(tmp_path) is None
    assert names(tmp_path) == []


def test_a_save_costs_some_milliseconds(tmp_path):
    save(tmp_path, 0)
    start = time.perf_counter()
    for step in range(1, 21):
        save(tmp_path, step)
    assert (time.perf_counter() - start) / 20 < 0.2
