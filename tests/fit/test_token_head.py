"""Words, tags and spans: characters stay where they are, whatever the script or the window."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import shapes
import toy
from tunewell.fit.heads.token import TokenHead, best_paths
from tunewell.fit.words import words
from tunewell.values import Span

HEAD = TokenHead(("PER", "ORG"))
TEXTS = st.one_of(
    st.text(max_size=50),
    st.lists(
        st.sampled_from(
            [
                "Ana",
                " ",
                "\t",
                "é",
                "e\u0301",
                "日本",
                "नमस्ते",
                "שלום",
                "👩‍👩‍👧",
                "❤️",
                ".",
                "\u200b",
                "x",
            ]
        ),
        max_size=25,
    ).map("".join),
)


@pytest.fixture(scope="module")
def letters(tmp_path_factory):
    """Pieces of bytes: a sign may be several tokens, and a token begin with a space."""
    made = shapes.byte_tokenizer(tmp_path_factory.mktemp("letters"))
    made.pad_token = "<none>"
    return made


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """One token a word; most words are the unknown one."""
    return toy.tokenizer(tmp_path_factory.mktemp("words"))


def seen(text):
    return [text[start:end] for start, end in words(text)]


def test_words_of_several_scripts():
    assert seen("Dr. O'Neil_2,\t5€") == ["Dr", ".", "O", "'", "Neil_2", ",", "5", "€"]
    assert seen("cafe\u0301 नमस्ते שלום") == ["cafe\u0301", "नमस्ते", "שלום"]
    assert seen("東京で 👩‍👩‍👧 ❤️!") == ["東", "京", "で", "👩‍👩‍👧", "❤️", "!"]
    assert seen("می‌خواهم") == ["می‌خواهم"]
    assert seen(" \t\n") == []


@given(TEXTS)
def test_words_lie_side_by_side_and_leave_out_only_space(text):
    places = words(text)
    assert all(start < end for start, end in places)
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(places))
    covered = {at for start, end in places for at in range(start, end)}
    left = [text[at] for at in range(len(text)) if at not in covered]
    assert all(not c.isprintable() or c.isspace() for c in left)
    assert not any(text[start].isspace() for start, _ in places)


def told(head, pieces, targets):
    """Logits that say what the targets are, in every window."""
    given = head.targets(pieces, targets)
    return torch.nn.functional.one_hot(given.clamp(min=0), len(head.tags)).float() * 9


@given(TEXTS, st.integers(3, 12), st.data())
def test_spans_come_back_with_their_characters(letters, text, length, data):
    """What is learnt of a text, cut into windows, is said of it again to the character."""
    inside, spans = words(text), []
    at = 0
    while at < len(inside):
        size = data.draw(st.integers(1, 4))
        if data.draw(st.booleans()):
            start, end = inside[at][0], inside[min(at + size, len(inside)) - 1][1]
            label = data.draw(st.sampled_from(HEAD.labels))
            spans.append(Span(start, end, label, text[start:end]))
        at += size
    inputs = ["Ana", text, {"text": text, "words": tuple(inside)}]
    targets = [(), tuple(spans), tuple(spans)]
    pieces = HEAD.encode(letters, inputs, length)
    assert all(len(piece.ids) <= length for piece in pieces)
    empty, answer, again = HEAD.answers(inputs, pieces, told(HEAD, pieces, targets))
    assert empty.value == ()
    assert answer == again
    lost = _sharing(letters, text, inside)
    if not lost:
        assert answer.value == tuple(spans)
    for span in answer.value:
        assert text[span.start : span.end] == span.text


def _sharing(tokenizer, text, inside):
    """Words that have no token of their own: one that begins in another word, or none."""
    offsets = tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    first = {}
    for number, (start, end) in enumerate(offsets):
        for character in range(start, end):
            first.setdefault(character, number)
    at = [next((first[c] for c in range(*word) if c in first), None) for word in inside]
    return None in at or len(set(at)) < len(at)


@given(st.lists(st.sampled_from(toy.FILLER.split()), min_size=12, max_size=40))
def test_a_word_is_read_where_it_has_most_context(plain, said):
    text = " ".join(said)
    pieces = HEAD.encode(plain, [text], 10)
    logits = torch.zeros(len(pieces), 10, len(HEAD.tags))
    for number, piece in enumerate(pieces):  # each window tells its own number by the tag
        logits[number, :, 1 + 2 * (number % 2)] = 9
        assert [place.token for place in piece.extra[1]] == list(range(1, len(piece.ids) - 1))
    (answer,) = HEAD.answers([text], pieces, logits)
    assert [span.text for span in answer.value] == said
    for word, span in enumerate(answer.value):
        best = max(
            range(len(pieces)),
            key=lambda n: (
                min(
                    _context(pieces, n, place) for place in pieces[n].extra[1] if place.word == word
                )
                if any(place.word == word for place in pieces[n].extra[1])
                else -1,
                -n,
            ),
        )
        assert span.label == HEAD.labels[best % 2]


def _context(pieces, number, place):
    left = place.left if number else 99
    return min(left, place.right if number < len(pieces) - 1 else 99)


@given(st.integers(0, 2**31), st.integers(1, 5))
def test_the_best_path_is_the_best_of_all_that_strict_iob2_allows(seed, length):
    torch.manual_seed(seed)
    scores = torch.randn(1, length, len(HEAD.tags)).log_softmax(-1)

    def allowed(path):
        before = ["O", *(HEAD.tags[tag] for tag in path)]
        after = [HEAD.tags[tag] for tag in path]
        return all(
            not two.startswith("I-") or one in (two, f"B-{two[2:]}")
            for one, two in zip(before, after, strict=False)
        )

    every = filter(allowed, itertools.product(range(len(HEAD.tags)), repeat=length))
    expected = max(every, key=lambda path: sum(scores[0, at, tag] for at, tag in enumerate(path)))
    assert best_paths(scores, [length]) == [list(expected)]
    longer = torch.cat([scores, torch.randn(1, 3, len(HEAD.tags))], 1)
    assert best_paths(longer, [length]) == [list(expected)]


def test_losses_are_the_mean_over_words(plain):
    texts = ["na to mi", "su"]
    pieces = HEAD.encode(plain, texts, 10)
    targets = HEAD.targets(pieces, [(Span(3, 8, "ORG", "to mi"),), ()])
    assert targets.tolist() == [[-100, 0, 3, 4, -100], [-100, 0, -100, -100, -100]]
    logits = torch.randn(2, 5, len(HEAD.tags))
    scores = -logits.log_softmax(-1)
    expected = (scores[0, 1, 0] + scores[0, 2, 3] + scores[0, 3, 4] + scores[1, 1, 0]) / 4
    assert HEAD.losses(pieces, logits, targets).mean().item() == pytest.approx(expected.item())


def test_the_least_sure_word_says_how_sure_a_row_is(plain):
    pieces = HEAD.encode(plain, ["na to", ""], 10)
    logits = torch.zeros(2, 4, len(HEAD.tags))
    logits[0, 1, 0] = 9.0
    logits[0, 2, 0] = 1.0
    first, empty = HEAD.answers(["na to", ""], pieces, logits)
    assert first.value == () and first.confidence == pytest.approx(2.718281 / 6.718281)
    assert empty.value == () and empty.confidence is None
