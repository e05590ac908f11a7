"""Words that are left out: the loss of transformers, learnt, saved, and opened without Tunewell."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache

import pytest
import torch

import shapes
from toy_tasks import examples, learnt
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit.backbones import load_tokenizer, resolve
from tunewell.fit.heads import head_for
from tunewell.fit.heads.masked import masked_at_random
from tunewell.fit.tensors import padded
from tunewell.values import Machine

MACHINE = Machine(threads=1)
ROWS, HELD_OUT = examples("fill", 240), examples("fill", 60, 1)
INPUTS = [example.input for example in HELD_OUT]


@pytest.fixture(scope="session")
def fitted(filling_backbone):
    @cache
    def fit(name):
        method = replace(registry.method(name)(), learning_rate=3e-3, epochs=12, batch_size=8)
        job = Job(learnt("fill"), ROWS, HELD_OUT, resolve(str(filling_backbone)), MACHINE)
        return method.fit(job)

    return fit


def settled(backbone, rows):
    tokenizer = load_tokenizer(backbone)
    head = head_for(learnt("fill"), backbone)
    head.equip(tokenizer)
    inputs, targets = [e.input for e in rows], [e.target for e in rows]
    sample = head.encode(tokenizer, inputs, backbone.max_length)
    head, model = head.settle(backbone, 0.0, 0, sample, tokenizer.pad_token_id)
    pieces = head.solved(tokenizer, inputs, targets, backbone.max_length)
    return head, model.eval(), tokenizer, pieces


@pytest.mark.parametrize("shape", ["bert", "distilbert", "roberta", "electra", "modernbert"])
def test_the_loss_is_that_of_transformers_over_masked_tokens(shape, tmp_path):
    backbone = resolve(str(shapes.save(shape, tmp_path / shape, words=True)))
    head, model, tokenizer, pieces = settled(backbone, ROWS[:6])
    batch = padded(pieces, tokenizer.pad_token_id, "cpu")
    kept = {name: batch[name] for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        logits = model(**kept).logits.flatten(0, 1)
        theirs = torch.nn.functional.cross_entropy(logits, batch["labels"].flatten())
        for plain in (True, False):
            made = replace(head, plain=plain)
            losses = made.losses(pieces, made.logits(model, batch), made.targets(pieces, []))
            assert losses.mean().item() == pytest.approx(theirs.item(), rel=1e-4)
    assert head.plain


def test_a_word_of_several_tokens_is_as_many_masks_and_what_is_cut_is_told(tmp_path):
    backbone = resolve(str(shapes.save("bert", tmp_path / "bert")))
    tokenizer = load_tokenizer(backbone)
    head = head_for(learnt("fill"), backbone)
    (piece,) = head.solved(tokenizer, ["kelo ___ sivo ___"], ["maru tanu"], 32)
    wanted = tokenizer("maru tanu", add_special_tokens=False)["input_ids"]
    assert [n for n in piece.labels if n != -100] == wanted and not any(piece.extra)
    at = [n for n, each in enumerate(piece.labels) if each != -100]
    assert all(piece.ids[n] == tokenizer.mask_token_id for n in at)
    (cut,) = head.solved(tokenizer, ["kelo ___ sivo ___"], ["maru tanu"], 4)
    assert cut.extra.answer and [n for n in cut.labels if n != -100] == wanted[:1]
    assert head.solved(tokenizer, ["kelo sivo ___"], ["maru"], 3) == []


@pytest.mark.parametrize("name", ["full", "lora"])
def test_missing_words_are_learnt_and_found_again_after_loading(fitted, name, tmp_path):
    task, predictor = learnt("fill"), fitted(name)
    answers = predictor.predict(INPUTS)
    targets = [example.target for example in HELD_OUT]
    assert task.score(targets, answers)["words_right"] > 0.6
    assert all(0 <= answer.confidence <= 1 for answer in answers)
    predictor.save(tmp_path / "model")
    again = registry.method(name).load(tmp_path / "model", MACHINE)
    assert [a.value for a in again.predict(INPUTS)] == [a.value for a in answers]
    alone = [predictor.predict([each])[0].value for each in INPUTS[:8]]
    assert alone == [answer.value for answer in answers[:8]]
    told = again.surprise(INPUTS, targets)
    assert all(each.tokens == 1 and each.nats >= 0 for each in told)
    assert again.predict([]) == []


def test_the_untouched_encoder_fills_in_what_it_was_pretrained_to(
    fitted, filling_backbone, tmp_path
):
    backbone = resolve(str(filling_backbone))
    targets = [example.target for example in HELD_OUT]
    untouched = registry.method("zero_shot")().fit(
        Job(learnt("fill"), ROWS, HELD_OUT, backbone, MACHINE)
    )
    head, model, tokenizer, _ = settled(backbone, ROWS[:1])
    answers, _ = head.write(model, tokenizer, INPUTS, backbone.max_length, MACHINE)
    assert untouched.predict(INPUTS) == answers
    told = [each.nats for each in untouched.surprise(INPUTS, targets)]
    learnt_by = [each.nats for each in fitted("full").surprise(INPUTS, targets)]
    assert sum(learnt_by) < sum(told) / 2
    assert untouched.parameters.trainable == 0 < untouched.parameters.total
    untouched.save(tmp_path / "model")
    assert [each.name for each in (tmp_path / "model").iterdir()] == ["model.json"]
    again = registry.method("zero_shot").load(tmp_path / "model", MACHINE)
    assert again.predict(INPUTS) == answers


def test_a_text_has_an_answer_for_each_blank(fitted):
    (answer,) = fitted("full").predict(["kelo ___ sivo ___ wela ___ navi"])
    assert len(answer.value.split()) == 3


@pytest.mark.parametrize("name", ["full", "lora", "adapter"])
def test_a_card_runs_without_tunewell(fitted, name, tmp_path):
    fitted(name).save(tmp_path)
    code = re.search(r"```python\n(.*?)```", (tmp_path / "README.md").read_text(), re.S)[1]
    code = code.replace('folder = "."', f"folder = {str(tmp_path)!r}")
    code = code.replace("a text with a ", "kelo maru ").replace('token}"', 'token} tanu wela"')
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.modules['tunewell'] = None\n" + code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr[-1500:]
    ours = fitted(name).predict(["kelo maru ___ tanu wela"])[0].value
    assert eval(done.stdout.splitlines()[-1]) == [ours]


def test_what_cannot_fill_in_is_refused(toy_backbone, tmp_path):
    job = Job(learnt("fill"), ROWS, HELD_OUT, resolve(str(toy_backbone)), MACHINE)
    with pytest.raises(NotApplicable, match="no layer that fills in words"):
        registry.method("full")().fit(job)
    with pytest.raises(NotApplicable, match="does not fill in words"):
        head_for(learnt("fill"), resolve(str(shapes.save("gpt2", tmp_path / "gpt2"))))


def test_equal_texts_have_equal_masks(filling_backbone):
    tokenizer = load_tokenizer(resolve(str(filling_backbone)))
    texts = ["kelo maru sivo tanu wela piso navi loru a na", "kelo maru"]
    one, other = (masked_at_random(tokenizer, texts, 32, 0.2) for _ in range(2))
    assert one == other
    assert [sum(n != -100 for n in piece.labels) for piece in one] == [2, 1]
    for piece in one:
        whole = [i if n == -100 else n for i, n in zip(piece.ids, piece.labels, strict=True)]
        assert whole == tokenizer(texts[piece.row])["input_ids"]
