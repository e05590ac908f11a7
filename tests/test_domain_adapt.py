"""A backbone reads texts without labels before it is tuned: once, whatever is tuned after."""

import json
from dataclasses import replace

import pytest
import torch

import toy
import tunewell
from fit import writers
from toy_tasks import examples
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import ConfigError, DataError, NotApplicable, Probed
from tunewell.fit import anatomy
from tunewell.fit.backbones import load_model, resolve
from tunewell.read.unlabelled import unlabelled
from tunewell.values import Example, Machine, read_json

TRAIN, VALIDATION, TEST = toy.examples(60), toy.examples(30, seed=1), toy.examples(150, seed=2)
TASK = registry.task("classify").from_examples(TRAIN)
MACHINE = Machine(threads=1)
STILL = {"learning_rate": 1e-12, "weight_decay": 0.0, "epochs": 1}
"""A tuning that moves nothing, so that what was read is what is left."""


def adapt(**options):
    return registry.method("domain_adapt")(**options)


@pytest.fixture(scope="session")
def texts(tmp_path_factory):
    return toy.texts(tmp_path_factory.mktemp("texts") / "toy.jsonl")


@pytest.fixture
def job(filling_backbone, texts):
    return Job(TASK, TRAIN, VALIDATION, resolve(str(filling_backbone)), MACHINE, texts=texts)


def body(predictor):
    return dict(anatomy.body(predictor.model).named_parameters())


def test_texts_are_read_once_for_all_trials_and_seeds(job, tmp_path):
    told = []
    given = replace(job, cache=tmp_path, report_progress=told.append)
    first = adapt(**STILL).fit(given)
    (kept,) = tmp_path.iterdir()
    made = kept.stat().st_mtime_ns
    assert not any(progress.borrowed_seconds for progress in told)
    assert "M tokens of texts without labels were read first" in "".join(p.note for p in told)
    done = [progress.done for progress in told if progress.done]
    assert done == sorted(done) and 0 < done[0] < 0.5 and done[-1] == 1
    told.clear()
    other = adapt(**{**STILL, "epochs": 2}).fit(replace(given, seed=5))
    assert [kept] == list(tmp_path.iterdir()) and kept.stat().st_mtime_ns == made
    assert max(progress.borrowed_seconds for progress in told) > 0
    before = dict(load_model(job.backbone).named_parameters())
    for name, read in body(first).items():
        if not name.startswith("pooler"):  # which no file holds
            assert torch.allclose(read, body(other)[name], atol=1e-7), name
            assert not torch.equal(read, before[name]), name
    adapt(**STILL, passes=1).fit(given)
    assert len(list(tmp_path.iterdir())) == 2


def test_few_labels_are_enough_where_many_texts_were_read(random_backbone, texts):
    """A backbone that knows nothing learns from texts which words go together."""
    job = Job(TASK, TRAIN, VALIDATION, resolve(str(random_backbone("bert"))), MACHINE, texts=texts)
    options = {"learning_rate": 1e-3, "epochs": 4}
    accuracy = {}
    for method in (
        registry.method("full")(**options),
        adapt(**options, passes=40, reading_rate=3e-3),
    ):
        answers = method.fit(job).predict([example.input for example in TEST])
        accuracy[method.name] = TASK.score([e.target for e in TEST], answers)["accuracy"]
    assert accuracy["domain_adapt"] > accuracy["full"] + 0.3, accuracy


def test_a_decoder_that_writes_keeps_the_output_layer_that_has_read(texts, tmp_path):
    backbone = resolve(str(writers.save("llama", tmp_path / "llama", "chatml")))
    rows = examples("complete", 24)
    job = Job(registry.task("complete")(), rows, rows[:8], backbone, MACHINE, texts=texts)
    predictor = adapt(**STILL, reading_rate=2e-3).fit(job)
    recall = predictor.recalled([example.input for example in TEST])
    before, after = (sum(each.nats for each in part) for part in (recall.before, recall.after))
    assert after < 0.8 * before
    fresh = load_model(backbone, "AutoModelForCausalLM").get_output_embeddings().weight
    assert not torch.equal(predictor.model.get_output_embeddings().weight, fresh)


def test_without_texts_or_words_to_learn_it_is_left_out_with_the_reason(job, texts, tmp_path):
    for probe in (False, True):
        with pytest.raises(NotApplicable, match="name them with --texts"):
            adapt().fit(replace(job, texts=None, probe=probe))
    backbone = resolve(str(writers.save("t5", tmp_path / "t5")))
    with pytest.raises(NotApplicable, match="neither writes word after word nor fills words in"):
        adapt().fit(replace(job, backbone=backbone))


def test_a_probe_counts_reading_once_for_all_trials(job):
    cost = {}
    for passes in (1, 400):
        with pytest.raises(Probed) as told:
            adapt(passes=passes).fit(replace(job, probe=True))
        cost[passes] = told.value
    assert cost[1].seconds > 0 and cost[1].once_fixed_seconds > 0
    assert cost[400].once_fixed_seconds > 3 * cost[1].once_fixed_seconds


class Stopped(Exception):
    """A fit was cut off."""


def test_reading_goes_on_from_a_checkpoint_to_the_bit(job, tmp_path):
    unbroken = body(adapt(**STILL).fit(job))
    folder = tmp_path / "checkpoints"

    def until(stop):
        def told(progress):
            if progress.done > stop:
                raise Stopped

        return replace(job, folder=folder, save_every_seconds=0.0, report_progress=told)

    for stop in (0.05, 0.3):
        with pytest.raises(Stopped):
            adapt(**STILL).fit(until(stop))
        assert list((folder / "reading").rglob("step-*"))
    resumed = adapt(**STILL).fit(until(2))
    assert not (folder / "reading").exists()
    for name, values in body(resumed).items():
        assert name.startswith("pooler") or torch.equal(values, unbroken[name]), name


def test_texts_of_test_rows_are_not_read(tmp_path):
    sentences = [example.input for example in toy.examples(300, seed=7)]
    test = [Example(f"{sentences[5].upper()}!", "sea"), Example("no such text", "sea")]
    lines = [json.dumps({"text": text}) for text in sentences]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    names = [str(tmp_path / "a.jsonl")]
    found = unlabelled(names, [adapt()], TASK, test)
    whole = unlabelled(names, [adapt()], TASK, [])
    assert found.documents + len(found.held_out) == whole.documents + len(whole.held_out) - 1
    assert sentences[5] not in {*found.texts(), *found.held_out}
    assert found.fingerprint != whole.fingerprint
    assert "1 text left out: test rows have the same." in found.notes


@pytest.mark.parametrize(
    ("name", "example", "document"),
    [
        ("fill", Example("the ___ sails the ___", "kelo sea"), "The kelo sails the sea."),
        ("complete", Example("the kelo sails", "the sea"), "the kelo sails the sea"),
        ("translate", Example("le bateau", "the boat"), "The boat!"),
    ],
)
def test_a_document_that_holds_the_answer_of_a_test_row_is_not_read(
    tmp_path, name, example, document
):
    others = [f"text {n} " * 20 for n in range(99)]
    lines = [json.dumps({"text": text}) for text in (document, *others)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    task = registry.task(name)()
    found = unlabelled([str(tmp_path / "a.jsonl")], [adapt()], task, [example])
    assert document not in {*found.texts(), *found.held_out}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A table, and texts without labels."""
    lines = [f"{e.input},{e.target}\n" for e in toy.examples(120)]
    (tmp_path / "toy.csv").write_text("text,label\n" + "".join(lines))
    toy.texts(tmp_path / "texts.jsonl")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_texts_put_a_rung_on_the_ladder(here, toy_backbone):
    options = {"methods": ["majority", "domain_adapt"], "backbone": (str(toy_backbone),)}
    options |= {"domain_adapt": {"epochs": 1}, "trials": 2, "out": "run"}
    done = tunewell.compare("toy.csv", texts=("texts.jsonl",), **options)
    row = next(row for row in done.data["results"] if row["method"] == "domain_adapt")
    assert row["status"] == "ok" and row["scores"]["accuracy"]["value"] > 0
    (planned,) = (
        r for r in read_json(here / "run" / "plan.json")["rows"] if r["method"] == "domain_adapt"
    )
    assert planned["estimate"]["once_seconds"] > 0
    first, second = (read_json(here / f"run/trials/domain_adapt-{n}/result.json") for n in (0, 1))
    assert second["cost_seconds"] > second["spent_seconds"]
    assert "texts without labels were read first" in " ".join(first["notes"] + second["notes"])
    assert len(list((here / "run" / "cache").glob("read-*"))) == 1

    again = tunewell.compare("toy.csv", **options | {"out": "other"})
    row = next(row for row in again.data["results"] if row["method"] == "domain_adapt")
    assert row["status"] == "skipped" and "--texts" in row["reason"]
    with pytest.raises(ConfigError, match="no method reads any"):
        tunewell.plan("toy.csv", texts=("texts.jsonl",), methods=["majority"])
    with pytest.raises(DataError, match="nowhere"):
        tunewell.plan("toy.csv", texts=("nowhere.txt",), methods=["domain_adapt"])
