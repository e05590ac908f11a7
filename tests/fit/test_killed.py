"""A training that is killed, at any moment and between the files of a save, is not lost."""

import hashlib
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

import processes
import toy
from tunewell import registry
from tunewell.contracts import Job
from tunewell.values import Machine

TRAIN, VALIDATION = toy.examples(96), toy.examples(30, seed=1)
STEPS = 120
"""Five epochs of 24 batches."""
KILLS = 20
METHOD = registry.method("full")(learning_rate=1e-3, epochs=5, batch_size=4)


def fit(backbone: str, folder: Path | None, steps: Path, output: Path) -> None:
    """Fit, saving every step; `steps` gets each step told, `output` a digest of the weights."""
    from tunewell.fit.backbones import resolve

    def told(progress):
        if progress.done:
            with steps.open("a") as file:
                file.write(f"{round(progress.done * STEPS)}\n")

    job = Job(
        task=registry.task("classify").from_examples(TRAIN),
        train=TRAIN,
        validation=VALIDATION,
        backbone=resolve(backbone),
        machine=Machine(threads=1),
        folder=folder,
        save_every_seconds=0.0,
        report_progress=told,
    )
    weights = METHOD.fit(job).model.state_dict()
    whole = hashlib.sha256()
    for name in sorted(weights):
        whole.update(name.encode() + weights[name].contiguous().numpy().tobytes())
    output.write_text(whole.hexdigest())


@pytest.fixture
def course(toy_backbone, tmp_path):
    return Course(str(toy_backbone), tmp_path)


@pytest.fixture(scope="module")
def unbroken(toy_backbone, tmp_path_factory):
    """The digest of the weights of a run that nobody killed, and seconds until its first step."""
    whole = Course(str(toy_backbone), tmp_path_factory.mktemp("unbroken"), saves=False)
    warm = whole.start()  # the first pays for the server
    whole.wait_for_step(1, warm)
    warm.kill()
    warm.join()
    whole.clear()
    begun = time.monotonic()
    process = whole.start()
    whole.wait_for_step(1, process)
    seconds = time.monotonic() - begun
    process.join()
    assert whole.told() == list(range(1, STEPS + 1))
    return whole.output.read_text(), seconds


class Course:
    """One training in processes that come and go."""

    def __init__(self, backbone, folder, saves=True):
        self.backbone, self.checkpoints = backbone, folder / "checkpoints" if saves else None
        self.steps, self.output = folder / "steps", folder / "digest"
        self.clear()

    def clear(self):
        self.steps.write_text("")
        self.output.unlink(missing_ok=True)

    def start(self, target=fit, *more):
        told = self.backbone, self.checkpoints, self.steps, self.output
        return processes.start(target, *told, *more)

    def told(self):
        return [int(line) for line in self.steps.read_text().splitlines()]

    def kept(self):
        """The step of the newest checkpoint."""
        numbers = [int(path.name[-8:]) for path in self.checkpoints.glob("step-????????")]
        return max(numbers, default=0)

    def wait_for_step(self, step, process, seconds=60):
        """Wait until this process has told a step, and that step was this one or a later one."""
        before, end = len(self.told()), time.monotonic() + seconds
        while process.is_alive():
            told = self.told()
            if len(told) > before and told[-1] >= step:
                return
            assert time.monotonic() < end, "it did not get there"
            time.sleep(0.001)

    def end(self):
        """What an undisturbed process makes of it."""
        process = self.start()
        process.join()
        assert process.exitcode == 0
        return self.output.read_text()


def test_killed_at_twenty_random_moments_it_ends_with_the_same_weights(course, unbroken):
    """Ten of them at steps over the whole course, ten by the clock: also while it goes on."""
    digest, start_seconds = unbroken
    chance, steps = random.Random(0), []
    for number in range(KILLS):
        process = course.start()
        if number % 2:
            time.sleep(chance.uniform(0, 1.2 * start_seconds))
        else:
            course.wait_for_step(chance.randrange(6 * number, 6 * number + 6), process)
            time.sleep(chance.uniform(0, 0.03))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL and not course.output.exists()
        assert course.kept() >= course.told()[-1] - 1  # at most one save is lost
        steps.append(course.kept())
    assert steps == sorted(steps) and len(set(steps)) >= 10
    assert steps[0] < 0.2 * STEPS and steps[-1] > 0.8 * STEPS
    assert course.end() == digest


STAGES = {"os.mkdir", "open", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree"}


def killed_in_its_second_save(*told_and_stage):
    """As `fit`, killed by itself at a stage of its second save: as it opens, renames, removes.

    It ends well where that save has fewer stages.
    """
    *told, stage = told_and_stage
    checkpoints, saves, stages = told[1], [], []

    def watch(event, args):
        if event not in STAGES:
            return
        if event in ("os.mkdir", "open") and checkpoints not in Path(str(args[0])).parents:
            return
        saves.extend([event] * (event == "os.mkdir"))
        if len(saves) == 2:
            stages.append(event)
            if len(stages) == stage:
                os.kill(os.getpid(), signal.SIGKILL)
        if len(saves) == 3:
            os._exit(0)

    sys.addaudithook(watch)
    fit(*told)


def test_killed_between_the_files_of_a_save_it_ends_with_the_same_weights(course, unbroken):
    stage = 0
    while True:
        stage += 1
        process = course.start(killed_in_its_second_save, stage)
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        assert course.kept() >= course.told()[-1] - 1
        assert not course.output.exists()
    assert stage > 10  # a folder, three files and their manifest, a new name, an old one removed
    assert course.end() == unbroken[0]
