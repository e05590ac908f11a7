"""Endpoints over real HTTP: answers, faults, what is kept, and what may be spent."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from endpoint_server import Fault, serving, tokens_of
from tunewell.endpoint import Caps, Endpoint
from tunewell.errors import ConfigError, ResourceError
from tunewell.fit.endpoints import kept, requests
from tunewell.fit.endpoints.account import Account, CapReached, account_of
from tunewell.fit.endpoints.listed import created
from tunewell.fit.endpoints.named import bounded, endpoint_named
from tunewell.fit.endpoints.writer import AT_ONCE, EndpointWriter
from tunewell.values import read_json, write_json


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    """A cache and a key of the test's own."""
    monkeypatch.setenv("TUNEWELL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", "sesame")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def writer(server, **more):
    return EndpointWriter(Endpoint("small", server.url, **more))


def said(number, request):
    return f"you said {request['messages'][-1]['content']}"


def asking(count):
    return [f"question {number}" for number in range(count)]


def sent(server, behaviour_endpoint=None, account=None, waits=None, **more):
    """One request sent, with waits noted and not waited."""
    endpoint = behaviour_endpoint or Endpoint("small", server.url, **more)
    request = {"model": "small", "messages": [{"role": "user", "content": "a b"}], "max_tokens": 9}
    waits = [] if waits is None else waits
    return requests.send(endpoint, request, account or Account(None), (50, 9), waits.append)


def test_questions_are_answered_in_order_and_several_at_a_time():
    with serving(said, seconds=0.1) as server:
        begun = time.perf_counter()
        found = writer(server).write(asking(24), 9)
        seconds = time.perf_counter() - begun
    assert [each.text for each in found] == [f"you said {each}" for each in asking(24)]
    assert 1 < server.most_at_once <= AT_ONCE and seconds < 24 * 0.1
    assert set(server.keys) == {"Bearer sesame"}
    assert all(r["temperature"] == 0 and r["max_tokens"] == 9 for r in server.requests)
    assert [each.read for each in found] == [tokens_of(r) for r in [server.requests[0]] * 24]


def test_nothing_is_asked_twice():
    with serving(said) as server:
        first = writer(server).write([*asking(3), "question 0"], 9)
        again = EndpointWriter(Endpoint("small", server.url)).write(asking(3), 9)
        assert len(server.requests) == 3 and again == first[:3] and first[3] == first[0]
        writer(server).write(asking(1), 10)  # another bound is another request
        assert len(server.requests) == 4
    for file in kept.folder().rglob("*.json"):
        file.write_text("{", encoding="utf-8")
    with serving(said) as server:
        assert writer(server).write(asking(1), 9)[0].text == "you said question 0"


def kept_days_ago(days):
    """Make all kept replies so old."""
    for file in kept.folder().rglob("*.json"):
        value = read_json(file)
        write_json(file, {**value, "kept_at": time.time() - days * 86_400})


def test_a_kept_reply_is_used_for_a_month_and_not_where_all_is_to_be_new():
    with serving(said) as server:
        writer(server).write(asking(2), 9)
        kept_days_ago(29)
        writer(server).write(asking(2), 9)
        assert len(server.requests) == 2
        fresh = writer(server, kept_since=time.time())
        fresh.write(asking(1), 9)
        fresh.write(asking(1), 9)  # what this run has asked itself is new
        assert len(server.requests) == 3
        kept_days_ago(31)
        writer(server).write(asking(2), 9)
        assert len(server.requests) == 5


def test_another_model_under_the_same_name_is_asked_anew():
    with serving(said) as server:
        assert created(server.url, "small") is None
        server.created = 1_700_000_000
        assert created(server.url, "small") == 1_700_000_000
        assert created(server.url, "large") is None
        ways = [None, 1_700_000_000, 1_700_000_001, 1_700_000_001]
        for made in ways:
            writer(server, created=made).write(asking(1), 9)
        assert len(server.requests) == 3
        marks = {endpoint_named("openai:small", created=made).fingerprint for made in ways}
        assert len(marks) == 3


def test_a_server_that_tells_the_time_instead_does_not_say_when_a_model_was_made():
    with serving(said) as server:
        server.created = int(time.time()) - 2
        assert created(server.url, "small") is None
        server.date = "Wed, 21 Oct 2015 07:28:00 GMT"
        assert created(server.url, "small") == server.created
        server.created = 1_445_412_478
        assert created(server.url, "small") is None
    assert created(server.url, "small") is None  # there is no server any more


def test_a_question_is_given_up_after_so_many_seconds():
    begun = time.perf_counter()
    told = pytest.raises(ResourceError, match=r"did not answer: status 500, [2345] times")
    with serving(lambda n, r: Fault(500)) as server, told:
        writer(server, seconds=2.5).write(asking(1), 9)
    told = pytest.raises(ResourceError, match="no reply within 1 s, once")
    with serving(lambda n, r: time.sleep(5) or "late") as server, told:
        writer(server, seconds=1.0).write(asking(1), 9)
    assert time.perf_counter() - begun < 12  # the second server is waited for at its end


def test_caps_are_given_anew_to_whoever_uses_a_model_later():
    run = endpoint_named("openai:small", most_tokens=5, prices=(1.0, 2.0), account=Path("spent"))
    later = bounded(run.endpoint, Caps(money=3.0, seconds=9.0))
    assert (later.most_tokens, later.most_money, later.account) == (None, 3.0, "")
    assert later.price_written == 2.0 and later.seconds == 9.0
    assert bounded(later, Caps(prices=(4.0, 5.0))).price_read == 4.0
    with pytest.raises(ConfigError, match="what tokens cost is not known"):
        bounded(Endpoint("small"), Caps(money=1.0))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, {"retry-after": "7"}),
        Fault(500),
        Fault(503, {"retry-after": "0.2"}),
        Fault(half=True),
        Fault(body="{'choices': broken"),
        Fault(body='{"choices": []}'),
        Fault(body='{"object": "chat.completion"}'),
    ],
    ids=["429", "500", "503", "half", "broken", "empty", "other"],
)
def test_what_may_help_is_tried_again(fault):
    waits = []
    with serving(lambda n, r: fault if n < 2 else "at last") as server:
        assert sent(server, waits=waits).text == "at last"
        assert len(server.requests) == 3
    asked = float(fault.headers.get("retry-after", 0))
    assert len(waits) == 2 and all(wait >= max(asked, 0.3) for wait in waits)
    assert waits[1] <= max(asked, 1.0) + 1e-9


def test_it_ends_after_some_tries_and_waits_longer_each_time():
    waits = []
    with serving(lambda n, r: Fault(500)) as server:
        with pytest.raises(ResourceError, match="did not answer: status 500, 6 times"):
            sent(server, waits=waits)
        assert len(server.requests) == requests.TRIES == len(waits) + 1
    assert all(later > earlier for earlier, later in pairwise(waits))


@pytest.mark.parametrize("status", [400, 401, 404])
def test_what_will_not_help_is_told_at_once(status):
    with serving(lambda n, r: Fault(status)) as server:
        with pytest.raises(ConfigError, match="not now"):
            sent(server)
        assert len(server.requests) == 1


def test_no_quota_is_told_at_once_and_a_row_that_is_refused_has_no_answer():
    no_quota = Fault(429, code="insufficient_quota")
    with serving(lambda n, r: no_quota) as server, pytest.raises(ConfigError):
        sent(server)
    with serving(lambda n, r: Fault(400, code="context_length_exceeded")) as server:
        assert sent(server).text is None
    with serving(lambda n, r: None) as server:
        assert sent(server).text is None


def test_a_slow_server_is_waited_for_but_not_for_ever(monkeypatch):
    monkeypatch.setattr(requests, "PATIENCE_SECONDS", 0.3)
    requests.client.cache_clear()
    with serving(lambda n, r: time.sleep(1.0 if n == 0 else 0.0) or "yes") as server:
        assert sent(server).text == "yes"
        assert len(server.requests) == 2
    requests.client.cache_clear()


def test_the_cap_in_tokens_is_never_passed(tmp_path):
    path = tmp_path / "spent.json"
    with serving(said) as server:
        bounded = writer(server, most_tokens=600, account=str(path))
        with pytest.raises(CapReached, match="600 tokens"):
            bounded.write([f"{n} " + "word " * 12 for n in range(200)], 9)
        assert 0 < server.tokens <= 600
        assert read_json(path)["tokens"] == server.tokens
        done = len(server.requests)
        with pytest.raises(CapReached):
            bounded.write([f"more {n} " + "word " * 12 for n in range(40)], 9)
        assert server.tokens <= 600
        raised = replace(bounded, endpoint=replace(bounded.endpoint, most_tokens=None))
        raised.write(["0 " + "word " * 12], 9)  # what has an answer costs nothing
        assert len(server.requests) >= done


def test_all_threads_have_one_account(tmp_path):
    for attempt in range(20):
        endpoint = Endpoint("small", account=str(tmp_path / f"{attempt}.json"))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(account_of, [endpoint] * AT_ONCE))
        assert len(set(map(id, found))) == 1


def test_the_cap_in_money_is_never_passed_and_needs_prices(tmp_path):
    with serving(said) as server:
        prices = {"price_read": 1000.0, "price_written": 2000.0}
        bounded = writer(server, most_money=0.5, account=str(tmp_path / "spent.json"), **prices)
        with pytest.raises(CapReached, match=r"0\.5 is spent"):
            bounded.write(asking(200), 9)
        read = sum(map(tokens_of, server.requests))
        assert 0 < (1000 * read + 2000 * (server.tokens - read)) / 1e6 <= 0.5
    with pytest.raises(ConfigError, match="what tokens cost is not known"):
        endpoint_named("openai:small", most_money=1.0)


def test_what_may_have_been_paid_for_counts_and_what_was_refused_does_not():
    account = Account(None)
    with serving(lambda n, r: Fault(500) if n == 0 else "yes") as server:
        sent(server, account=account)
        assert account.spent.tokens == server.tokens
    account = Account(None)
    with serving(lambda n, r: Fault(half=True) if n == 0 else "yes") as server:
        sent(server, account=account)
        assert account.spent.tokens == server.tokens + 50 + 9


def test_what_was_killed_while_it_waited_counts_as_spent(tmp_path):
    path = tmp_path / "spent.json"
    endpoint = Endpoint("small", most_tokens=100)
    account = Account(path)
    with account.request(endpoint, 60, 20):
        assert Account(path).spent.tokens == 80  # as whoever comes after would find it
        with pytest.raises(CapReached), Account(path).request(endpoint, 20, 20):
            pass


def test_a_key_is_asked_for_where_one_is_needed(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        requests.client(None, requests.key_at_hand())
    with serving(said) as server:
        assert writer(server).write(["hello"], 9)[0].text == "you said hello"


def test_a_name_says_what_is_asked():
    with pytest.raises(ConfigError, match="names no model"):
        endpoint_named("openai:")
    with pytest.raises(ConfigError, match="Two are expected"):
        endpoint_named("openai:a", prices=(1.0,))
    one, other = endpoint_named("openai:a"), endpoint_named("openai:a", base_url="http://b/v1")
    assert one.fingerprint != other.fingerprint and one.endpoint.model == "a"
    assert json.dumps(one.name) == '"openai:a"'


def test_a_reply_that_something_in_between_gave_up_on_counts_as_paid():
    for status, paid in ((429, 0), (500, 0), (502, 59), (504, 59)):
        account = Account(None)
        with (
            serving(lambda n, r, s=status: Fault(s) if n == 0 else "well") as server,
        ):
            sent(server, account=account)
            own = tokens_of(server.requests[0]) + 2
        assert account.spent.tokens == paid + own, status


def test_the_key_goes_where_the_user_says_and_nowhere_else(monkeypatch):
    assert requests.key_for(None) == "sesame"
    assert requests.key_for("http://localhost:8000/v1") == "sesame"
    with pytest.raises(ConfigError, match="does not name"):
        requests.key_for("https://elsewhere.example/v1")
    assert requests.address(None) is None
    requests.address("https://named.example/v1")
    assert requests.key_for("https://named.example/v1") == "sesame"
    monkeypatch.setenv("OPENAI_BASE_URL", "https://elsewhere.example/v1")
    assert requests.key_for("https://elsewhere.example/v1") == "sesame"
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.delenv("OPENAI_API_KEY")
    assert requests.key_for("https://elsewhere.example/v1") is None


def test_the_address_in_the_environment_is_asked_and_its_replies_are_its_own(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "https://elsewhere.example/v1")
    url = requests.address(None)
    there, typed = endpoint_named("openai:a", base_url=url), requests.address("http://b/v1")
    assert (there.endpoint.base_url, typed) == ("https://elsewhere.example/v1", "http://b/v1")
    own = endpoint_named("openai:a")
    assert kept.key_of(there.endpoint, {}) != kept.key_of(own.endpoint, {})
    assert requests.client(None, "sesame").base_url.host == "api.openai.com"
