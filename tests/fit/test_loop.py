"""The training loop: it goes on to the bit where it was stopped, and survives what goes wrong."""

import json
import math
import os
import random
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import toy
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import DiskFull, ResourceError, TrainingDiverged
from tunewell.fit import anatomy, checkpoint
from tunewell.fit.batches import epoch_batches, within_tokens
from tunewell.fit.feeds import TokenFeed
from tunewell.fit.heads.sequence import SequenceHead
from tunewell.fit.schedule import Schedule
from tunewell.values import Machine

TRAIN, VALIDATION = toy.examples(96), toy.examples(30, seed=1)
STEPS = 12
"""Two epochs of six batches."""
METHODS = {
    "full": registry.method("full")(learning_rate=3e-3, epochs=2),
    "lora": registry.method("lora")(learning_rate=1e-2, epochs=2),
    "head": registry.method("head")(learning_rate=3e-2, epochs=2, batch_size=16),
}


def a_job(backbone: str, folder: Path | None = None) -> Job:
    """A job that saves every step where it has a folder."""
    from tunewell.fit.backbones import resolve

    return Job(
        task=registry.task("classify").from_examples(TRAIN),
        train=TRAIN,
        validation=VALIDATION,
        backbone=resolve(backbone),
        machine=Machine(threads=1),
        folder=folder,
        save_every_seconds=0.0,
    )


@pytest.fixture(scope="session")
def job(toy_backbone):
    return lambda folder=None: a_job(str(toy_backbone), folder)


class Reports(list):
    """What a fit tells; with `stop`, Ctrl-C comes when that step is told."""

    def __init__(self, stop=None):
        super().__init__()
        self.stop = stop

    def __call__(self, progress):
        self.append(progress)
        if self.stop is not None and round(progress.done * STEPS) == self.stop:
            raise KeyboardInterrupt

    @property
    def losses(self):
        return [p.loss for p in self if not p.note and p.done]

    @property
    def notes(self):
        return [p.note for p in self if p.note]


def run(method, job, stop=None):
    """Fit; the weights and what was told. None for the weights where Ctrl-C came."""
    reports = Reports(stop)
    try:
        predictor = method.fit(replace(job, report_progress=reports))
    except KeyboardInterrupt:
        return None, reports
    return predictor.model.state_dict(), reports


def assert_equal(weights, others):
    """The same tensors to the bit."""
    assert weights.keys() == others.keys()
    different = [name for name in weights if not weights[name].equal(others[name])]
    assert different == []


def little_memory(monkeypatch, tokens, times=math.inf):
    """Memory for so many padded tokens at once; runs out at most so often."""
    real, ran_out = TokenFeed.logits, []

    def logits(feed, model, rows):
        asked = len(rows) * max(feed.lengths[row] for row in rows)
        if asked > tokens and len(ran_out) < times:
            ran_out.append(asked)
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(feed, model, rows)

    monkeypatch.setattr(TokenFeed, "logits", logits)
    return ran_out


# --- going on


@pytest.mark.parametrize(
    ("name", "dropout", "tokens"),
    [
        ("full", 0.1, None),
        ("full", 0.0, 64),
        ("lora", 0.1, None),
        ("lora", 0.1, 64),
        ("head", 0.1, None),
    ],
)
def test_a_broken_run_goes_on_as_if_it_had_not_been(
    job, tmp_path, monkeypatch, name, dropout, tokens
):
    if tokens:  # each batch is split into several parts
        little_memory(monkeypatch, tokens)
    method = replace(METHODS[name], dropout=dropout)
    whole, told = run(method, job(tmp_path / "whole"))
    assert len(told.losses) == STEPS
    broken = job(tmp_path / "broken")
    losses = []
    for stop in (2, 5, 6, 11):  # mid-epoch, at an epoch's end, just before the end
        weights, reports = run(method, broken, stop)
        assert weights is None
        losses += reports.losses[:-1]  # the step that was told was not saved yet
    weights, reports = run(method, broken)
    assert_equal(weights, whole)
    assert losses + reports.losses == told.losses
    assert "went on from step 10" in reports.notes


def test_ctrl_c_keeps_the_step_that_was_done(job, tmp_path):
    """A signal waits for the end of the step, and a checkpoint is written then."""
    import signal

    def told(progress):
        if round(progress.done * STEPS) == 4:
            os.kill(os.getpid(), signal.SIGINT)

    broken = replace(job(tmp_path), save_every_seconds=3600.0)
    with pytest.raises(KeyboardInterrupt):
        METHODS["full"].fit(replace(broken, report_progress=told))
    assert checkpoint.latest(tmp_path).record["step"] == 4
    weights, reports = run(METHODS["full"], broken)
    assert len(reports.losses) == STEPS - 4
    assert_equal(weights, run(METHODS["full"], job())[0])


def test_a_full_disk_is_told_before_anything_is_trained(job, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=100_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    reports = Reports()
    with pytest.raises(DiskFull, match=r"0 MB are free.*\n.* MB are needed"):
        METHODS["full"].fit(replace(job(tmp_path), report_progress=reports))
    assert reports.losses == []


# --- not a number


def spoilt(monkeypatch, steps, how):
    """The losses of some steps, counted from 1, made unusable; counts what was trained."""
    real, trained = SequenceHead.losses, []

    def losses(head, pieces, logits, targets):
        rows = real(head, pieces, logits, targets)
        if not logits.requires_grad:  # of validation
            return rows
        trained.append(len(rows))
        return how(rows) if len(trained) in steps else rows

    monkeypatch.setattr(SequenceHead, "losses", losses)
    return trained


def not_a_number(rows):
    return rows * math.nan


def infinite_gradient(rows):
    return rows + (rows * 0).abs().sqrt()


@pytest.mark.parametrize("how", [not_a_number, infinite_gradient])
def test_it_stops_within_three_steps_and_keeps_the_last_good_weights(
    job, tmp_path, monkeypatch, how
):
    run(METHODS["full"], job(tmp_path / "good"), stop=6)
    good = checkpoint.latest(tmp_path / "good")
    assert good.record["step"] == 5
    with monkeypatch.context() as patch:
        trained = spoilt(patch, range(6, 99), how)
        with pytest.raises(TrainingDiverged, match=r"steps 6 to 8.*lower learning rate"):
            METHODS["full"].fit(job(tmp_path / "bad"))
        assert len(trained) == 8
        kept = checkpoint.latest(tmp_path / "bad")
        assert_equal(kept.tensors["weights"], good.tensors["weights"])
        for group in kept.tensors.values():
            assert all(torch.isfinite(tensor).all() for tensor in group.values())
        trained.clear()
        trained += [0] * 8  # the same command again ends in the same way, at once
        with pytest.raises(TrainingDiverged, match="steps 6 to 8"):
            METHODS["full"].fit(job(tmp_path / "bad"))
        assert len(trained) == 9
    weights, reports = run(METHODS["full"], job(tmp_path / "bad"))  # and where it is mended
    assert weights is not None and len(reports.losses) == STEPS - 7


def test_a_single_bad_step_is_skipped(job, monkeypatch):
    spoilt(monkeypatch, [3, 7, 8], not_a_number)
    weights, reports = run(METHODS["full"], job())
    bad = [number for number, loss in enumerate(reports.losses, start=1) if loss is None]
    assert bad == [3, 7, 8]
    assert all(math.isfinite(loss) for loss in reports.losses if loss is not None)
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())


# --- too little memory


@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_when_memory_runs_out_the_effective_batch_stays(job, monkeypatch, times):
    method = replace(METHODS["full"], dropout=0.0)
    _, enough = run(method, job())
    with monkeypatch.context() as patch:
        ran_out = little_memory(patch, 1, times)
        _, reports = run(method, job())
    assert len(ran_out) == times
    assert all(later <= 0.6 * former for former, later in pairwise(ran_out))
    assert len(reports.notes) == times
    assert all("memory ran out" in note for note in reports.notes)
    assert reports.losses == pytest.approx(enough.losses, abs=1e-6)


def test_the_fifth_time_it_says_what_to_do(job, monkeypatch):
    ran_out = little_memory(monkeypatch, 1)
    with pytest.raises(ResourceError) as told:
        METHODS["full"].fit(job())
    assert len(ran_out) == 6  # the last with layers that keep less
    assert "Memory ran out" in told.value.found
    assert "--max-length" in told.value.remedy and "smaller backbone" in told.value.remedy


def test_rows_that_run_alone_are_not_tried_again(job, monkeypatch):
    ran_out = little_memory(monkeypatch, 1)
    with pytest.raises(ResourceError, match="--max-length"):
        replace(METHODS["full"], batch_size=2).fit(job())
    assert len(ran_out) == 3  # both rows, each by itself, and with layers that keep less


@pytest.mark.parametrize("name", ["full", "lora"])
def test_where_no_row_fits_layers_run_twice_and_the_gradients_are_the_same(
    job, tmp_path, monkeypatch, name
):
    method = replace(METHODS[name], dropout=0.0)
    _, enough = run(method, job())
    real = TokenFeed.logits

    def logits(feed, model, rows):
        if torch.is_grad_enabled() and not anatomy.body(model).is_gradient_checkpointing:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(feed, model, rows)

    monkeypatch.setattr(TokenFeed, "logits", logits)
    weights, told = run(method, job(tmp_path / "whole"))
    assert sum("layers run twice" in note for note in told.notes) == 1
    assert told.losses == pytest.approx(enough.losses, abs=1e-4)
    assert run(method, job(tmp_path / "broken"), stop=5)[0] is None
    again, _ = run(method, job(tmp_path / "broken"))
    assert_equal(again, weights)


def test_validation_too_is_run_in_smaller_parts(job, monkeypatch):
    real, ran_out = SequenceHead.logits, []

    def logits(head, model, batch):
        if not torch.is_grad_enabled() and len(batch["input_ids"]) > 8:
            ran_out.append(batch["input_ids"].shape)
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(head, model, batch)

    _, enough = run(METHODS["full"], job())
    monkeypatch.setattr(SequenceHead, "logits", logits)
    _, reports = run(METHODS["full"], job())
    assert 1 <= len(ran_out) <= 4 and len(reports.notes) == len(ran_out)
    assert reports[-1].score == pytest.approx(enough[-1].score)


def test_another_error_is_not_taken_for_too_little_memory(job, monkeypatch):
    def logits(feed, model, rows):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(TokenFeed, "logits", logits)
    with pytest.raises(RuntimeError, match="shapes"):
        METHODS["full"].fit(job())


# --- the course of a training


def test_the_best_weights_are_kept_and_training_stops_early(job, tmp_path):
    method = replace(METHODS["full"], learning_rate=3e-2, epochs=30)  # far too high: it wavers
    made = replace(job(tmp_path), train=TRAIN[:48])
    predictor_weights, reports = run(method, made)
    scores = [p.score for p in reports if p.score is not None]
    assert reports[-1].done < 1
    last = checkpoint.latest(tmp_path)
    assert last.record["stopped"] and last.record["epochs_since_best"] == 3
    kept = {name: predictor_weights[name] for name in last.tensors["best"]}
    assert_equal(kept, last.tensors["best"])
    moved = [n for n, best in kept.items() if not best.equal(last.tensors["weights"][n])]
    assert moved, "the last weights are the best ones here: the test shows nothing"
    assert last.record["best_score"] == max(scores)
    predictor = replace(method, epochs=30).fit(made)  # it has ended: nothing is trained again
    answers = predictor.predict([example.input for example in VALIDATION])
    score = made.task.score([example.target for example in VALIDATION], answers)["accuracy"]
    assert score == pytest.approx(max(scores))


@pytest.mark.parametrize(("steps", "warmup"), [(10, 0.2), (20, 0.1), (7, 0.0), (40, 0.5)])
def test_the_learning_rate_takes_the_course_of_transformers(steps, warmup):
    """Theirs starts with a step at rate 0, which moves nothing; ours is one step ahead there."""
    from transformers import get_linear_schedule_with_warmup

    warm = round(steps * warmup)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    theirs = get_linear_schedule_with_warmup(optimizer, warm, steps)
    rates = []
    for _ in range(steps + 1):
        rates.append(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
    ours = [Schedule(learning_rate=0.3, warmup=warmup).rate_at(n, steps) for n in range(steps)]
    assert ours == pytest.approx([rates[n + 1 if n < warm else n] for n in range(steps)])
    assert max(ours) == pytest.approx(0.3) and min(ours) > 0


def test_only_matrices_decay(job):
    rate, decay = 1e-3, 10.0
    method = replace(METHODS["full"], learning_rate=rate, epochs=1, batch_size=96, warmup=0.0)
    method = replace(method, dropout=0.0, weight_decay=0.0)
    without, _ = run(method, job())
    decayed, _ = run(replace(method, weight_decay=decay), job())
    start, _ = run(replace(method, learning_rate=1e-12), job())
    moved = [name for name in start if not start[name].equal(without[name])]
    assert {start[name].ndim for name in moved} == {1, 2}
    for name in moved:
        shrunk = rate * decay * start[name] if start[name].ndim >= 2 else 0 * start[name]
        assert torch.allclose(without[name] - decayed[name], shrunk, atol=1e-6), name


# --- batches

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=200)


@settings(max_examples=50, deadline=None)
@given(LENGTHS, st.integers(1, 40), st.integers(0, 9), st.integers(0, 9))
def test_an_epoch_sees_every_row_once(lengths, batch_size, seed, epoch):
    batches = epoch_batches(lengths, batch_size, seed, epoch)
    assert sorted(row for rows in batches for row in rows) == list(range(len(lengths)))
    assert max(map(len, batches)) <= batch_size
    assert len(batches) == math.ceil(len(lengths) / batch_size)
    assert batches == epoch_batches(lengths, batch_size, seed, epoch)


def test_epochs_and_seeds_differ_and_rows_of_like_length_go_together():
    chance = random.Random(0)
    lengths = [chance.randint(1, 100) for _ in range(320)]
    orders = [
        epoch_batches(lengths, 16, seed, epoch) for seed, epoch in ((0, 0), (0, 1), (1, 0), (1, 1))
    ]
    assert len({json.dumps(order) for order in orders}) == 4
    padded = sum(16 * max(lengths[row] for row in rows) for rows in orders[0])
    assert padded < 1.1 * sum(lengths)
    longest = [max(lengths[row] for row in rows) for rows in orders[0]]
    assert longest != sorted(longest)


@settings(max_examples=100, deadline=None)
@given(LENGTHS, st.integers(1, 500))
def test_parts_stay_within_the_tokens(lengths, tokens):
    parts = within_tokens(range(len(lengths)), lengths, tokens)
    assert sorted(row for part in parts for row in part) == list(range(len(lengths)))
    for part, following in zip(parts, [*parts[1:], []], strict=True):
        longest = max(lengths[row] for row in part)
        assert len(part) == 1 or len(part) * longest <= tokens
        if following:  # one row more would have been too many
            assert (len(part) + 1) * lengths[following[0]] > tokens
