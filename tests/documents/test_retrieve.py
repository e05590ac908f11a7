"""Answers from documents: in a comparison, and when an index is asked."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

import tunewell
from endpoint_server import serving
from fit import tiny, writers
from tunewell import registry
from tunewell.cli import main
from tunewell.contracts import Job
from tunewell.documents.files import documents_in
from tunewell.documents.finding import open_index
from tunewell.documents.planning import sample
from tunewell.documents.settings import AskOptions
from tunewell.errors import ConfigError, DataError, NotApplicable, ResourceError
from tunewell.fit.backbones import resolve
from tunewell.fit.endpoints.named import endpoint_named
from tunewell.fit.endpoints.writer import AT_ONCE, SECONDS
from tunewell.fit.prompting.passages import with_passages
from tunewell.fit.prompting.writers import writer_of
from tunewell.plan.probe import estimate
from tunewell.values import Machine, read_json

TOWNS = {
    "Ulm": "a tall spire",
    "Bonn": "a small house",
    "Kiel": "a long canal",
    "Jena": "old lenses",
}
MACHINE = Machine(threads=1)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNEWELL_CACHE", str(tmp_path / "cache"))
    Path("towns").mkdir()
    for town, what in TOWNS.items():
        Path(f"towns/{town}.txt").write_text(f"The town of {town} is known for {what}.\n")
    tunewell.index("towns", out="index", backbone=str(tiny.save(tmp_path / "encoder")))
    with Path("towns.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [
            (f"What is {t} known for, asks {n}?", w) for n in range(15) for t, w in TOWNS.items()
        ]
        csv.writer(file).writerows([("instruction", "output"), *rows])
    return tmp_path


def reads(number, request):
    """Answers from passages, or not at all."""
    text = request["messages"][-1]["content"]
    asked = next(t for t in TOWNS if f"What is {t}" in text)
    passages = [line for line in text.splitlines() if line.startswith("[")]
    found = next((line for line in passages if f"of {asked} " in line), None)
    cited = f" {found[:3]}" if found and "Question:" in text else ""
    return TOWNS[asked] + cited if found else "I do not know."


def test_retrieve_answers_from_documents_in_a_comparison(here):
    with serving(reads) as server:
        typed = ["compare", "towns.csv", "--task", "instruct", "--backbone", "openai:small"]
        typed += ["--base-url", server.url, "--methods", "majority,zero_shot,retrieve"]
        more = ["--documents", "index", "--trials", "1", "--retrieve.by", "words", "--out", "run"]
        assert main([*typed, *more]) == 0
        found = {r["method"]: r for r in read_json(Path("run/comparison.json"))["results"]}
        score = {name: row["scores"]["f1"]["value"] for name, row in found.items()}
        assert score["retrieve"] > 0.9 > score["zero_shot"]
        model = Path("run") / found["retrieve"]["folder"] / "model"
        Path("index").rename("gone")  # the model has its own
        again = tunewell.load(model).predict([{"instruction": "What is Kiel known for, asks he?"}])
        assert again[0].value == TOWNS["Kiel"]


def test_an_index_is_asked_for_an_answer_with_its_sources(here, capsys):
    with serving(reads) as server:
        typed = ["ask", "index", "What is Ulm known for?", "--by", "words"]
        typed += ["--backbone", "openai:small", "--base-url", server.url]
        assert main(typed) == 0
        said = capsys.readouterr().out
        assert said.startswith("a tall spire [") and "Ulm.txt, line 1" in said
        assert main([*typed, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        (cited,) = found["answer"]["cited"]
        assert found["passages"][cited - 1]["file"] == "Ulm.txt"
        assert found["answer"]["by"] == "openai:small"
    with pytest.raises(ConfigError, match="cannot write an answer"):
        tunewell.ask("index", "What is Ulm?", by="words", backbone=str(here / "encoder"))


def test_a_local_model_is_shown_what_its_window_holds(here):
    writers.save("gpt2", here / "decoder")
    writer = writer_of(resolve(str(here / "decoder")), MACHINE)
    texts = ["word " * 8] * 6
    asked, count = with_passages(writer, "Question: which?\nAnswer:", texts, 20)
    assert 0 < count < 6 and writer.tokens(asked) + 20 <= writer.window
    assert asked.endswith("Question: which?\nAnswer:") and f"[{count}]" in asked
    found = tunewell.ask("index", "What is Ulm?", by="words", backbone=str(here / "decoder"))
    assert found.answer.read >= 0 and isinstance(found.answer.text, str)


def test_why_retrieve_does_not_run_is_told(here):
    rows = [{"instruction": f"What is {n}?", "output": "b"} for n in range(8)]
    task = registry.task("instruct")()
    train = tuple(task.read(row, "a.csv, row 2") for row in rows)
    backbone = resolve(str(writers.save("gpt2", here / "decoder")))
    job = Job(task, train, train, backbone, MACHINE, cache=here / "cache")
    method = registry.method("retrieve")
    with pytest.raises(NotApplicable, match="--documents"):
        method().fit(job)
    translate = registry.task("translate")()
    pairs = tuple(translate.read({"source": "a", "target": "b"}, "row") for _ in range(4))
    with pytest.raises(NotApplicable, match="no question"):
        method(documents="index").fit(Job(translate, pairs, pairs, backbone, MACHINE))
    predictor = method(documents="index", by="words").fit(job)
    answers = predictor.predict([row.input for row in train])
    assert len(answers) == 8 and predictor.predict([]) == []
    predictor.save(here / "model")
    again = method.load(here / "model", MACHINE).predict([row.input for row in train])
    assert [a.value for a in again] == [a.value for a in answers]


def test_a_fitted_reader_finds_answers_in_what_was_found(here):
    task = registry.task("answer")()
    cells = [
        {
            "question": f"What is {town} known for, asks {n}?",
            "passage": f"The town of {town} is known for {what}.",
            "answer": what,
        }
        for n in range(4)
        for town, what in TOWNS.items()
    ]
    rows = tuple(task.read(row, "a.csv, row 2") for row in cells)
    encoder = resolve(str(here / "encoder"))
    job = Job(task.from_examples(rows), rows, rows, encoder, MACHINE)
    retrieve = registry.method("retrieve")(documents="index", by="words", passages=2)
    with pytest.raises(NotApplicable, match="not write"):
        retrieve.fit(job)  # one that was only pretrained finds nothing
    reader = registry.method("full")(epochs=2, learning_rate=5e-3).fit(job)
    reader.save(here / "reader")
    job = replace(job, backbone=resolve(str(here / "reader")))
    predictor, inputs = retrieve.fit(job), [row.input for row in rows]
    answers, index = predictor.predict(inputs), open_index("index", "words")
    options = AskOptions(passages=2, by="words")
    for given, answer in zip(inputs, answers, strict=True):
        found = [hit.text for hit in index.find(given["question"], options).passages]
        assert len(found) == 2 and given["passage"] in " ".join(found)
        (read,) = reader.predict([{**given, "passage": "\n\n".join(found)}])
        assert answer.scores == pytest.approx(read.scores, abs=1e-5)
        if answer.value is None:
            assert read.value.text not in given["passage"]
            continue
        span = answer.value
        assert given["passage"][span.start : span.end] == span.text == read.value.text
    assert any(answer.value is not None for answer in answers)
    assert predictor.predict([]) == [] and predictor.parameters.trainable == 0
    nowhere = predictor.predict([{"question": "zebra", "passage": "none"}])
    assert nowhere[0].value is None
    predictor.save(here / "model")
    Path("index").rename("gone")
    again = registry.method("retrieve").load(here / "model", MACHINE).predict(inputs)
    assert [a.value for a in again] == [a.value for a in answers]


def test_an_index_and_longer_questions_are_in_the_plan(here):
    """Of a model behind an endpoint an answer is taken to need the same; of another it is timed."""
    rows = [{"instruction": f"What is {n}?", "output": "b"} for n in range(20)]
    task = registry.task("instruct")()
    train = tuple(task.read(row, "a.csv, row 2") for row in rows)
    far = endpoint_named("openai:small", base_url="http://127.0.0.1:9/v1")
    job = Job(task, train, train[:10], far, MACHINE)
    asked = estimate(registry.method("retrieve")(documents="index", by="words"), job)
    each = SECONDS / AT_ONCE
    assert asked.once_seconds == 0 and asked.seconds == pytest.approx(10 * each)
    near = resolve(str(writers.save("llama", here / "decoder")))
    job = replace(job, backbone=near)
    found = estimate(registry.method("retrieve")(documents="index", by="words"), job)
    plain = estimate(registry.method("zero_shot")(), job)
    assert found.seconds >= 10 * found.answer_seconds > 0
    assert found.shared_seconds > 0 and plain.shared_seconds > 0  # the model is loaded for both


def test_making_an_index_takes_about_as_long_as_planned(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        resolve(None)
    except ResourceError as missing:
        pytest.skip(f"the default backbone is not here: {missing}")
    handbook = Path(__file__).parents[2] / "examples" / "handbook"
    planned = sample(handbook, 3)
    assert len(planned.passages) == 3 and all(planned.passages)
    assert planned.passages_for(registry.task("instruct")(), {}) == list(planned.passages)
    done = tunewell.index(handbook, out="made")
    assert done.seconds / 20 < planned.seconds < done.seconds * 20
    with pytest.raises(DataError, match="no document"):
        (tmp_path / "empty").mkdir()
        sample(tmp_path / "empty", 3)


def test_changed_documents_are_another_trial(here):
    retrieve = registry.methods()["retrieve"]
    before = retrieve(documents="towns").content()
    assert retrieve(documents="towns").content() == before
    Path("towns/Ulm.txt").write_text("The town of Ulm is known for sparrows.\n")
    assert retrieve(documents="towns").content() != before
    changed = retrieve(documents="towns").content()
    Path("towns/run/trials").mkdir(parents=True)
    for name in ("data.json", "plan.json", "report.html", "trials/README.md"):
        Path("towns/run", name).write_text("{}")  # what a run leaves in a folder is no document
    assert retrieve(documents="towns").content() == changed
    assert [file.name for file in documents_in(Path("towns"), Path("index"))[0]] == [
        path.name for path in sorted(Path("towns").glob("*.*"))
    ]
    assert retrieve(documents="index").content() not in ("", before)
    assert retrieve(documents="nowhere").content() == retrieve(documents="elsewhere").content()
    with serving(reads) as server:
        typed = ["compare", "towns.csv", "--task", "instruct", "--backbone", "openai:small"]
        typed += ["--base-url", server.url, "--methods", "retrieve", "--documents", "index"]
        typed += ["--trials", "1", "--retrieve.by", "words", "--out", "again"]
        assert main(typed) == 0
        asked = len(server.requests)
        tunewell.index("towns", out="index")
        assert main(typed) == 0
        assert len(server.requests) > asked
    assert len(list(Path("again/trials").iterdir())) == 2
