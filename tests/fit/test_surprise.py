"""How little a model expects texts: transformers' own loss, row by row, also of saved models."""

import math
from dataclasses import replace
from functools import cache

import pytest
import torch
import writers

import toy
from toy_tasks import examples
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit.backbones import load_tokenizer, resolve
from tunewell.fit.heads import head_for
from tunewell.fit.surprise import surprises
from tunewell.values import Answer, Machine

MACHINE = Machine(threads=1)
INSTRUCT, COMPLETE = registry.task("instruct"), registry.task("complete")
ROWS = tuple(
    INSTRUCT().read({"instruction": f"which? {n * 'na '}", "output": text}, "toy.csv")
    for n, text in enumerate(["kelo!", "maru sivo", "grün", "tanu, a kelo"], start=1)
)
TEXTS = tuple(COMPLETE().read({"text": e.input}, "toy.csv") for e in toy.examples(24))


@pytest.fixture(scope="session")
def backbone(tmp_path_factory):
    @cache
    def made(shape):
        return resolve(str(writers.save(shape, tmp_path_factory.mktemp("surprise") / shape)))

    return made


def settled(task, backbone, examples):
    tokenizer = load_tokenizer(backbone)
    head = head_for(task, backbone)
    head.equip(tokenizer)
    sample = head.encode(tokenizer, [e.input for e in examples], backbone.max_length)
    head, model = head.settle(backbone, 0.0, 0, sample, tokenizer.pad_token_id)
    return head, model.eval(), tokenizer


def told(task, backbone, examples, max_length=None, plain=None):
    head, model, tokenizer = settled(task, backbone, examples)
    head = head if plain is None else replace(head, plain=plain)
    inputs, targets = [e.input for e in examples], [e.target for e in examples]
    most = max_length or backbone.max_length
    found = surprises(model, head, tokenizer, inputs, targets, most, MACHINE)
    return found, head.solved(tokenizer, inputs, targets, most), model


@pytest.mark.parametrize("shape", list(writers.SHAPES))
def test_nats_are_the_loss_of_transformers_of_each_row(backbone, shape):
    found, pieces, model = told(INSTRUCT(), backbone(shape), ROWS)
    assert len(found) == len(ROWS)
    for row, piece, surprise in zip(ROWS, pieces, found, strict=True):
        with torch.no_grad():
            batch = {"input_ids": torch.tensor([piece.ids]), "labels": torch.tensor([piece.labels])}
            loss = model(**batch).loss.item()
        assert surprise.tokens == sum(label != -100 for label in piece.labels)
        assert surprise.nats == pytest.approx(loss * surprise.tokens, rel=1e-4)
        assert surprise.bytes == len(row.target.encode())
    other, _, _ = told(INSTRUCT(), backbone(shape), ROWS, plain=False)
    assert [s.nats for s in other] == pytest.approx([s.nats for s in found], rel=1e-5)


@pytest.mark.parametrize("shape", ["gpt2", "llama"])
def test_of_a_plain_text_every_token_counts(backbone, shape):
    found, pieces, model = told(COMPLETE(), backbone(shape), TEXTS)
    for row, piece, surprise in zip(TEXTS, pieces, found, strict=True):
        assert surprise.bytes == len((row.input + row.target).encode())
        assert surprise.tokens == len(piece.ids) - 1 and piece.labels[0] == -100
        ids = torch.tensor([piece.ids])
        with torch.no_grad():
            shares = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
        nats = -shares.gather(1, ids[0, 1:, None]).sum().item()
        assert surprise.nats == pytest.approx(nats, rel=1e-4)
    tokenizer = load_tokenizer(backbone(shape))
    whole = tokenizer.decode(pieces[0].ids[1:], skip_special_tokens=True)
    assert whole == TEXTS[0].input + TEXTS[0].target


def test_of_a_text_that_is_cut_what_is_left_counts(backbone):
    long = COMPLETE().read({"text": "the sea and the forest " * 20}, "toy.csv")
    (found,), (piece,), _ = told(COMPLETE(), backbone("gpt2"), [long], max_length=32)
    assert len(piece.ids) == 32 and found.tokens == 31
    assert 20 < found.bytes < len((long.input + long.target).encode()) / 2


def test_an_encoder_decoder_does_not_complete(backbone):
    with pytest.raises(NotApplicable, match="not a text from its start"):
        head_for(COMPLETE(), backbone("t5"))


def test_a_model_learns_to_expect_and_says_so_again_after_loading(backbone, tmp_path):
    rows = examples("complete", 60)
    task = COMPLETE.from_examples(rows)
    method = replace(registry.method("full")(), learning_rate=5e-3, epochs=4, batch_size=8)
    fitted = method.fit(Job(task, rows, rows[:20], backbone("llama"), MACHINE))
    inputs, targets = [e.input for e in rows[:20]], [e.target for e in rows[:20]]
    after = fitted.surprise(inputs, targets)
    before, _, _ = told(task, backbone("llama"), rows[:20])
    assert sum(s.nats for s in after) < 0.7 * sum(s.nats for s in before)
    fitted.save(tmp_path)
    loaded = registry.method("full").load(tmp_path, MACHINE)
    assert loaded.head.plain
    again = loaded.surprise(inputs, targets)
    assert [s.nats for s in again] == pytest.approx([s.nats for s in after], rel=1e-5)
    alone = [loaded.surprise([i], [t])[0] for i, t in zip(inputs, targets, strict=True)]
    assert [s.nats for s in alone] == pytest.approx([s.nats for s in after], rel=1e-4)
    scored = task.score(targets, [Answer("", surprise=s) for s in after])
    bits = sum(s.nats for s in after) / math.log(2)
    assert scored["bits_per_byte"] == pytest.approx(bits / sum(s.bytes for s in after))


def test_what_answers_otherwise_cannot_tell(toy_backbone):
    task = registry.task("classify").from_examples(toy.examples(60))
    job = Job(task, toy.examples(60), toy.examples(20, 1), resolve(str(toy_backbone)), MACHINE)
    fitted = replace(registry.method("head")(), epochs=1).fit(job)
    assert fitted.surprise(["a kelo", "na"], ["sea", "sea"]) == [None, None]


def test_a_model_that_is_only_asked_expects_texts_as_before_it_is_trained(tmp_path):
    talking = resolve(str(writers.save("qwen2", tmp_path / "qwen2", "chatml")))
    for task, rows in ((INSTRUCT(), ROWS), (COMPLETE(), TEXTS[:6])):
        asked = registry.method("zero_shot")().fit(Job(task, rows, rows, talking, MACHINE))
        found = asked.surprise([e.input for e in rows], [e.target for e in rows])
        expected, _, _ = told(task, talking, rows)
        assert [s.bytes for s in found] == [s.bytes for s in expected]
        assert [s.nats for s in found] == pytest.approx([s.nats for s in expected], rel=1e-4)


def test_what_is_asked_for_counts_where_a_text_is_gone_on_with(backbone):
    plain = backbone("gpt2")
    asked = registry.method("zero_shot")().fit(Job(INSTRUCT(), ROWS, ROWS, plain, MACHINE))
    found = asked.surprise([e.input for e in ROWS], [e.target for e in ROWS])
    assert [s.bytes for s in found] == [len(row.target.encode()) + 1 for row in ROWS]
    task = registry.task("classify").from_examples(toy.examples(60))
    rows = toy.examples(8)
    labels = registry.method("zero_shot")(by="scoring").fit(Job(task, rows, rows, plain, MACHINE))
    assert labels.surprise(["a kelo"], ["sea"]) == [None]
