"""Answers in passages: their characters stay where they are, over any number of windows."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import shapes
import toy
from tunewell.fit.heads.span import LONGEST, SpanHead
from tunewell.values import Span

HEAD = SpanHead(unanswerable=True)
SIGNS = ["Ana", " ", "\t", "é", "e\u0301", "日本", "नमस्ते", "שלום", "👩‍👩‍👧", "❤️", ".", "naïve"]
TEXTS = st.one_of(
    st.text(min_size=1, max_size=50),
    st.lists(st.sampled_from(SIGNS), min_size=1, max_size=25).map("".join),
)


@pytest.fixture(scope="module")
def letters(tmp_path_factory):
    made = shapes.byte_tokenizer(tmp_path_factory.mktemp("letters"))
    made.pad_token = "<none>"
    return made


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return toy.tokenizer(tmp_path_factory.mktemp("words"))


def told(head, pieces, targets):
    """Logits that say where the answer is, or in its absence the null token."""
    tokens = head.targets(pieces, targets)
    logits = torch.zeros(len(pieces), max(len(piece.ids) for piece in pieces), 2)
    for number, (start, end) in enumerate(tokens.tolist()):
        logits[number, start, 0] = logits[number, end, 1] = 20
    return logits


@given(TEXTS, st.integers(24, 48), st.data())
def test_an_answer_comes_back_with_its_characters(letters, text, length, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    passage = f"na to mi {text} su re"
    offsets = letters(passage, return_offsets_mapping=True)["offset_mapping"]
    touched = [at for at in offsets if at[0] < 9 + end and at[1] > 9 + start]
    said = passage[touched[0][0] : touched[-1][1]]
    trimmed = said.strip()
    span = Span(9 + start, 9 + end, "", text[start:end])
    given = {"question": "to?", "passage": passage}
    pieces = HEAD.encode(letters, [given], length)
    assert all(len(piece.ids) <= length for piece in pieces)
    targets = HEAD.targets(pieces, [span])
    answerable = any(
        start != piece.extra.null
        for piece, (start, _) in zip(pieces, targets.tolist(), strict=True)
    )
    (answer,) = HEAD.answers([given], pieces, told(HEAD, pieces, [span]))
    assert passage[answer.value.start : answer.value.end] == answer.value.text
    if answerable and trimmed and len(touched) <= LONGEST:
        # Whole tokens are said: they hold what was asked for, and no space around it.
        assert answer.value.text == trimmed
        assert trimmed.find(span.text.strip()) >= 0 or not span.text.strip()


def test_no_answer_where_no_window_has_one(plain):
    given = ("na", "to mi su re ko pe li do " * 3)
    pieces = HEAD.encode(plain, [given], 12)
    assert len(pieces) > 2
    logits = told(HEAD, pieces, [()])
    (answer,) = HEAD.answers([given], pieces, logits)
    assert answer.value == Span(0, 0) and answer.confidence > 0.9
    assert sum(answer.scores.values()) == pytest.approx(1)
    (answer,) = SpanHead(unanswerable=True, threshold=1e3).answers([given], pieces, logits)
    assert answer.value.text and answer.scores[""] > 0.9
    (answer,) = SpanHead().answers([given], pieces, logits)
    assert answer.value.text and "" not in answer.scores


def test_the_best_window_wins_and_its_places_are_those_of_the_passage(plain):
    words = [*toy.FILLER.split()[2:], "a", "na", "kelo", "pe"]
    given = ("na", " ".join(words))
    start = given[1].index("kelo")
    span = Span(start, start + 4, "", "kelo")
    pieces = HEAD.encode(plain, [given], 10)
    tokens = HEAD.targets(pieces, [(span, Span(0, 2, "", "to"))])
    assert [bool(start) for start, _ in tokens.tolist()] == [False, True, True]
    (answer,) = HEAD.answers([given], pieces, told(HEAD, pieces, [span]))
    assert answer.value == span and next(iter(answer.scores)) == "kelo"


def test_only_the_passage_and_the_null_token_take_part(plain):
    given = ("na to", "mi su")
    (piece,) = pieces = HEAD.encode(plain, [given], 10)
    assert (piece.extra.null, piece.extra.begin) == (0, 4)
    logits = torch.zeros(1, 7, 2)
    logits[0, 1:3] = logits[0, 6] = 50  # the question and what comes after
    losses = HEAD.losses(pieces, logits, HEAD.targets(pieces, [Span(0, 2, "", "mi")]))
    assert losses.item() == pytest.approx(torch.tensor(3.0).log().item())


def test_a_decoder_says_at_the_end_that_there_is_none(letters):
    (piece,) = HEAD.encode(letters, [("na", "to mi")], 20)
    assert piece.extra.null == len(piece.ids) - 1
    assert piece.ids[-1] == letters.eos_token_id


def test_an_answer_ends_after_it_starts_and_is_not_too_long(plain):
    given = ("na", " ".join(["to"] * 60))
    pieces = HEAD.encode(plain, [given], 70)
    logits = torch.zeros(1, 70, 2)
    logits[0, 50, 0] = logits[0, 10, 1] = 9  # an end far before the start
    logits[0, 5, 0] = logits[0, 60, 1] = 8  # too far apart
    (answer,) = SpanHead().answers([given], pieces, logits)
    assert 0 < len(answer.value.text.split()) <= LONGEST
