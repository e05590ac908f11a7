"""Forgetting: texts of another kind, to a backbone and to what was made of it."""

import math
import random
from dataclasses import replace

import pytest
import torch
import transformers
import writers

import toy
from toy_tasks import examples
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit.backbones import load_tokenizer, resolve
from tunewell.fit.general import why_untold
from tunewell.fit.heads.masked import masked_at_random
from tunewell.measure.forgetting import change
from tunewell.surprise import Recall, Surprise
from tunewell.values import Machine

MACHINE = Machine(threads=1)
TEXTS = tuple(toy.sentence(topic, random.Random(n)) for n in range(8) for topic in toy.TOPICS)
TRAIN, VALIDATION = toy.examples(150), toy.examples(20, seed=1)
TASK = registry.task("classify").from_examples(TRAIN)


def fit(name, folder, task=TASK, train=TRAIN, validation=VALIDATION, **options):
    options = {"epochs": 1, **options}
    method = replace(registry.method(name)(), **options)
    return method.fit(Job(task, train, validation, resolve(str(folder)), MACHINE))


def nats(surprises):
    return [each.nats for each in surprises]


def test_masked_words_of_an_encoder_are_those_of_transformers(filling_backbone):
    told = fit("full", filling_backbone, learning_rate=1e-9).recalled(TEXTS)
    model = transformers.AutoModelForMaskedLM.from_pretrained(filling_backbone).eval()
    tokenizer = load_tokenizer(resolve(str(filling_backbone)))
    assert told.unit == "masked token"
    for piece, each in zip(masked_at_random(tokenizer, TEXTS, 32, 0.15), told.before, strict=True):
        labels = torch.tensor([piece.labels])
        with torch.no_grad():
            loss = model(input_ids=torch.tensor([piece.ids]), labels=labels).loss.item()
        assert each.nats == pytest.approx(loss * each.tokens, rel=1e-4)
    assert nats(told.after) == pytest.approx(nats(told.before), rel=1e-4)


@pytest.mark.parametrize("name", ["lora", "adapter", "bitfit"])
def test_what_has_learnt_next_to_nothing_has_forgotten_nothing(filling_backbone, name):
    told = fit(name, filling_backbone, learning_rate=1e-9).recalled(TEXTS)
    assert nats(told.after) == pytest.approx(nats(told.before), rel=1e-3)


def test_a_body_that_has_learnt_labels_finds_words_harder(filling_backbone):
    told = fit("full", filling_backbone, learning_rate=1e-2, epochs=6).recalled(TEXTS)
    assert change(told).low > 0


def test_an_untouched_body_has_forgotten_nothing(filling_backbone):
    assert fit("head", filling_backbone).recalled(TEXTS) is None


def test_what_stands_apart_and_what_expects_no_words_is_said(filling_backbone, toy_backbone):
    with pytest.raises(NotApplicable, match="without them nothing changed"):
        fit("p_tuning", filling_backbone).recalled(TEXTS)
    reason = why_untold(resolve(str(toy_backbone)), MACHINE, TEXTS)
    assert "no layer that fills in words" in reason
    with pytest.raises(NotApplicable, match="no layer that fills in words"):
        fit("full", toy_backbone).recalled(TEXTS)


@pytest.mark.parametrize("shape", ["gpt2", "llama"])
def test_bits_of_a_model_that_writes_are_those_of_transformers(shape, tmp_path):
    folder = writers.save(shape, tmp_path / shape)
    rows = examples("complete", 60)
    task = registry.task("complete").from_examples(rows)
    told = fit("full", folder, task, rows, rows[:20], learning_rate=5e-3).recalled(TEXTS)
    tokenizer = load_tokenizer(resolve(str(folder)))
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    assert told.unit == "byte"
    start = tokenizer.bos_token_id if shape == "llama" else tokenizer.eos_token_id
    for text, each in zip(TEXTS, told.before, strict=True):
        ids = torch.tensor([[start, *tokenizer(text, add_special_tokens=False)["input_ids"]]])
        with torch.no_grad():
            loss = model(input_ids=ids, labels=ids).loss.item()
        assert each.bytes == len(text.encode()) and each.tokens == ids.shape[1] - 1
        assert each.nats == pytest.approx(loss * each.tokens, rel=1e-4)
    assert sum(nats(told.after)) < sum(nats(told.before))


def test_a_classifier_on_a_decoder_is_asked_with_the_decoders_own_layer(tmp_path):
    folder = writers.save("gpt2", tmp_path / "gpt2")
    told = fit("full", folder, learning_rate=1e-9).recalled(TEXTS)
    assert told.unit == "byte"
    assert nats(told.after) == pytest.approx(nats(told.before), rel=1e-4)


def test_an_encoder_decoder_says_why_not(tmp_path):
    backbone = resolve(str(writers.save("t5", tmp_path / "t5")))
    assert "encoder-decoder" in why_untold(backbone, MACHINE, TEXTS)


def test_the_change_is_in_bits_for_all_texts_together():
    before = (Surprise(2 * math.log(2), 2, 10), Surprise(4 * math.log(2), 4, 30))
    after = (Surprise(6 * math.log(2), 2, 10), Surprise(4 * math.log(2), 4, 30))
    assert change(Recall("byte", before, after)).value == pytest.approx(4 / 40)
    assert change(Recall("masked token", before, after)).value == pytest.approx(4 / 6)
    same = change(Recall("byte", before, before))
    assert (same.low, same.value, same.high) == (0, 0, 0)
    found = change(Recall("byte", before * 20, after * 20))
    assert found.low < found.value < found.high
