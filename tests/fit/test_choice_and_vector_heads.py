"""Choices of a row share one softmax; vectors of texts that belong together point alike."""

from dataclasses import replace

import pytest
import torch

import toy
from tunewell.fit.heads.choice import ChoiceHead
from tunewell.fit.heads.vector import SHARPNESS, VectorHead
from tunewell.fit.pieces import by_row

CHOICE, VECTOR = ChoiceHead("mean"), VectorHead("mean")
ROWS = [
    {"question": "na to", "choices": ("kelo", "maru sivo")},
    {"question": "mi", "choices": tuple("abcdefghijklmnopqrstuvwxyz"), "passage": "su re"},
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return toy.tokenizer(tmp_path_factory.mktemp("words"))


def test_rows_have_as_many_choices_as_they_have(plain):
    pieces = CHOICE.encode(plain, ROWS, 12)
    assert list(map(len, by_row(pieces))) == [2, 26]
    targets = CHOICE.targets(pieces, ["maru sivo", "z"])
    assert targets.tolist() == [1, 25]
    logits = torch.arange(28.0).unsqueeze(1)
    first = torch.tensor([0.0, 1.0]).softmax(-1)
    losses = CHOICE.losses(pieces, logits, targets)
    assert losses[0].item() == pytest.approx(-first[1].log().item())
    two, many = CHOICE.answers(ROWS, pieces, logits)
    assert (two.value, many.value) == ("maru sivo", "z")
    assert two.scores == pytest.approx({"kelo": first[0].item(), "maru sivo": first[1].item()})
    assert sum(many.scores.values()) == pytest.approx(1) and len(many.scores) == 26


def test_a_part_of_the_rows_has_the_losses_of_the_whole(plain):
    pieces, logits = CHOICE.encode(plain, ROWS, 12), torch.randn(28, 1)
    targets = CHOICE.targets(pieces, ["kelo", "c"])
    whole = CHOICE.losses(pieces, logits, targets)
    second = CHOICE.losses(pieces[2:], logits[2:], targets[1:])
    assert whole[1].item() == pytest.approx(second.item())


def test_a_long_passage_leaves_question_and_choice_whole(plain):
    row = {"question": "na to", "choices": ("kelo", "maru"), "passage": "su re " * 50}
    for piece, choice in zip(CHOICE.encode(plain, [row], 9), row["choices"], strict=True):
        told = plain.convert_ids_to_tokens(piece.ids)
        assert told[:4] == ["[CLS]", "na", "to", "su"] and told[-3:] == ["[SEP]", choice, "[SEP]"]
        assert len(told) == 9


def test_the_passage_stands_after_the_question(plain):
    piece = CHOICE.encode(plain, ROWS, 12)[-1]
    told = plain.convert_ids_to_tokens(piece.ids)
    assert told == ["[CLS]", "mi", "su", "re", "[SEP]", "[UNK]", "[SEP]"]


def test_likeness_is_a_number_on_the_scale_of_the_task(plain):
    head = replace(VECTOR, high=5.0, scored=True)
    pieces = head.encode(plain, [("na", "to"), ("mi", "su")], 9)
    targets = head.targets(pieces, [5.0, 2.5])
    assert targets.tolist() == [1.0, 0.5]
    vectors = torch.tensor([[1.0, 0], [2, 0], [1, 0], [0, 3]])
    assert head.losses(pieces, vectors, targets).tolist() == [0.0, 0.25]
    answers = head.answers([("na", "to"), ("mi", "su")], pieces, vectors)
    assert [answer.value for answer in answers] == [5.0, 0.0]


def test_the_right_text_is_told_from_all_others_but_its_equals(plain):
    rows = [("na", "kelo", "wela"), ("to", "maru", "piso"), ("mi", "kelo", "navi")]
    pieces = VECTOR.encode(plain, rows, 9)
    targets = VECTOR.targets(pieces, [None, None, None])
    assert targets.isnan().all()
    vectors = torch.nn.functional.normalize(torch.randn(9, 4), dim=-1)
    losses = VECTOR.losses(pieces, vectors, targets)
    cosines = SHARPNESS * vectors[0] @ vectors.T
    others = torch.stack([cosines[at] for at in (1, 4, 2, 5, 8)])  # not the other kelo
    assert losses[0].item() == pytest.approx(-others.log_softmax(-1)[0].item(), rel=1e-4)


def test_a_text_gives_its_vector_and_several_give_theirs(plain):
    given = ["na", ("na", "to", "mi"), (None, "to")]
    pieces = VECTOR.encode(plain, given, 9)
    assert list(map(len, by_row(pieces))) == [1, 3, 1]
    vectors = torch.tensor([[3.0, 4.0], [1, 0], [0, 2], [2, 0], [0, 5]])
    alone, several, passage = VECTOR.answers(given, pieces, vectors)
    assert alone.value == pytest.approx((0.6, 0.8))
    assert several.value == ((1.0, 0.0), (0.0, 1.0), (1.0, 0.0))
    assert passage.value == ((0.0, 1.0),)
