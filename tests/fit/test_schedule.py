"""The learning rate that is chosen where none is given."""

import pytest

import shapes
import toy
import tunewell
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import ConfigError
from tunewell.fit.backbones import resolve
from tunewell.values import Machine

FULL = registry.method("full")


@pytest.mark.parametrize("shape", ["bert", "distilbert", "gpt2", "llama", "t5"])
def test_a_model_half_as_wide_learns_at_twice_the_rate(shape, tmp_path):
    backbone = resolve(str(shapes.save(shape, tmp_path / shape)))
    assert FULL().settled(backbone).learning_rate == pytest.approx(1e-4 * 768 / shapes.HIDDEN)
    assert FULL(learning_rate=3e-5).settled(backbone) == FULL(learning_rate=3e-5)


def test_the_trials_are_those_of_the_chosen_rate(toy_backbone):
    chosen = FULL().settled(resolve(str(toy_backbone)))
    rates = [trial.learning_rate for trial in chosen.grid()]
    assert rates == pytest.approx([2.4e-3, 0.8e-3, 7.2e-3])
    assert FULL().grid() == (FULL(),)
    with pytest.raises(ConfigError, match=r"learning_rate is 0"):
        FULL(learning_rate=0.0)


def test_a_fit_without_a_rate_is_that_with_the_chosen_one(toy_backbone):
    rows = toy.examples(48)
    task = registry.task("classify").from_examples(rows)
    job = Job(task, rows, rows[:12], resolve(str(toy_backbone)), Machine(threads=1))
    inputs = [example.input for example in toy.examples(9, seed=2)]
    told = [
        [answer.scores for answer in method.fit(job).predict(inputs)]
        for method in (FULL(epochs=1), FULL(epochs=1, learning_rate=2.4e-3))
    ]
    assert told[0] == told[1]


def test_a_run_says_which_rate_was_chosen(toy_backbone, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [f"{e.input},{e.target}\n" for e in toy.examples(90)]
    (tmp_path / "toy.csv").write_text("text,label\n" + "".join(lines))
    options = {"methods": ["full"], "backbone": (str(toy_backbone),), "trials": 1}
    done = tunewell.compare("toy.csv", full={"epochs": 1}, **options)
    (row,) = done.data["results"]
    assert row["options"]["learning_rate"] == 2.4e-3
    told = {each["name"]: each for each in done.data["options"]}["full.learning_rate"]
    assert told["value"] == 2.4e-3 and told["origin"] == "chosen"
    assert "learning_rate: null" in (done.folder / "run.yaml").read_text()
