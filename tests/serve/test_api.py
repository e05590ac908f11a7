"""The HTTP service: the same answers as the library, and every refusal with its reason."""

import asyncio
import base64
import json
import threading
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

import tunewell
from tunewell.serve.api import build
from tunewell.serve.models import open_models
from tunewell.serve.settings import ServeOptions

KEY = "correct horse battery"


@pytest.fixture(scope="module")
def models(fitted):
    return open_models([str(fitted(name)) for name in ("features", "lora", "majority")])


@pytest.fixture
def client(models) -> Iterator[TestClient]:
    yield from open_client(models)


def open_client(models, key=None, base_url="http://localhost:8000", **options):
    app = build(models, ServeOptions(**options), key)
    with TestClient(app, base_url=base_url, raise_server_exceptions=False) as client:
        yield client


def refused(response, status: int) -> dict:
    """The error of a refused request: three plain parts, nothing of our insides."""
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "found", "expected", "remedy"} and error["found"]
    assert "Traceback" not in response.text and ".py" not in response.text
    return error


def test_answers_are_those_of_the_library(client, fitted, texts):
    for name in ("features-0", "lora-0", "majority-0"):
        response = client.post("/v1/predict", json={"model": name, "inputs": texts})
        assert response.status_code == 200, response.text
        own = tunewell.load(fitted(name.removesuffix("-0"))).predict(texts)
        told = response.json()
        assert told["model"] == name
        assert [answer["answer"] for answer in told["answers"]] == [a.value for a in own]
        for answer, expected in zip(told["answers"], own, strict=True):
            assert answer["confidence"] == pytest.approx(expected.confidence, abs=1e-6)
            assert answer["scores"] == pytest.approx(expected.scores, abs=1e-6)


def test_the_only_model_need_not_be_named(models, texts):
    for client in open_client({"majority-0": models["majority-0"]}):
        assert client.post("/v1/predict", json={"inputs": texts}).status_code == 200
        assert client.post("/v1/predict", json={"inputs": []}).json()["answers"] == []


def test_records_are_read_as_the_task_reads_them(client):
    body = {"model": "majority-0", "inputs": ["kelo", {"input": "kelo"}]}
    one, other = client.post("/v1/predict", json=body).json()["answers"]
    assert one == other
    pairs = {"model": "majority-0", "inputs": ["kelo", ["kelo", "maru"]]}
    assert "input 2" in refused(client.post("/v1/predict", json=pairs), 400)["found"]


def test_many_clients_at_once_get_their_own_answers(models, texts):
    expected = {text: models["lora-0"].predictor.predict([text])[0].scores for text in texts}
    wrong: list[str] = []
    for client in open_client(models, batch_tokens=40):

        def ask(first: int, client=client) -> None:
            asked = texts[first : first + 3]
            told = client.post("/v1/predict", json={"model": "lora-0", "inputs": asked}).json()
            for text, answer in zip(asked, told["answers"], strict=True):
                if answer["scores"] != pytest.approx(expected[text], abs=1e-5):
                    wrong.append(text)

        threads = [threading.Thread(target=ask, args=(n % 9,)) for n in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        measured = client.get("/metrics").text
    assert wrong == []
    assert 'tunewell_requests_total{route="/v1/predict",status="200"} 40.0' in measured
    assert 'tunewell_inputs_total{model="lora-0"} 120.0' in measured
    assert "tunewell_waiting_requests 0.0" in measured


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"inputs": ["a"], "model": "lora"}, "Did you mean 'lora-0'?"),
        ({"inputs": ["a"]}, "No model is named"),
        ({"inputs": "a text", "model": "lora-0"}, "inputs"),
        ({"inputs": ["a", ""], "model": "lora-0"}, "input 2"),
        ({"inputs": ["a", 7], "model": "lora-0"}, "input 2"),
        ({"inputs": [{"other": "\ud83d"}], "model": "lora-0"}, "input 1"),
        ({"inputs": ["half \ud83d"], "model": "lora-0"}, "input 1"),
        ({"inputs": ["a"] * 2000, "model": "lora-0"}, "1,024"),
        ({"inputs": ["a"], "model": "lora-0", "temperature": 1}, "temperature"),
        ({"model": "lora-0"}, "inputs"),
        ([], "body"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(client, body, word):
    sent = json.dumps(body).encode()
    response = client.post(
        "/v1/predict", content=sent, headers={"content-type": "application/json"}
    )
    assert word in refused(response, 400)["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"inputs": [NaN]}'])
def test_bytes_that_are_no_json_are_refused(client, body):
    headers = {"content-type": "application/json"}
    refused(client.post("/v1/predict", content=body, headers=headers), 400)


def test_what_is_not_there_is_refused(client):
    refused(client.get("/nothing"), 404)
    refused(client.get("/docs"), 404)
    refused(client.get("/v1/predict"), 405)
    refused(client.get("/v1/models/other"), 400)


def test_a_bug_is_told_without_its_insides_and_hurts_nobody_else(models, texts, monkeypatch):
    broken = models["features-0"].predictor.predict

    def predict(inputs):
        if "boom" in inputs:
            raise ZeroDivisionError("/secret/place.py")
        return broken(inputs)

    class Broken:
        task = models["features-0"].predictor.task

    Broken.predict = staticmethod(predict)
    served = type(models["features-0"])("broken", Broken(), 0)
    statuses = {}
    for client in open_client({"broken": served}):

        def ask(text: str, client=client) -> None:
            response = client.post("/v1/predict", json={"inputs": [text]})
            statuses.setdefault(text, []).append(response.status_code)
            assert "secret" not in response.text and "ZeroDivision" not in response.text

        said = ["boom", *texts]
        threads = [threading.Thread(target=ask, args=(text,)) for text in said]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        refused(client.post("/v1/predict", json={"inputs": ["boom"]}), 500)
    assert statuses.pop("boom") == [500]
    assert set(map(tuple, statuses.values())) == {(200,)}


class Slow:
    """A predictor that waits until it is told to go on."""

    def __init__(self, predictor):
        self.task, self.predictor = predictor.task, predictor
        self.begun, self.go_on = threading.Event(), threading.Event()

    def predict(self, inputs):
        self.begun.set()
        self.go_on.wait(60)
        return self.predictor.predict(inputs)


def test_a_full_queue_says_when_to_come_again(models, texts):
    slow = Slow(models["majority-0"].predictor)
    served = type(models["majority-0"])("slow", slow, 0)
    for client in open_client({"slow": served}, queue=1):
        body, statuses = {"inputs": texts[:1]}, []

        def ask(client=client, body=body, statuses=statuses) -> None:
            statuses.append(client.post("/v1/predict", json=body).status_code)

        first = threading.Thread(target=ask)
        first.start()
        assert slow.begun.wait(30)
        response = client.post("/v1/predict", json=body)
        refused(response, 429)
        assert int(response.headers["retry-after"]) >= 1
        slow.go_on.set()
        first.join(30)
        assert statuses == [200]
        assert client.post("/v1/predict", json=body).status_code == 200


def test_a_request_that_takes_too_long_ends(models, texts):
    slow = Slow(models["majority-0"].predictor)
    served = type(models["majority-0"])("slow", slow, 0)
    for client in open_client({"slow": served}, timeout="0.2s"):
        refused(client.post("/v1/predict", json={"inputs": texts[:1]}), 504)
        slow.go_on.set()
        assert client.post("/v1/predict", json={"inputs": texts[:1]}).status_code == 200


def test_what_nobody_waits_for_any_more_is_not_computed(models, texts):
    """A client that goes leaves the queue, also while the server computes for another."""
    slow = Slow(models["majority-0"].predictor)
    app = build({"slow": type(models["majority-0"])("slow", slow, 0)}, ServeOptions())
    body = json.dumps({"inputs": texts[:1]}).encode()
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/v1/predict"}
    scope |= {"headers": headers, "query_string": b"", "root_path": "", "scheme": "http"}

    async def ask(leaves: bool) -> int:
        parts = [{"type": "http.request", "body": body}, {"type": "http.disconnect"}]
        told = []

        async def receive():
            if len(parts) == 1 and not leaves:
                await asyncio.Event().wait()
            return parts.pop(0) if len(parts) > 1 else parts[0]

        async def send(message):
            told.append(message)

        await app(dict(scope), receive, send)
        return told[0]["status"]

    async def both() -> list[int]:
        async with app.app.router.lifespan_context(app.app):
            stays = asyncio.create_task(ask(leaves=False))
            while not slow.begun.is_set():
                await asyncio.sleep(0.01)
            gone = await asyncio.wait_for(ask(leaves=True), 30)
            slow.go_on.set()
            return [await stays, gone]

    assert asyncio.run(both()) == [200, 499]


# --- who may ask


def test_beyond_loopback_every_route_but_health_wants_the_key(models, texts):
    body = {"model": "majority-0", "inputs": texts[:1]}
    for client in open_client(models, KEY, "http://models.example"):
        assert client.get("/health").json()["status"] == "ok"
        for path in ("/v1/models", "/metrics", "/openapi.json", "/nothing"):
            response = client.get(path)
            refused(response, 401)
            assert response.headers["www-authenticate"].startswith("Basic")
        for given in ("Bearer wrong", f"Token {KEY}", "Basic %%%", "Bearer"):
            headers = {"authorization": given}
            refused(client.post("/v1/predict", json=body, headers=headers), 401)
        pair = base64.b64encode(f"anybody:{KEY}".encode()).decode()
        for given in (f"Bearer {KEY}", f"Basic {pair}"):
            headers = {"authorization": given}
            assert client.post("/v1/predict", json=body, headers=headers).status_code == 200


def test_other_names_and_pages_of_other_sites_are_refused(models):
    for client in open_client(models, base_url="http://evil.example"):
        refused(client.get("/health"), 400)
    for client in open_client(models):
        assert client.get("/health").status_code == 200
        same = {"origin": "http://localhost:8000"}
        assert client.get("/health", headers=same).status_code == 200
        for origin in ("https://evil.example", "http://localhost:9000", "null", "http://["):
            refused(client.get("/health", headers={"origin": origin}), 403)
        refused(client.get("/health", headers={"sec-fetch-site": "cross-site"}), 403)


def test_large_bodies_are_refused_announced_or_not(models):
    for client in open_client(models, most_bytes="1KB"):
        body = json.dumps({"model": "majority-0", "inputs": ["a" * 2000]}).encode()
        refused(client.post("/v1/predict", content=body), 413)
        pieces = (body[at : at + 100] for at in range(0, len(body), 100))
        refused(client.post("/v1/predict", content=pieces), 413)
        small = {"model": "majority-0", "inputs": ["a"]}
        assert client.post("/v1/predict", json=small).status_code == 200


def test_the_schema_lists_every_route(client):
    schema = client.get("/openapi.json").json()
    paths = {"/v1/predict", "/v1/embeddings", "/v1/models", "/v1/models/{name}"}
    paths |= {"/v1/chat/completions", "/v1/completions"}
    assert set(schema["paths"]) == paths | {"/health", "/metrics"}
    assert all(
        operation["summary"] and operation["description"]
        for path in schema["paths"].values()
        for operation in path.values()
    )
