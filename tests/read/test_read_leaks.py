"""Test rows that stand in train are found, be they copied or slightly changed."""

from __future__ import annotations

import random

import pytest

from tunewell.read import Source, check, load

SIGNS = ".,;:!?'\"()-–…«»"
SPACES = ("  ", "\t", "\n", "\u00a0", "")


def sentences(count: int, seed: int) -> list[tuple[str, str]]:
    """Different sentences with labels; some have letters beyond ASCII."""
    draw = random.Random(seed)
    words = ["the", "film", "café", "straße", "ÉTÉ", "good", "naïve", "plot", "Don't", "ﬁne", "７"]
    return [
        (f"{' '.join(draw.choices(words, k=9))} {seed} {number}", draw.choice(["good", "bad"]))
        for number in range(count)
    ]


def changed(text: str, draw: random.Random) -> str:
    """The text with other case, spaces and punctuation."""
    text = draw.choice([str.upper, str.lower, str.swapcase, str.title])(text)
    text = "".join(draw.choice(SPACES) if c == " " and draw.random() < 0.3 else c for c in text)
    text = "".join(c for c in text if c not in SIGNS or draw.random() < 0.5)
    for _ in range(3):
        place = draw.randrange(len(text) + 1)
        text = text[:place] + draw.choice(SIGNS) + text[place:]
    return f" {text}{draw.choice(SIGNS)}"


@pytest.mark.parametrize(("change", "least"), [(False, 0.99), (True, 0.95)])
def test_planted_rows_are_found_and_no_others(table, change, least):
    draw = random.Random(1)
    train, test = sentences(4000, 1), sentences(2000, 2)
    planted = draw.sample(range(len(test)), len(test) // 20)
    copies = [(changed(test[n][0], draw) if change else test[n][0], test[n][1]) for n in planted]
    assert not change or all(copy[0] != test[n][0] for copy, n in zip(copies, planted, strict=True))
    rows = [*train, *copies]
    draw.shuffle(rows)
    data = load(Source(str(table(rows)), test=str(table(test, name="test.csv"))))
    found = {data.test[place].row - 2 for place in data.leaked}
    assert len(found & set(planted)) >= least * len(planted)
    assert not found - set(planted)
    (fault,) = [fault for fault in check(data) if fault.kind == "shared_rows"]
    assert fault.count == len(found)


def test_places_are_those_of_the_rows_in_use(table, many_rows):
    train = many_rows(400)
    test = [*sentences(50, 3), train[7], *sentences(50, 4), (train[8][0].upper(), "good")]
    data = load(
        Source(str(table(train)), test=str(table(test, name="test.csv")), test_rows=60), seed=5
    )
    seen = {text.casefold() for text, _ in train}
    in_use = [n for n, example in enumerate(data.test) if example.input.casefold() in seen]
    assert list(data.leaked) == in_use


def test_a_validation_file_counts_as_seen(table, many_rows):
    other = table([*many_rows(400)[:100], ("new", "good")], name="v.csv")
    data = load(Source(str(table(many_rows(400))), validation=str(other)))
    texts = {example.input for example in data.validation}
    assert data.leaked
    assert {data.test[place].input for place in data.leaked} == texts & {
        example.input for example in data.test
    }


def test_a_split_of_ours_leaks_nothing(table, many_rows):
    rows = [
        (text.upper() if n % 3 else text, label)
        for n, (text, label) in enumerate(many_rows(99) * 3)
    ]
    assert load(Source(str(table(rows)))).leaked == ()
