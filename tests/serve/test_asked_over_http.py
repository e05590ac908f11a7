"""A model of ours that is served, asked by the methods that ask endpoints."""

from dataclasses import replace

from ports import listening

import tunewell
from serve.conftest import told
from tunewell import registry
from tunewell.contracts import Job
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
