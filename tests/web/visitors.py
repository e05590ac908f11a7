"""Visitors of the page, what they bring, and what the page keeps for them."""

import csv
import html
import random
import time
from pathlib import Path

from starlette.testclient import TestClient

import toy
from tunewell.serve.web import asked, jobs
from tunewell.serve.web.app import application
from tunewell.serve.web.shelf import Kept


def visitor(options, host="localhost", **headers):
    """A browser at a page: it says where its forms come from."""
    given = {"origin": f"http://{host}", **headers}
    return TestClient(application(options), f"http://{host}", headers=given)


def write_table(path, rows):
    """A CSV of toy sentences, their topics and who sent them."""
    chance = random.Random(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["message", "topic", "customer"])
        for example in toy.examples(rows):
            writer.writerow([example.input, example.target, f"c{chance.randrange(20)}"])
    return path


def asked_of(name):
    """The options that the page keeps for a run, as typed."""
    return asked.read_asked(Kept(Path("runs") / name))


def settled(page, address):
    """A page once `check` has looked at the rows."""
    for _ in range(300):
        text = page.get(address).text
        if "Looking through the rows" not in text and "Still looking" not in text:
            return html.unescape(text)
        time.sleep(0.1)
    raise AssertionError("check did not come to its end")


def ended(kept, kind="compare", seconds=120.0):
    """How a job ended, once it has."""
    last = time.monotonic() + seconds
    while (record := jobs.state(kept, kind))["state"] in jobs.GOING:
        assert time.monotonic() < last, record
        time.sleep(0.1)
    return record
