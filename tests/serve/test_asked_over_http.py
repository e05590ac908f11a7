"""Served models and endpoints: ours asked by the methods that ask, and others' served by us."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from ports import listening

import tunewell
from endpoint_server import serving
from serve.conftest import told
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import ConfigError
from tunewell.fit.endpoints.account import account_of
from tunewell.fit.endpoints.named import endpoint_named
from tunewell.serve.api import build
from tunewell.serve.models import open_models
from tunewell.serve.settings import ServeOptions
from tunewell.values import Machine


def test_what_is_served_answers_whoever_asks_an_endpoint(writing, questions, tmp_path, monkeypatch):
    monkeypatch.setenv("TUNEWELL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    here = tunewell.load(writing("llama"))
    models = open_models([f"small={writing('llama')}"])
    task = registry.task("instruct").from_examples(told(8, 0))
    with listening(build(models, ServeOptions())) as port:
        backbone = endpoint_named("openai:small", base_url=f"http://127.0.0.1:{port}/v1")
        job = Job(task, told(8, 0), told(8, 1), backbone, Machine(threads=1))
        asked = registry.method("zero_shot")().fit(job)
        assert asked.predict(questions) == here.predict(questions)
        few = replace(registry.method("few_shot")(), k=1).fit(job)
        assert len(few.predict(questions)) == len(questions)
        assert few.spent()["tokens_read"] > asked.spent()["tokens_read"] > 0
        few.save(tmp_path / "model")
    again = tunewell.load(tmp_path / "model")  # every reply is kept, so that no server is needed
    assert again.predict(questions) == few.predict(questions)


@pytest.fixture
def asked_at(tmp_path, monkeypatch):
    """Makes the folder of a model that is asked at an address."""
    monkeypatch.setenv("TUNEWELL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def make(url: str, **more):
        task = registry.task("instruct").from_examples(told(8, 0))
        backbone = endpoint_named("openai:small", base_url=url, **more)
        job = Job(task, told(8, 0), told(8, 1), backbone, Machine(threads=1))
        registry.method("zero_shot")().fit(job).save(tmp_path / "far" / "model")
        return tmp_path / "far" / "model"

    return make


def spent() -> int:
    """Tokens that this process has spent on models that it serves."""
    return account_of(endpoint_named("openai:small").endpoint).spent.tokens


def test_what_a_served_model_spends_elsewhere_is_bounded(asked_at, questions):
    with serving(lambda n, r: "kelo!") as server:
        folder = asked_at(server.url)
        options = ServeOptions(max_tokens_spent=spent() + 200)
        models = open_models([str(folder)], options)
        assert models["far"].elsewhere and not server.requests  # none is asked to try it
        statuses = []
        with TestClient(build(models, options), base_url="http://localhost") as client:
            for number in range(12):
                question = {**questions[0], "input": f"a na {number}"}
                reply = client.post("/v1/predict", json={"inputs": [question]})
                statuses.append(reply.status_code)
        assert statuses[0] == 200 and statuses[-1] == 503 and server.tokens <= 200
        assert "--max-tokens-spent" in reply.json()["error"]["remedy"]


def test_caps_need_somebody_who_spends(asked_at, fitted):
    with pytest.raises(ConfigError, match="max_tokens_spent does nothing here"):
        open_models([str(fitted("majority"))], ServeOptions(max_tokens_spent=5))
    with serving(lambda n, r: "kelo!") as server:
        folder = str(asked_at(server.url))
        with pytest.raises(ConfigError, match="what tokens cost is not known"):
            open_models([folder], ServeOptions(max_money_spent=1.0))
        priced = ServeOptions(max_money_spent=1.0, price_per_million=(1.0, 2.0))
        assert open_models([folder], priced)["far"].elsewhere


def test_who_waits_for_a_server_that_does_not_answer_keeps_nobody_waiting(
    asked_at, fitted, questions, texts
):
    go_on = threading.Event()
    with serving(lambda n, r: go_on.wait(20) and "late") as server:
        models = open_models([str(asked_at(server.url)), f"near={fitted('majority')}"])
        app = build(models, ServeOptions())
        with TestClient(app, base_url="http://localhost") as client, ThreadPoolExecutor(1) as pool:
            asked = {"model": "far", "inputs": questions[:1]}
            far = pool.submit(client.post, "/v1/predict", json=asked)
            while not server.requests:
                time.sleep(0.01)
            near = client.post("/v1/predict", json={"model": "near", "inputs": texts})
            assert near.status_code == 200 and not far.done()
            go_on.set()
            assert far.result().status_code == 200


def test_a_question_elsewhere_ends_with_the_time_of_a_request(asked_at, questions):
    options = ServeOptions(timeout="1s")
    with serving(lambda n, r: time.sleep(3) or "late") as server:
        models = open_models([str(asked_at(server.url))], options)
        with TestClient(build(models, options), base_url="http://localhost") as client:
            begun = time.perf_counter()
            reply = client.post("/v1/predict", json={"inputs": questions[:1]})
            assert reply.status_code in (503, 504) and time.perf_counter() - begun < 2.5
