"""The way out of every method on the first task that it is for, and of every kind of head."""

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from ejected import check, compare, fitted_in, run_of, told_by_scripts, written_out

import toy
import tunewell
from endpoint_server import serving
from fit import writers
from tunewell import registry
from tunewell.serve.eject import eject

FIRST = ("classify", "score_pairs", "tag", "answer", "choose", "similar", "instruct")
"""Toy tasks, one for each kind of answer."""
KINDS = ("label", "number", "spans", "span", "choice", "vector", "text")
PARTS = 4
"""Tests that the methods are divided into."""
NEEDS = {"qlora": "bitsandbytes", "retrieve": "lancedb"}
"""Packages that are not always there."""
TRAINED = ("head", "full", "lora", "gradual")


def first_task(name):
    """The first toy task whose kind of answer a method gives."""
    answers = registry.method(name).answers
    return next(t for t, k in zip(FIRST, KINDS, strict=True) if answers is None or k in answers)


def options(name, documents):
    """What a method must be told to be tried on a handful of rows."""
    return {
        "retrieve": {"documents": str(documents), "by": "words"},
        "prompt_search": {"candidates": 2, "proposals": 1, "tokens": 20_000},
        "augment": {"base_method": "features"},
        "instructed": {"base_method": "features"},
    }.get(name, {})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder in which runs are made."""
    return tmp_path_factory.mktemp("ejected")


@pytest.fixture
def here(home, monkeypatch):
    """The working directory of runs and scripts."""
    monkeypatch.chdir(home)
    return home


@pytest.fixture(scope="module")
def run(home, toy_backbone, filling_backbone):
    """The run of a toy task, made once; of models that write for a method that asks."""

    @cache
    def make(name, writes=False):
        before = Path.cwd()
        os.chdir(home)
        try:
            backbone, more = toy_backbone, ["--max-length", "24"]
            if name == "fill":
                backbone = filling_backbone
            if writes:
                backbone = writers.save("gpt2", home / "gpt2")
                more = ["--max-length", str(writers.WINDOW)]
            return run_of(name, backbone, *more, out=f"{name}-{writes}")
        finally:
            os.chdir(before)

    return make


@pytest.mark.parametrize("part", range(PARTS))
def test_every_method_ejects_on_its_first_task(here, run, tmp_path, toy_backbone, part):
    scripts, expected = tmp_path / "scripts", {}
    scripts.mkdir()
    for name in [*registry.methods()][part::PARTS]:
        if getattr(registry.method(name), "reads_texts", False):
            continue  # which it needs: tests of its own
        if name in NEEDS and find_spec(NEEDS[name]) is None:
            continue
        if name == "retrieve":
            (tmp_path / "texts").mkdir()
            (tmp_path / "texts" / "one.txt").write_text("The kelo sails on the sea. Na to maru.")
            made = str(tmp_path / "index")
            tunewell.index(str(tmp_path / "texts"), out=made, backbone=str(toy_backbone))
        asks = name in ("prompt_search", "retrieve")
        own = options(name, tmp_path / "index")
        expected[name] = written_out(run(first_task(name), asks), scripts, name, name, **own)
    compare(expected, scripts)


@pytest.mark.parametrize("task", ["tag", "tag_text", "answer", "choose", "similar"])
def test_scripts_of_every_head_that_trains(here, run, tmp_path, task):
    check(run(task), tmp_path, *TRAINED)


@pytest.mark.parametrize("task", ["classify_pairs", "score_pairs", "similar_scores"])
def test_scripts_of_pairs_of_texts(here, run, tmp_path, task):
    cheap = ("majority", "bag_of_words", "few_shot", "features")
    check(run(task), tmp_path, *cheap, "head", "lora")


def test_scripts_of_sets_of_labels(here, run, tmp_path):
    cheap = ("majority", "bag_of_words", "few_shot", "features")
    check(run("classify_sets"), tmp_path, *cheap, "head", "lora")


def test_scripts_of_rows_and_their_copies(here, run, tmp_path):
    check(run("classify"), tmp_path, "augment", base_method="bag_of_words")


@pytest.mark.parametrize("base", ["head", "instructed"])
def test_a_script_trains_on_rows_and_their_copies(here, run, tmp_path, base):
    expected = written_out(run("classify"), tmp_path, "mine", "augment", base_method=base)
    told = told_by_scripts(tmp_path)["mine"]  # with dropout, which falls on other units
    assert not isinstance(told, str), told[-3000:]
    same = [own["value"] == its["value"] for own, its in zip(expected, told, strict=True)]
    assert sum(same) > 0.8 * len(same)


LABELS = {"sea": "sea"}
"""One topic against all others."""
UNEQUAL = {
    "weights": ["--classify.class_weights", "balanced"],
    "focal": ["--classify.focal_gamma", "2"],
    "batches": ["--classify.balanced_batches", "true"],
    "windows": ["--classify.long_texts", "windows", "--max-length", "12"],
    "metric": ["--metric", "macro_f1"],
}


@pytest.mark.parametrize("asked", UNEQUAL)
def test_scripts_of_two_unequal_labels(here, toy_backbone, tmp_path, asked):
    rows = [{"text": e.input, "label": LABELS.get(e.target, "land")} for e in toy.examples(150)]
    rows = [{"input": row["text"], "target": row["label"]} for row in rows]
    out = f"unequal-{asked}"
    made = run_of("classify", toy_backbone, *UNEQUAL[asked], rows=rows, out=out)
    check(made, tmp_path, "majority", "features", "few_shot", "head", "full")


@pytest.mark.parametrize(
    ("task", "name", "more"),
    [
        ("classify", "zero_shot", {}),
        ("classify", "few_shot", {"k": 3}),
        ("classify", "few_shot", {"k": 2, "examples": "diverse", "by": "generating"}),
        ("classify_sets", "zero_shot", {}),
        ("score", "few_shot", {"k": 2, "examples": "random"}),
        ("choose", "zero_shot", {}),
        ("answer", "zero_shot", {}),
        ("instruct", "few_shot", {"k": 2}),
    ],
)
def test_scripts_that_ask(here, run, tmp_path, task, name, more):
    check(run(task, True), tmp_path, name, **more)


@pytest.mark.parametrize("shape", ["llama", "t5"])
def test_scripts_that_ask_in_a_conversation(here, tmp_path, shape):
    template = "thinking" if shape == "llama" else "none"
    backbone = writers.save(shape, here / f"asked-{shape}", template)
    more = ["--max-length", str(writers.WINDOW)]
    made = run_of("classify", backbone, *more, count=60, out=f"talk-{shape}")
    check(made, tmp_path, "zero_shot", "few_shot", by="scoring")


def test_a_script_asks_an_endpoint(here, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sesame")
    monkeypatch.setenv("TUNEWELL_CACHE", str(tmp_path / "cache"))
    topics = list(toy.TOPICS)
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    with serving(lambda number, request: topics[len(request["messages"][-1]["content"]) % 3]) as s:
        more = ["--base-url", s.url]
        made = run_of("classify", "openai:small", *more, count=60, out="asked-there")
        check(made, scripts, "zero_shot", "few_shot")
        assert set(s.keys) == {"Bearer sesame"}


@pytest.mark.parametrize("name", ["full", "lora", "bitfit", "last_layers"])
def test_scripts_that_fill_words_in(here, run, tmp_path, name):
    predictor, model, test = fitted_in(run("fill"), name)
    inputs, targets = [e.input for e in test], [e.target for e in test]
    expected = [each.nats for each in predictor.surprise(inputs, targets) if each is not None]
    (tmp_path / f"{name}.py").write_text(eject(model, tmp_path / f"{name}.py"), encoding="utf-8")
    told = [row[0] for row in told_by_scripts(tmp_path)[name]]
    assert len(expected) == len(test) and told == pytest.approx(expected, abs=1e-4)


def test_an_untouched_encoder_that_fills_in_has_no_script(here, run, tmp_path):
    _, model, _ = fitted_in(run("fill"), "zero_shot")
    with pytest.raises(tunewell.ConfigError, match="fills in as it stands are not written out"):
        eject(model, tmp_path / "mine.py")


@pytest.mark.parametrize("name", ["full", "prompt_tuning"])
def test_a_script_of_plain_texts(here, run, tmp_path, name):
    predictor, model, test = fitted_in(run("complete", True), name)
    expected = predictor.surprise([e.input for e in test], [e.target for e in test])
    (tmp_path / "mine.py").write_text(eject(model, tmp_path / "mine.py"), encoding="utf-8")
    told = [row[0] for row in told_by_scripts(tmp_path)["mine"]]
    assert told == pytest.approx([each.nats for each in expected], abs=1e-3)


def test_a_script_tells_how_little_texts_are_expected(here, run, tmp_path):
    predictor, model, test = fitted_in(run("complete", True), "zero_shot")
    expected = predictor.surprise([e.input for e in test], [e.target for e in test])
    (tmp_path / "mine.py").write_text(eject(model, tmp_path / "mine.py"), encoding="utf-8")
    told = [row[0] for row in told_by_scripts(tmp_path)["mine"]]
    assert told == pytest.approx([each.nats for each in expected], abs=1e-3)
