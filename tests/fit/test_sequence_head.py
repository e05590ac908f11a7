"""One head for a label, several labels and a number, for texts, pairs and long texts."""

from dataclasses import replace

import pytest
import torch

import shapes
import toy
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit.backbones import load_tokenizer, resolve
from tunewell.fit.heads.sequence import SequenceHead
from tunewell.fit.pieces import Piece
from tunewell.measure.trial import load_model
from tunewell.values import Example, Machine

MACHINE = Machine(threads=1)
ROWS = toy.examples(24)
PAIRS = tuple(
    Example((one.input, other.input), "same" if one.target == other.target else "other")
    for one, other in zip(ROWS, toy.examples(24, seed=5)[::-1], strict=True)
)
TASK = registry.task("classify").from_examples(PAIRS)
INPUTS = [example.input for example in PAIRS]


def scores(predictor, inputs):
    return [list(answer.scores.values()) for answer in predictor.predict(inputs)]


@pytest.mark.parametrize("shape", ["bert", "gpt2", "t5"])
@pytest.mark.parametrize("name", ["head", "full", "lora", "prompt_tuning", "prefix", "features"])
def test_pairs_are_answered_alone_as_together_and_after_loading(tmp_path, name, shape):
    method = registry.method(name)()
    if hasattr(method, "epochs"):
        method = replace(method, epochs=1, batch_size=8)
    backbone = resolve(str(shapes.save(shape, tmp_path / shape)), max_length=24)
    try:
        predictor = method.fit(Job(TASK, PAIRS, PAIRS, backbone, MACHINE))
    except NotApplicable as reason:
        assert (name, shape) == ("prefix", "t5"), reason
        return
    together = scores(predictor, INPUTS)
    alone = [scores(predictor, [pair])[0] for pair in INPUTS[:6]]
    torch.testing.assert_close(together[:6], alone, atol=1e-5, rtol=0)
    turned = scores(predictor, [pair[::-1] for pair in INPUTS])
    assert max(abs(a[0] - b[0]) for a, b in zip(together, turned, strict=True)) > 1e-6
    predictor.save(tmp_path / "saved")
    again = scores(load_model(tmp_path / "saved", MACHINE), INPUTS)
    torch.testing.assert_close(again, together, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["full", "lora", "prompt_tuning", "prefix"])
def test_which_text_a_token_is_of_reaches_the_backbone(tmp_path, name):
    backbone = resolve(str(shapes.save("bert", tmp_path / "bert")))
    method = replace(registry.method(name)(), epochs=1)
    predictor = method.fit(Job(TASK, PAIRS, PAIRS, backbone, MACHINE))
    pieces = predictor.head.encode(predictor.tokenizer, INPUTS[:2], 64)
    assert all(set(piece.type_ids) == {0, 1} for piece in pieces)
    told = predictor.head.answers(INPUTS[:2], pieces, predictor._logits(pieces))
    blind = [replace(piece, type_ids=None) for piece in pieces]
    other = predictor.head.answers(INPUTS[:2], blind, predictor._logits(blind))
    assert [a.scores for a in told] != [a.scores for a in other]


def test_backbones_that_know_no_types_are_not_given_any(tmp_path):
    for shape in ("roberta", "gpt2"):
        backbone = resolve(str(shapes.save(shape, tmp_path / shape)))
        head = SequenceHead(TASK.labels, "mean")
        assert head.encode(load_tokenizer(backbone), INPUTS[:1], 64)[0].type_ids is None


def test_labels_are_those_that_reach_their_threshold():
    head = SequenceHead(("a", "b", "c"), "mean", kind="labels", thresholds={"b": 0.9})
    (answer,) = head.said(torch.tensor([[1.0, 2.0, -3.0]]))
    assert answer.value == ("a",)
    assert answer.scores == pytest.approx({"a": 0.7311, "b": 0.8808, "c": 0.0474}, abs=1e-4)
    assert answer.confidence == pytest.approx(1 - 0.8808, abs=1e-4)


def test_losses_of_labels_and_numbers_by_hand():
    pieces = [Piece([1], row=0), Piece([2], row=1)]
    several = SequenceHead(("a", "b"), "mean", kind="labels")
    given = several.targets(pieces, [("b",), ()])
    assert given.tolist() == [[0, 1], [0, 0]]
    losses = several.losses(pieces, torch.zeros(2, 2), given)
    assert losses.tolist() == pytest.approx([0.6931, 0.6931], abs=1e-4)
    number = SequenceHead((), "mean", kind="number", mean=3.0, deviation=2.0)
    given = number.targets(pieces, [5.0, 3.0])
    assert given.tolist() == [1.0, 0.0]
    assert number.losses(pieces, torch.tensor([[1.0], [2.0]]), given).tolist() == [0.0, 4.0]
    assert [a.value for a in number.said(torch.tensor([[1.0], [-1.5]]))] == [5.0, 0.0]


def test_a_long_text_is_answered_by_the_mean_of_its_windows(tmp_path):
    backbone = resolve(str(shapes.save("bert", tmp_path / "bert")), max_length=8)
    head = SequenceHead(("x", "y"), "mean", windows=True)
    tokenizer = load_tokenizer(backbone)
    long = " ".join(example.input for example in ROWS[:3])
    texts = ["kelo maru", long]
    pieces = head.encode(tokenizer, texts, 8)
    assert head.encode(tokenizer, texts, 8, training=True) == pieces
    assert len(pieces) > 4
    logits = torch.randn(len(pieces), 2)
    expected = torch.stack([logits[0], logits[1:].mean(0)]).softmax(-1)
    answers = head.answers(texts, pieces, logits)
    assert [a.confidence for a in answers] == pytest.approx(expected.max(-1).values.tolist())
