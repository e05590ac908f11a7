"""OpenAI's own client against a real server process: started, asked, stopped."""

import base64
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import openai
import pytest

import tunewell

KEY = "correct horse battery"


@pytest.fixture(scope="module")
def server(fitted, tmp_path_factory):
    """A server of two models beyond loopback's rules, that is with a key; its process and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("tunewell")), "serve", str(fitted("lora"))]
    command += [f"words={fitted('majority')}", "--port", str(port), "--json"]
    process = subprocess.Popen(
        command, env={**os.environ, "TUNEWELL_KEY": KEY}, stdout=subprocess.PIPE, text=True
    )
    ends = time.monotonic() + 120
    while not answers(port):
        assert process.poll() is None and time.monotonic() < ends
        time.sleep(0.1)
    yield process, port
    process.kill()
    process.wait(30)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as health:
            return health.status == 200
    except OSError:
        return False


def client_of(port: int, key: str = KEY) -> openai.OpenAI:
    return openai.OpenAI(api_key=key, base_url=f"http://127.0.0.1:{port}/v1", max_retries=0)


def test_the_client_lists_and_embeds(server, fitted, texts):
    client = client_of(server[1])
    assert [model.id for model in client.models.list()] == ["lora-0", "words"]
    assert client.models.retrieve("words").owned_by == "tunewell"

    vectors, tokens = tunewell.load(fitted("lora")).embed(texts)
    for form in ("base64", "float"):
        given = client.embeddings.create(model="lora-0", input=texts, encoding_format=form)
        assert [item.index for item in given.data] == list(range(len(texts)))
        assert given.usage.total_tokens == sum(tokens)
        for item, vector in zip(given.data, vectors, strict=True):
            numbers = item.embedding
            if isinstance(numbers, str):
                numbers = np.frombuffer(base64.b64decode(numbers), "<f4").tolist()
            assert numbers == pytest.approx(vector.tolist(), abs=1e-6)
            assert sum(number**2 for number in numbers) == pytest.approx(1, abs=1e-5)
    one = client.embeddings.create(model="lora-0", input=texts[0])
    assert one.data[0].embedding == pytest.approx(vectors[0].tolist(), abs=1e-6)


def test_the_client_is_told_what_is_wrong(server, texts):
    client = client_of(server[1])
    with pytest.raises(openai.BadRequestError, match="gives no vectors"):
        client.embeddings.create(model="words", input=texts)
    with pytest.raises(openai.BadRequestError, match="dimensions"):
        client.embeddings.create(model="lora-0", input=texts, dimensions=8)
    with pytest.raises(openai.AuthenticationError, match="key"):
        client_of(server[1], "another key").models.list()


def test_it_ends_when_told_to_with_what_was_asked_answered(server, texts):
    process, port = server
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert not answers(port)
    assert '"address"' in process.stdout.read()
