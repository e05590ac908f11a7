"""What a task learns from a fitted model's answers stays with the model, whatever it is made of."""

from dataclasses import dataclass, replace

import pytest
from toy_heads import Several

from tunewell import registry
from tunewell.contracts import Job
from tunewell.decide import several_labels
from tunewell.fit.backbones import resolve
from tunewell.measure.trial import load_model, run_trial
from tunewell.values import Machine, read_json, to_json


@dataclass(frozen=True)
class Tuned(Several):
    """A label is given from the mean of its probabilities on."""

    name = "toy_tuned"

    def tuned(self, targets, answers):
        assert len(targets) == len(answers)
        return replace(
            self,
            thresholds={
                label: sum(a.scores[label] for a in answers) / len(answers) for label in self.labels
            },
        )

    def decided(self, answers):
        return [several_labels(answer.scores, self.thresholds) for answer in answers]

    def to_json(self):
        return {"name": self.name, **to_json(self)}

    @classmethod
    def from_json(cls, value):
        return cls(labels=tuple(value["labels"]), thresholds=value["thresholds"])

    def texts(self, input):
        return (input,)


@pytest.mark.parametrize("name", ["bag_of_words", "features", "head", "lora"])
def test_thresholds_are_of_the_model_that_they_were_found_with(
    toy_backbone, monkeypatch, tmp_path, name
):
    monkeypatch.setitem(registry.tasks(), "toy_tuned", Tuned)
    method = registry.method(name)()
    if hasattr(method, "epochs"):
        method = replace(method, epochs=1)
    rows = Tuned.rows(24, seed=1)
    backbone = resolve(str(toy_backbone)) if method.needs_backbone else None
    job = Job(Tuned(), Tuned.rows(48), rows, backbone, Machine(threads=1))
    result = run_trial(method, job, tmp_path, {}, lambda progress: None, {})
    assert result["status"] == "ok", result["reason"]
    predictor = load_model(tmp_path / "model", Machine(threads=1))
    answers = predictor.predict([row.input for row in rows])
    means = Tuned().tuned(rows, answers).thresholds
    assert read_json(tmp_path / "model" / "model.json")["task"]["thresholds"] == means
    for answer in answers:
        assert answer.value == tuple(k for k in means if answer.scores[k] >= means[k])
    score = Tuned().score([row.target for row in rows], answers)
    assert result["validation"] == score
