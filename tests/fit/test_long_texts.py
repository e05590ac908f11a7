"""Texts longer than a row may be: read in windows nothing of them is lost, cut it is."""

import random
import re
from dataclasses import replace

import pytest
import torch

import toy
from test_method_laws import small
from tunewell import registry
from tunewell.cli import main
from tunewell.contracts import Job
from tunewell.fit.backbones import load_tokenizer, resolve
from tunewell.fit.heads.own import row_vectors
from tunewell.fit.heads.sequence import SequenceHead
from tunewell.fit.pieces import Piece, in_windows, whole, whole_or_windows, windows
from tunewell.fit.prefix import embed
from tunewell.imbalance import LabelOptions
from tunewell.measure.trial import load_model
from tunewell.values import Machine

MACHINE = Machine(threads=1)
WINDOW = 16
IN_WINDOWS = LabelOptions(long_texts="windows")


def long_rows(count, seed):
    """Texts that say nothing for more than a window, and what they are about at the end."""
    chance = random.Random(seed)
    made = []
    for number, row in enumerate(toy.examples(count, seed)):
        filler = chance.choices(toy.FILLER.split(), k=chance.randint(16, 22))
        own = chance.choices(toy.TOPICS[row.target].split(), k=6)
        words = [*filler, *own] if number % 4 else own  # some are short
        made.append(replace(row, input=" ".join(words)))
    return tuple(made)


TRAIN, VALIDATION, TEST = long_rows(120, 0), long_rows(36, 1), long_rows(60, 2)
INPUTS = [row.input for row in TEST]


@pytest.fixture
def fit(toy_backbone):
    """Fits a method to rows, cut or in windows; what was told on the way is kept."""

    def fitted(name, options, rows=(TRAIN, VALIDATION), told=None):
        backbone = resolve(str(toy_backbone), max_length=WINDOW)
        task = registry.task("classify").from_examples(rows[0], options=options)
        note = (lambda progress: told.append(progress.note)) if told is not None else None
        more = {"report_progress": note} if note else {}
        return small(registry.method(name)).fit(Job(task, *rows, backbone, MACHINE, **more))

    return fitted


def scores(answers):
    return [list(answer.scores.values()) for answer in answers]


@pytest.mark.parametrize("name", ["head", "full", "features", "few_shot", "zero_shot"])
def test_what_stands_at_the_end_counts_in_windows_alone(fit, tmp_path, name):
    def right(answers):
        pairs = [(a, row) for a, row in zip(answers, TEST, strict=True) if len(row.input) > 40]
        assert len(pairs) == 45
        return sum(answer.value == row.target for answer, row in pairs) / len(pairs)

    told = []
    predictor = fit(name, IN_WINDOWS, told=told)
    together = predictor.predict(INPUTS)
    if name != "zero_shot":  # names of made-up topics say nothing, and no training row is read
        assert right(fit(name, LabelOptions()).predict(INPUTS)) < 0.6
        assert right(together) > 0.8
        assert any("117 long" in note and f"windows of {WINDOW} tokens" in note for note in told)
    alone = [predictor.predict([text])[0] for text in INPUTS[:8]]
    torch.testing.assert_close(scores(together[:8]), scores(alone), atol=1e-5, rtol=0)
    predictor.save(tmp_path / "saved")
    again = load_model(tmp_path / "saved", MACHINE)
    assert again.task == predictor.task
    torch.testing.assert_close(scores(again.predict(INPUTS)), scores(together), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["last_layers", "prompt_tuning"])
def test_other_ways_to_train_read_windows_alike(fit, name):
    told = []
    options = replace(IN_WINDOWS, balanced_batches=True)
    predictor = fit(name, options, (TRAIN[:24], VALIDATION[:12]), told)
    together = predictor.predict(INPUTS[:12])
    alone = [predictor.predict([text])[0] for text in INPUTS[:12]]
    torch.testing.assert_close(scores(together), scores(alone), atol=1e-5, rtol=0)
    assert any("overlapping windows" in note for note in told)
    assert not any("cut at" in note for note in told)


@pytest.mark.parametrize("name", ["head", "full", "features"])
def test_short_texts_are_answered_alike_either_way(fit, name):
    rows = tuple(
        tuple(row for row in toy.examples(count, seed) if len(row.input.split()) <= WINDOW - 2)
        for count, seed in ((60, 0), (24, 1), (24, 2))
    )
    inputs = [row.input for row in rows[2]]
    answers = [fit(name, given, rows[:2]).predict(inputs) for given in (LabelOptions(), IN_WINDOWS)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("name", ["head", "features"])
def test_the_card_reads_windows_without_us(fit, tmp_path, monkeypatch, capsys, name):
    predictor = fit(name, IN_WINDOWS)
    predictor.save(tmp_path)
    code = re.search(r"```python\n(.*?)```", (tmp_path / "README.md").read_text(), re.DOTALL)[1]
    monkeypatch.chdir(tmp_path)
    exec(code.replace('["a text"]', repr(INPUTS)), {})
    expected = [max(answer.scores, key=answer.scores.get) for answer in predictor.predict(INPUTS)]
    assert capsys.readouterr().out.splitlines()[-1] == repr(expected)


def test_check_says_what_is_read_in_windows(tmp_path, toy_backbone, capsys):
    with (tmp_path / "long.csv").open("w", encoding="utf-8") as file:
        file.writelines(["text,label\n", *(f"{row.input},{row.target}\n" for row in TRAIN)])
    asked = ["check", str(tmp_path / "long.csv"), "--max-length", str(WINDOW)]
    asked += ["--backbone", str(toy_backbone)]
    told = []
    for more in ([], ["--classify.long_texts", "windows"]):
        main([*asked, *more])
        told.append(" ".join(capsys.readouterr().out.split()))
    assert "cut off there" in told[0] and "--classify.long_texts windows" in told[0]
    assert "cut off" not in told[1]
    assert "read in overlapping windows, so that nothing is lost." in told[1]


def test_each_row_counts_once_however_many_windows_it_has(toy_backbone):
    tokenizer = load_tokenizer(resolve(str(toy_backbone)))
    head = SequenceHead(("x", "y"), "mean", windows=True)
    texts = ["kelo maru", "kelo maru sivo " * 20]
    pieces = head.encode(tokenizer, texts, WINDOW, training=True)
    assert [piece.row for piece in pieces] == [0, *[1] * (len(pieces) - 1)] and len(pieces) > 4
    given = head.targets(pieces, ["x", "y"])
    assert given.tolist() == [0, *[1] * (len(pieces) - 1)]
    logits = torch.randn(len(pieces), 2)
    plain = torch.nn.functional.cross_entropy(logits, given, reduction="none")
    expected = (plain[0] + plain[1:].mean()) / 2  # the mean over rows
    assert head.losses(pieces, logits, given).mean().item() == pytest.approx(expected.item())
    assert head.encode(tokenizer, [], WINDOW) == []


def test_the_vector_of_a_long_text_is_the_mean_over_its_tokens(toy_backbone):
    vectors = torch.tensor([[1.0], [2.0], [5.0]])
    pieces = [Piece([7] * 3), Piece([7] * 4, row=1), Piece([7] * 2, row=1)]
    assert row_vectors(vectors, pieces, "mean").tolist() == [[1.0], [3.0]]
    assert row_vectors(vectors, pieces, "cls").tolist() == [[1.0], [3.5]]
    backbone = resolve(str(toy_backbone), max_length=WINDOW)
    cut, read = (embed(backbone, MACHINE, INPUTS[:4], windows=given) for given in (False, True))
    changed = (cut != read).any(-1).tolist()
    assert changed == [len(text) > 40 for text in INPUTS[:4]]


def test_of_two_texts_the_longer_one_runs_through_the_windows(toy_backbone):
    tokenizer = load_tokenizer(resolve(str(toy_backbone)))
    long, short = toy.FILLER + " kelo maru sivo tanu", "zaht"
    texts = [(long, short), (short, long), (short, short), ("kelo " * 8, "maru sivo")]
    pieces = whole_or_windows(tokenizer, texts, 12)
    assert in_windows(pieces) == 3
    (fits,) = [piece for piece in pieces if piece.row == 2]
    assert fits.ids == whole(tokenizer, [texts[2]], 12)[0].ids
    for row in (0, 1):
        of = [piece for piece in pieces if piece.row == row]
        assert all(len(piece.ids) <= 12 for piece in of)
        read = [tokenizer.convert_ids_to_tokens(piece.ids) for piece in of]
        assert all("zaht" in words for words in read)
        assert {word for words in read for word in words} >= set(long.split())
    second = windows(tokenizer, [texts[1]], 12)
    assert [p.ids for p in second] == [p.ids for p in pieces if p.row == 1]
