"""Prompting through an endpoint, the whole way: compare, the cap, the cache, the table."""

import csv
from pathlib import Path

import pytest

import toy
import tunewell
from endpoint_server import serving
from tunewell.cli import main
from tunewell.values import read_json

ASKING = "zero_shot,few_shot,prompt_search"
SAID = "Name the topic by its words"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNEWELL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", "sesame")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with (tmp_path / "toy.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [(e.input, e.target) for e in toy.examples(120)]
        csv.writer(file).writerows([("text", "label"), *rows])
    return tmp_path


def topic(text):
    counts = {t: sum(w in text.split() for w in ws.split()) for t, ws in toy.TOPICS.items()}
    return max(counts, key=counts.get)


def clever(number, request):
    """Knows topics once it is told to look at the words, and finds out how to be told."""
    asked = request["messages"][-1]["content"]
    if asked.endswith("Instruction:"):
        return f"{SAID}."
    text = asked.rpartition("Text: ")[2].partition("\n")[0]
    if number % 11 == 5:
        return None
    return topic(text) if SAID in asked else "It could be anything."


def compare(server, *more, methods=ASKING, out="run"):
    typed = ["compare", "toy.csv", "--backbone", "openai:small", "--base-url", server.url]
    return main([*typed, "--methods", methods, "--trials", "1", "--out", out, *more])


def results(out="run"):
    return {r["method"]: r for r in read_json(Path(out) / "comparison.json")["results"]}


def test_the_address_in_the_environment_is_told_before_rows_are_sent_there(monkeypatch, capsys):
    with serving(clever) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        typed = ["compare", "toy.csv", "--backbone", "openai:small", "--methods", "zero_shot"]
        assert main([*typed, "--trials", "1", "--out", "run"]) == 0
        assert server.requests and f"is asked at {server.url}" in capsys.readouterr().err
        assert "max_tokens" in server.requests[0]
    told = read_json(Path("run/comparison.json"))["options"]
    (base,) = (each for each in told if each["name"] == "base_url")
    assert base["value"] == server.url and "OPENAI_BASE_URL" in base["reason"]


def test_methods_that_ask_run_and_others_say_why_not(capsys):
    with serving(clever) as server:
        more = ["--price-per-million", "1,2", "--prompt_search.candidates", "8"]
        assert compare(server, *more, methods=f"majority,{ASKING},lora,features") == 0
        said = capsys.readouterr()
        found, count = results(), len(server.requests)
        assert found["lora"]["status"] == found["features"]["status"] == "skipped"
        assert "can only be asked" in found["lora"]["reason"]
        score = {n: r["scores"]["accuracy"]["value"] for n, r in found.items() if "scores" in r}
        assert score["zero_shot"] == 0 and score["prompt_search"] > 0.75
        notes = str(found["zero_shot"]["notes"])
        assert "refused" in notes and "not to be understood" in notes
        spent = found["few_shot"]["spent"]
        assert spent["tokens_read"] > found["zero_shot"]["spent"]["tokens_read"] > 0
        assert spent["money"] == pytest.approx(
            (spent["tokens_read"] + 2 * spent["tokens_written"]) / 1e6
        )
        assert "your rows are sent there" in said.err + said.out
        table = tunewell.run.Comparison(read_json(Path("run/comparison.json")), Path("run")).table()
        assert "1,000 answers" in table
        assert read_json(Path("run/spent.json"))["tokens"] == server.tokens
        again = compare(server, *more, methods=f"majority,{ASKING},lora,features", out="again")
        assert again == 0 and len(server.requests) == count  # nothing is paid for twice
    folder = found["prompt_search"]["folder"]
    assert SAID in Path(f"run/{folder}/model/prompt.txt").read_text(encoding="utf-8")


def test_what_may_be_spent_is_never_passed_and_the_run_goes_on(capsys):
    with serving(clever) as server:
        assert compare(server, "--max-tokens-spent", "1500", methods="majority,few_shot") == 0
        assert server.tokens <= 1500
        few = results()["few_shot"]
        assert few["status"] == "failed" and "--max-tokens-spent" in few["reason"]
        more = "300000"
        assert compare(server, "--max-tokens-spent", more, methods="majority,few_shot") == 0
        assert results()["few_shot"]["status"] == "ok"
        assert read_json(Path("run/spent.json"))["tokens"] == server.tokens


def test_a_model_of_an_endpoint_answers_beyond_its_run(capsys):
    with serving(clever) as server:
        assert compare(server, "--max-tokens-spent", "100000", methods="few_shot") == 0
        folder = results()["few_shot"]["folder"]
        model = tunewell.load(f"run/{folder}/model")
        before = read_json(Path("run/spent.json"))
        assert len(model.predict([f"kelo {n}" for n in range(6)])) == 6
        assert read_json(Path("run/spent.json")) == before


def test_options_of_endpoints_without_one_are_refused(capsys):
    for option, value in (("base-url", "http://localhost:1/v1"), ("max-tokens-spent", "5")):
        assert main(["compare", "toy.csv", f"--{option}", value]) == 2
        assert "does nothing here" in capsys.readouterr().err
    assert main(["compare", "toy.csv", "--backbone", "openai:a", "--max-money-spent", "1"]) == 2
    assert "price-per-million" in capsys.readouterr().err
