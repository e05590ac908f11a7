"""The plain scripts under examples/by_hand give the library's numbers on the toy world."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import toy
from tunewell import registry
from tunewell.contracts import Job, Predictor
from tunewell.values import Machine, Progress

SCRIPTS = Path(__file__).resolve().parent.parent / "examples" / "by_hand"
BATCH_SIZE, STEPS, NEW_ROWS = 16, 20, 30


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def job_on(folder: Path, told: list[Progress]) -> Job:
    """One epoch over its rows is the twenty steps."""
    from tunewell.fit.backbones import resolve

    train = toy.examples(BATCH_SIZE * STEPS)
    return Job(
        task=registry.task("classify").from_examples(train),
        train=train,
        validation=toy.examples(60, seed=1),
        backbone=resolve(str(folder), pooling="mean"),
        machine=Machine(dtype="float32", threads=1),
        report_progress=told.append,
    )


def new_texts() -> list[str]:
    return [example.input for example in toy.examples(NEW_ROWS, seed=2)]


def probabilities(predictor: Predictor) -> list[float]:
    """The library's, of each label of each text in turn."""
    answers = predictor.predict(new_texts())
    return [answer.scores[label] for answer in answers for label in predictor.task.labels]


@pytest.mark.parametrize("name", ["full", "lora"])
def test_training_by_hand_is_training_with_the_library(name: str, toy_backbone: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    from tunewell.fit.batches import epoch_batches

    told: list[Progress] = []
    job = job_on(toy_backbone, told)
    method = registry.method(name)(
        learning_rate=3e-3, epochs=1, batch_size=BATCH_SIZE, warmup=0.1, dropout=0.0
    )
    predictor = method.fit(job)
    losses = [progress.loss for progress in told if progress.loss is not None]
    assert len(losses) == STEPS

    texts, labels = [e.input for e in job.train], [e.target for e in job.train]
    tokenizer = AutoTokenizer.from_pretrained(toy_backbone)
    lengths = [len(ids) for ids in tokenizer(texts)["input_ids"]]
    by_hand, still = script(name), {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    backbone = AutoModel.from_pretrained(toy_backbone, **still)
    torch.manual_seed(job.seed)
    if name == "lora":
        backbone = by_hand.with_updates(backbone, method.rank, method.alpha, dropout=0.0)
    torch.manual_seed(job.seed)
    model = by_hand.Classifier(backbone, len(job.task.labels))
    own_losses = by_hand.train(
        model,
        tokenizer,
        texts,
        [job.task.labels.index(label) for label in labels],
        epoch_batches(lengths, BATCH_SIZE, job.seed, epoch=0),
        method.learning_rate,
        warmup_steps=2,
    )
    assert own_losses == pytest.approx(losses, abs=1e-5)
    assert sum(losses[-5:]) < sum(losses[:5]) - 0.25, "nothing was learnt: equality says little"

    model.eval()
    with torch.inference_mode():
        own = by_hand.logits_of(model, tokenizer, new_texts()).softmax(-1)
    assert own.flatten().tolist() == pytest.approx(probabilities(predictor), abs=1e-5)


def test_features_by_hand_are_features_with_the_library(toy_backbone: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    job, by_hand = job_on(toy_backbone, []), script("features")
    predictor = registry.method("features")(C=1.0).fit(job)

    model, tokenizer = (
        AutoModel.from_pretrained(toy_backbone),
        AutoTokenizer.from_pretrained(toy_backbone),
    )
    train = by_hand.vectors_of(model, tokenizer, [example.input for example in job.train])
    new = by_hand.vectors_of(model, tokenizer, new_texts())
    train, new = by_hand.standardised(train, train), by_hand.standardised(new, train)
    own = by_hand.train(train, [example.target for example in job.train], C=1.0)
    assert tuple(own.classes_) == job.task.labels
    answers = own.predict_proba(new)
    assert answers.flatten().tolist() == pytest.approx(probabilities(predictor), abs=1e-5)
