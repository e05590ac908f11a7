"""Frozen layers run once over the rows: the same answers, kept, used again, never stale."""

import os
import time
from collections import Counter
from dataclasses import replace

import pytest
import torch

import toy
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import Probed
from tunewell.fit import kept
from tunewell.fit.backbones import resolve
from tunewell.values import Example, Machine

TRAIN, VALIDATION = toy.examples(24), toy.examples(9, seed=1)
INPUTS = [example.input for example in VALIDATION]
TASK = registry.task("classify").from_examples(TRAIN)
METHOD = registry.method("last_layers")(layers=1, epochs=3, batch_size=8)
CLOSE = 1e-5


@pytest.fixture
def job(random_backbone, tmp_path):
    backbone = resolve(str(random_backbone("llama")), max_length=16)
    return Job(TASK, TRAIN, VALIDATION, backbone, Machine(threads=1), 1, cache=tmp_path / "cache")


@pytest.fixture
def runs():
    """How often the attention of each layer runs, by its number."""
    counted = Counter()

    def ran(module, args, output):
        if type(module).__name__ == "LlamaAttention":
            counted[module.layer_idx] += 1

    hook = torch.nn.modules.module.register_module_forward_hook(ran)
    yield counted
    hook.remove()


def told(job):
    """The job, and the list of what it reports."""
    reports = []
    return replace(job, report_progress=reports.append), reports


def notes(reports):
    return " ".join(report.note for report in reports if report.note)


def fitted(job, method=METHOD):
    """Probabilities of the validation rows (rows, labels), and the reports of the fit."""
    job, reports = told(job)
    answers = method.fit(job).predict(INPUTS)
    return torch.tensor([list(answer.scores.values()) for answer in answers]), reports


def files(job):
    return sorted(job.cache.glob("*")) if job.cache.exists() else []


def in_full(job):
    """A job whose states find no room."""
    return replace(job, cache=None, machine=replace(job.machine, memory_bytes=1))


@pytest.mark.parametrize("shape", ["bert", "gpt2", "llama"])
def test_the_same_model_comes_of_it(job, random_backbone, shape):
    job = replace(job, backbone=resolve(str(random_backbone(shape))))
    method = replace(METHOD, dropout=0.0 if shape == "gpt2" else 0.1)  # GPT-2 drops words too
    first, _ = fitted(job, method)
    again, _ = fitted(job, method)
    in_memory, _ = fitted(replace(job, cache=None), method)
    whole, reports = fitted(in_full(job), method)
    assert "2 frozen layers run in every epoch: no room" in notes(reports)
    for scores in (first, again, in_memory):
        assert torch.allclose(scores, whole, atol=CLOSE, rtol=0)


def test_lower_layers_run_once_and_never_again(job, runs):
    fitted(job)
    # Nine steps and three validations with the last layer alone.
    assert runs[0] == runs[1] < runs[2] - 9
    (file,) = files(job)
    first = runs[0]
    runs.clear()
    _, reports = fitted(job, replace(METHOD, learning_rate=1e-3, epochs=6))
    assert runs[0] == runs[1] <= first
    assert sum(report.borrowed_seconds for report in reports) > 0
    assert files(job) == [file]


def test_validation_within_training_uses_them_too(job, runs):
    fitted(job)
    before = dict(runs)
    fitted(job, replace(METHOD, epochs=1))
    once = {layer: runs[layer] - before[layer] for layer in runs}
    fitted(job, replace(METHOD, epochs=2))
    twice = {layer: runs[layer] - before[layer] - once[layer] for layer in runs}
    assert twice[0] == once[0] and twice[2] > once[2]


def test_a_single_epoch_keeps_nothing_but_takes_what_is_there(job):
    alone, reports = fitted(job, replace(METHOD, epochs=1))
    assert not files(job) and not notes(reports)
    fitted(job)
    after, reports = fitted(job, replace(METHOD, epochs=1))
    assert sum(report.borrowed_seconds for report in reports) > 0
    assert torch.allclose(alone, after, atol=CLOSE, rtol=0)


def test_another_row_length_dtype_or_depth_is_kept_apart(job):
    fitted(job)
    changed = (Example(TRAIN[0].input + " kelo", TRAIN[0].target), *TRAIN[1:])
    fitted(replace(job, train=changed))
    fitted(replace(job, backbone=replace(job.backbone, max_length=6)))
    fitted(replace(job, machine=replace(job.machine, dtype="bfloat16")))
    fitted(job, replace(METHOD, layers=2))
    assert len(files(job)) == 5
    sizes = {file.stat().st_size for file in files(job)}
    assert len(sizes) == 4  # as many tokens, one layer lower


def test_bfloat16_is_about_the_same(job):
    whole, _ = fitted(job)
    half, _ = fitted(replace(job, machine=replace(job.machine, dtype="bfloat16")))
    assert torch.allclose(half, whole, atol=0.05)


def test_a_file_cut_short_is_told_and_computed_again(job):
    whole, _ = fitted(job)
    (file,) = files(job)
    size = file.stat().st_size
    os.truncate(file, size - 100)
    again, reports = fitted(job)
    assert "was damaged and is computed again" in notes(reports)
    assert file.stat().st_size == size
    assert torch.equal(again, whole)


def test_states_of_other_weights_are_not_believed(job):
    whole, _ = fitted(job)
    (file,) = files(job)
    kept_bytes = bytearray(file.read_bytes())
    content = torch.frombuffer(kept_bytes, dtype=torch.float32, offset=kept.HEADER_BYTES)
    content.normal_()
    file.write_bytes(kept_bytes)
    again, _ = fitted(job)
    assert torch.equal(again, whole)


def test_a_full_disk_stops_nothing(job, monkeypatch):
    import shutil

    whole, _ = fitted(job)
    (file,) = files(job)
    file.unlink()
    usage = shutil.disk_usage("/")._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    again, reports = fitted(job)
    assert "no room" in notes(reports)
    assert not files(job)
    assert torch.allclose(again, whole, atol=CLOSE, rtol=0)


def test_a_probe_counts_the_pass_once_for_all_trials(job):
    job, reports = told(replace(job, probe=True))
    begun = time.perf_counter()
    with pytest.raises(Probed) as probed:
        METHOD.fit(job)
    assert 0 < probed.value.once_seconds < time.perf_counter() - begun
    assert sum(report.measuring_seconds for report in reports) > 0
    assert not files(job)
