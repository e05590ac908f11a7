"""Texts, pairs and windows as pieces, whatever the characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shapes
import toy
from tunewell.fit.pieces import Piece, by_row, whole, windows
from tunewell.fit.tensors import padded


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """One token a word, [CLS] and [SEP] around; types of tokens are told."""
    made = toy.tokenizer(tmp_path_factory.mktemp("words"))
    made.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    return made


@pytest.fixture(scope="module")
def letters(tmp_path_factory):
    """Pieces of bytes; nothing stands around a text."""
    made = shapes.byte_tokenizer(tmp_path_factory.mktemp("letters"))
    made.pad_token = "<none>"
    return made


def text(tokenizer, piece):
    return tokenizer.convert_ids_to_tokens(piece.ids)


def test_of_a_pair_the_longer_text_is_cut(words):
    (piece,) = whole(words, [("na to mi su re ko", "kelo maru")], 8)
    assert text(words, piece) == ["[CLS]", "na", "to", "mi", "[SEP]", "kelo", "maru", "[SEP]"]
    assert piece.type_ids == [0, 0, 0, 0, 0, 1, 1, 1]


def test_several_texts_are_read_as_two_and_one_as_one(words, letters):
    three, two = whole(words, [("na", "to", "mi"), ("na", "to mi")], 9)
    assert three.ids == two.ids and three.type_ids == two.type_ids
    assert whole(words, [("na to",)], 9) == whole(words, ["na to"], 9)
    mixed = whole(words, ["na", ("na", "to")], 9)
    assert [text(words, piece) for piece in mixed] == [
        ["[CLS]", "na", "[SEP]", "[SEP]"],
        ["[CLS]", "na", "[SEP]", "to", "[SEP]"],
    ]


def test_a_line_break_parts_two_texts_where_the_tokenizer_puts_nothing(letters):
    (piece,) = whole(letters, [("na to", "to na")], 99)
    assert letters.decode(piece.ids).split("\n") == [" na to ", "to na"]
    cut = windows(letters, [("na to " * 30, "to na")], 12)
    assert all(letters.decode(piece.ids).count("\n") == 1 for piece in cut)


def test_a_text_without_tokens_is_one_of_padding(letters):
    assert whole(letters, ["", "na"], 9)[0].ids == [letters.pad_token_id]
    assert windows(letters, [""], 9)[0].ids == [letters.pad_token_id]
    assert whole(letters, [], 9) == windows(letters, [], 9) == []


def test_windows_overlap_by_a_quarter_and_leave_nothing_out(words):
    told = toy.FILLER.split()
    pieces = windows(words, [" ".join(told), "na"], 6)
    inside = [text(words, piece)[1:-1] for piece in pieces]
    assert inside == [told[:4], told[3:7], told[6:], ["na"]]
    assert [piece.row for piece in pieces] == [0, 0, 0, 1]
    assert by_row(pieces) == [[0, 1, 2], [3]]


def test_the_first_text_stands_in_every_window_of_the_second(words):
    pieces = windows(words, [("kelo maru sivo tanu", toy.FILLER)], 9)
    for piece in pieces:
        assert text(words, piece)[:5] == ["[CLS]", "kelo", "maru", "sivo", "[SEP]"]
        assert len(piece.ids) <= 9 and sum(piece.type_ids) == len(piece.ids) - 5
    seconds = [word for piece in pieces for word in text(words, piece)[5:-1]]
    assert list(dict.fromkeys(seconds)) == toy.FILLER.split()


@given(st.lists(st.text(max_size=60), min_size=1, max_size=4), st.integers(4, 12))
def test_windows_of_any_text_hold_all_its_tokens(letters, texts, length):
    def offsets(row, encoding):
        return row, encoding.offsets

    pieces = windows(letters, texts, length, offsets)
    for row, numbers in enumerate(by_row(pieces)):
        assert all(pieces[number].row == row == pieces[number].extra[0] for number in numbers)
        assert all(len(pieces[number].ids) <= length for number in numbers)
        covered = {
            place
            for number in numbers
            for start, end in pieces[number].extra[1]
            for place in range(start, end)
        }
        assert covered == set(range(len(texts[row])))


def test_padding_is_of_the_first_text():
    batch = padded([Piece([5, 6, 7], [0, 1, 1]), Piece([8])], 0, "cpu")
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["token_type_ids"].tolist() == [[0, 1, 1], [0, 0, 0]]
    assert "token_type_ids" not in padded([Piece([5])], 0, "cpu")
