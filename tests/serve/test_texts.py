"""Models that write over HTTP: what they answer is what the library answers, within bounds."""

import json
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
import torch
from fastapi.testclient import TestClient
from ports import listening

from tunewell.serve.api import build
from tunewell.serve.models import open_models
from tunewell.serve.settings import ServeOptions


@pytest.fixture(scope="module")
def models(writing, fitted):
    named = [f"{shape}={writing(shape)}" for shape in ("llama", "gpt2", "t5")]
    return open_models([*named, f"words={fitted('majority')}"])


@pytest.fixture
def client(models):
    with TestClient(build(models, ServeOptions()), base_url="http://localhost") as client:
        yield client


def asked(models, name, question):
    """The messages that the model's task makes of a question."""
    return list(models[name].predictor.task.conversation(question))


def posted(client, path="/v1/chat/completions", **body):
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def events(client, path="/v1/chat/completions", **body):
    """The documents of a stream, which ends as OpenAI's does."""
    response = client.post(path, json={**body, "stream": True})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def joined(chunks, answer=0):
    """The text of one answer of a stream."""
    choices = [c for chunk in chunks for c in chunk["choices"] if c["index"] == answer]
    assert [c["finish_reason"] is None for c in choices] == [True] * (len(choices) - 1) + [False]
    return "".join(c["delta"].get("content", "") if "delta" in c else c["text"] for c in choices)


@pytest.mark.parametrize("name", ["llama", "t5"])
def test_a_conversation_is_answered_as_the_library_does(client, models, questions, name):
    for question in questions:
        (answer,) = models[name].predictor.predict([question])
        said = posted(client, model=name, messages=asked(models, name, question))
        (choice,) = said["choices"]
        assert choice["message"] == {"role": "assistant", "content": answer.value}
        assert choice["finish_reason"] in ("stop", "length")
        assert said["usage"]["prompt_tokens"] > len("which one?") / 4
        chunks = events(client, model=name, messages=asked(models, name, question))
        assert joined(chunks) == answer.value
        assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"


def test_what_has_learnt_to_end_stops_and_counts(client, models, questions):
    tokenizer = models["llama"].predictor.tokenizer
    messages = asked(models, "llama", questions[0])
    said = posted(client, model="llama", messages=messages)
    read = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    content, usage = said["choices"][0]["message"]["content"], said["usage"]
    assert said["choices"][0]["finish_reason"] == "stop"
    assert usage["prompt_tokens"] == len(read)
    assert 0 < usage["completion_tokens"] <= len(content) + 2
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    chunks = events(
        client, model="llama", messages=messages, stream_options={"include_usage": True}
    )
    assert chunks[-1]["choices"] == [] and chunks[-1]["usage"] == usage


def test_a_text_is_gone_on_with_as_transformers_does(client, models, writing):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = writing("gpt2")
    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(folder).eval(),
        AutoTokenizer.from_pretrained(folder),
    )
    texts = ["The kelo maru", "Who sails?"]
    said = posted(client, "/v1/completions", model="gpt2", prompt=texts, max_tokens=12)
    begun = [tokenizer.eos_token + text for text in texts]  # as between texts
    for choice, text in zip(said["choices"], begun, strict=True):
        batch = tokenizer(text, return_tensors="pt")
        written = model.generate(**batch, max_new_tokens=12, do_sample=False)
        new = written[0, batch["input_ids"].shape[1] :]
        assert choice["text"] == tokenizer.decode(new, skip_special_tokens=True)
    streamed = events(client, "/v1/completions", model="gpt2", prompt=texts, max_tokens=12)
    assert [joined(streamed, n) for n in (0, 1)] == [c["text"] for c in said["choices"]]
    assert said["usage"]["prompt_tokens"] == sum(len(tokenizer(t)["input_ids"]) for t in begun)


def test_an_answer_ends_before_a_stop_text_that_is_never_sent(client, models, questions):
    body = {"model": "llama", "messages": asked(models, "llama", questions[0])}
    whole = posted(client, **body)["choices"][0]["message"]["content"]
    assert len(whole) > 3
    stop = whole[-2:]
    for given in (stop, ["never there", stop]):
        (choice,) = posted(client, **body, stop=given)["choices"]
        assert choice["message"]["content"] == whole[: whole.index(stop)]
        assert choice["finish_reason"] == "stop"
        assert joined(events(client, **body, stop=given)) == choice["message"]["content"]
    for given in (stop + "never there", "never there"):
        assert joined(events(client, **body, stop=given)) == whole


def test_the_same_seed_draws_the_same_several_answers(client):
    body = {"model": "gpt2", "messages": [{"role": "user", "content": "Who?"}]}
    body |= {"n": 3, "temperature": 1.0, "max_tokens": 8}

    def texts(**more):
        said = posted(client, **body, **more)
        assert [choice["index"] for choice in said["choices"]] == [0, 1, 2]
        return [choice["message"]["content"] for choice in said["choices"]]

    one = texts(seed=5)
    assert len(set(one)) == 3
    assert texts(seed=5) == one and texts(seed=6) != one and texts() != texts()
    assert [joined(events(client, **body, seed=5), n) for n in range(3)] == one
    assert len(set(texts(top_p=1e-9))) == 1


def test_logprobs_are_those_of_the_model(client, models, writing):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(writing("gpt2")).eval()
    tokenizer = models["gpt2"].predictor.tokenizer
    body = {"model": "gpt2", "prompt": "The kelo", "max_tokens": 6, "temperature": 0.7, "seed": 1}
    choices = posted(client, "/v1/completions", **body, n=8, logprobs=2)["choices"]
    known = next(c["logprobs"] for c in choices if c["finish_reason"] == "length")
    ids = tokenizer(tokenizer.eos_token + "The kelo")["input_ids"]
    for text, logprob, best in zip(
        known["tokens"], known["token_logprobs"], known["top_logprobs"], strict=True
    ):
        with torch.no_grad():
            expected = model(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
        likely = [n for n in range(len(expected)) if tokenizer.decode([n]) == text]
        (new,) = [n for n in likely if expected[n].item() == pytest.approx(logprob, abs=1e-4)]
        assert max(best.values()) == pytest.approx(expected.max().item(), abs=1e-4)
        ids.append(new)
    assert known["text_offset"][0] == 0 and len(known["text_offset"]) == 6

    body = {"model": "llama", "messages": [{"role": "user", "content": "Who?"}]}
    (choice,) = posted(client, **body, logprobs=True, top_logprobs=3)["choices"]
    for token in choice["logprobs"]["content"]:
        likely = token["top_logprobs"]
        assert len(likely) == 3 and likely[0]["logprob"] == token["logprob"] <= 0
        assert token["bytes"] in (list(token["token"].encode()), None)
    chunks = events(client, **body, logprobs=True, top_logprobs=3)
    streamed = [t for c in chunks for t in c["choices"][0]["logprobs"]["content"]]
    assert streamed == choice["logprobs"]["content"]


USER = [{"role": "user", "content": "Who?"}]


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"model": "words"}, "POST /v1/predict"),
        ({"model": "lama"}, "Did you mean 'llama'?"),
        ({"messages": []}, "no messages"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages"),
        ({"messages": [{"role": "user", "content": "half \ud83d"}]}, "message 1"),
        ({"messages": [{"role": "user", "content": "long " * 200}]}, "At most 160 together"),
        ({"max_tokens": 160}, "At most 160 together"),
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"max_tokens": 1, "max_completion_tokens": 1}, "One is enough"),
        ({"temperature": 2.5}, "temperature is 2.5"),
        ({"temperature": -1}, "0 to 2 is"),
        ({"top_p": 0}, "More than 0"),
        ({"n": 9}, "1 to 8"),
        ({"stop": ["a"] * 5}, "0 to 4"),
        ({"stop": ""}, "stop text"),
        ({"seed": -1}, "seed is -1"),
        ({"top_logprobs": 2}, "logprobs to true"),
        ({"logprobs": True, "top_logprobs": 21}, "0 to 20"),
        ({"stream_options": {"include_usage": True}}, "Set stream to true"),
        ({"tools": []}, "tools"),
        ({"presence_penalty": 1}, "presence_penalty"),
    ],
)
def test_what_is_out_of_bounds_is_refused(client, more, word):
    sent = json.dumps({"model": "llama", "messages": USER, **more}).encode()
    for stream in ("false", "true")[: 1 if "stream_options" in more else 2]:
        body = sent.replace(b"{", b'{"stream": ' + stream.encode() + b", ", 1)
        headers = {"content-type": "application/json"}
        response = client.post("/v1/chat/completions", content=body, headers=headers)
        assert response.status_code == 400, response.text
        assert word in response.json()["error"]["message"]


def test_tokens_are_bounded_by_the_server_as_well(models):
    app = build(models, ServeOptions(most_tokens=40))
    with TestClient(app, base_url="http://localhost") as client:
        body = {"model": "llama", "messages": USER, "max_tokens": 39}
        told = client.post("/v1/chat/completions", json=body).json()["error"]
        assert "At most 40 together" in told["message"]
        sent = {"model": "gpt2", "prompt": ["a"] * 2000}
        assert "1 to 1024" in client.post("/v1/completions", json=sent).text


def test_a_template_that_refuses_a_conversation_is_heard(writing):
    models = open_models([str(writing("gpt2", "llama2"))])
    with TestClient(build(models, ServeOptions()), base_url="http://localhost") as client:
        system = [{"role": "system", "content": "Be short."}, *USER]
        response = client.post("/v1/chat/completions", json={"messages": system})
        assert response.status_code == 400
        assert "No system role here" in response.json()["error"]["message"]


def test_openais_client_chats_and_streams(models, questions):
    with listening(build(models, ServeOptions())) as port:
        client = openai.OpenAI(api_key="none", base_url=f"http://127.0.0.1:{port}/v1")
        assert [model.id for model in client.models.list()] == ["llama", "gpt2", "t5", "words"]
        messages = asked(models, "llama", questions[0])
        said = client.chat.completions.create(model="llama", messages=messages)
        assert (
            said.choices[0].message.content
            == models["llama"].predictor.predict(questions[:1])[0].value
        )
        assert said.usage.total_tokens > said.usage.completion_tokens > 0
        more = [*messages, said.choices[0].message, {"role": "user", "content": "and then?"}]
        again = client.chat.completions.create(model="llama", messages=more, max_tokens=4)
        assert again.usage.prompt_tokens > said.usage.prompt_tokens
        with client.chat.completions.create(model="llama", messages=messages, stream=True) as parts:
            texts = [part.choices[0].delta.content or "" for part in parts]
        assert "".join(texts) == said.choices[0].message.content
        text = client.completions.create(model="gpt2", prompt="The", n=2, seed=1, temperature=1)
        assert len(text.choices) == 2
        parts = client.completions.create(
            model="gpt2", prompt="The", n=2, seed=1, temperature=1, stream=True
        )
        streamed = ["", ""]
        for part in parts:
            streamed[part.choices[0].index] += part.choices[0].text
        assert streamed == [choice.text for choice in text.choices]
        with pytest.raises(openai.BadRequestError, match="POST /v1/predict"):
            client.chat.completions.create(model="words", messages=messages)


def test_others_are_answered_while_one_writes_long_and_who_leaves_is_forgotten(models):
    """A stream of many texts goes on while a question is asked, and ends when its reader goes."""
    with listening(build(models, ServeOptions())) as port:
        client = openai.OpenAI(api_key="none", base_url=f"http://127.0.0.1:{port}/v1")
        many = client.completions.create(
            model="gpt2", prompt=["The"] * 1000, max_tokens=120, stream=True
        )
        first = next(iter(many))
        assert first.choices[0].index == 0
        told = client.chat.completions.create(model="llama", messages=USER, max_tokens=2)
        assert told.choices[0].finish_reason in ("stop", "length")
        assert waiting(port) == 1
        many.close()
        ends = time.monotonic() + 20
        while waiting(port):
            assert time.monotonic() < ends
            time.sleep(0.05)


def test_clients_who_ask_at_the_same_time_are_answered_in_one_batch(models):
    """And each with the text that it is given alone."""
    prompts = ["The kelo", "Who sails the sea, and where to?", "na na", "A", "maru kelo maru", "Th"]
    body = {"model": "gpt2", "max_tokens": 60, "logprobs": 1, "temperature": 2.0, "seed": 7}
    widths = []

    def note(module, args, given):
        widths.append(len(given["input_ids"]))

    with listening(build(models, ServeOptions())) as port:
        client = openai.OpenAI(api_key="none", base_url=f"http://127.0.0.1:{port}/v1")

        def ask(prompt):
            return client.completions.create(prompt=prompt, **body).choices[0]

        alone = [ask(prompt) for prompt in prompts]
        hook = models["gpt2"].predictor.model.register_forward_pre_hook(note, with_kwargs=True)
        with ThreadPoolExecutor(len(prompts)) as pool:
            together = list(pool.map(ask, prompts))
        hook.remove()
    for one, other in zip(alone, together, strict=True):
        assert other.text == one.text and other.finish_reason == one.finish_reason
        assert other.logprobs.tokens == one.logprobs.tokens
        assert other.logprobs.token_logprobs == pytest.approx(one.logprobs.token_logprobs, abs=1e-3)
    steps = sum(len(each.logprobs.tokens) for each in alone)
    assert max(widths) > 2 and len(widths) < 0.7 * steps


def test_a_conversation_that_is_too_long_is_told_as_openai_tells_it(client):
    body = {"model": "llama", "messages": [{"role": "user", "content": "long " * 200}]}
    error = client.post("/v1/chat/completions", json=body).json()["error"]
    assert error["code"] == "context_length_exceeded" and "At most 160" in error["message"]


def waiting(port: int) -> int:
    """Requests that the server says are under way."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as told:
        lines = told.read().decode().splitlines()
    (line,) = [line for line in lines if line.startswith("tunewell_waiting_requests ")]
    return int(float(line.split()[1]))


def test_what_takes_too_long_ends(models):
    with listening(build(models, ServeOptions(timeout="2s"))) as port:
        client = openai.OpenAI(
            api_key="none", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0
        )
        with pytest.raises(openai.InternalServerError, match="too long"):
            client.completions.create(model="gpt2", prompt=["The kelo maru"] * 1000, max_tokens=120)
        assert client.completions.create(model="gpt2", prompt="The", max_tokens=2).choices
