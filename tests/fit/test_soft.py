"""Virtual tokens before what a decoder reads: learnt, kept, gone on with, and opened by peft."""

from dataclasses import replace

import pytest
import torch
import writers
from test_writing import INPUTS, MACHINE, TASK, TEST, TRAIN, VALIDATION

from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit.backbones import resolve
from tunewell.fit.generate import Prompt
from tunewell.fit.sampling import Draw
from tunewell.fit.soft import soft_words
from tunewell.fit.together import drawn

DECODERS = [name for name in writers.SHAPES if name not in writers.ENCODER_DECODERS]
TARGETS = [example.target for example in TEST]


def fitted(name, shape, folder, epochs=1, rate=0.05):
    backbone = resolve(str(writers.save(shape, folder / shape)))
    own = {"tokens": 5, "epochs": epochs, "batch_size": 8, "learning_rate": rate}
    method = replace(registry.method(name)(), **own)
    return method.fit(Job(TASK, TRAIN, VALIDATION, backbone, MACHINE))


def nats(predictor):
    return sum(each.nats for each in predictor.surprise(INPUTS, TARGETS))


@pytest.mark.parametrize("shape", DECODERS)
def test_they_are_learnt_and_the_rest_stands(shape, tmp_path):
    predictor = fitted("prompt_tuning", shape, tmp_path, epochs=6)
    moving = [name for name, p in predictor.model.named_parameters() if p.requires_grad]
    assert len(moving) == 1 and "prompt" in moving[0]
    assert predictor.parameters.trainable == 5 * soft_words(predictor.model).embedding_dim
    assert nats(predictor) < 0.97 * nats(fitted("prompt_tuning", shape, tmp_path, rate=1e-9))


@pytest.mark.parametrize("name", ["prompt_tuning", "p_tuning"])
@pytest.mark.parametrize("shape", ["gpt2", "llama"])
def test_what_is_saved_answers_the_same_with_peft_alone(name, shape, tmp_path):
    from peft import AutoPeftModelForCausalLM

    predictor = fitted(name, shape, tmp_path)
    answers = predictor.predict(INPUTS)
    predictor.save(tmp_path / "model")
    again = registry.method(name).load(tmp_path / "model", MACHINE)
    assert again.predict(INPUTS) == answers
    assert nats(again) == pytest.approx(nats(predictor), rel=1e-5)
    stock = AutoPeftModelForCausalLM.from_pretrained(tmp_path / "model").eval()
    head, tokenizer = predictor.head, predictor.tokenizer
    pieces = head.encode(tokenizer, INPUTS[:4], predictor.record.backbone.max_length)
    for piece, answer in zip(pieces, answers[:4], strict=True):
        ids = torch.tensor([piece.ids[len(head.lead) :]])
        with torch.no_grad():
            written = stock.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                do_sample=False,
                max_new_tokens=head.new_tokens,
                eos_token_id=head.stops(tokenizer),
                pad_token_id=tokenizer.pad_token_id,
            )[0, ids.shape[1] :]
        assert tokenizer.decode(written, skip_special_tokens=True).strip() == answer.value


def test_tokens_one_by_one_are_those_of_an_answer(tmp_path):
    predictor = fitted("prompt_tuning", "llama", tmp_path)
    head, tokenizer = predictor.head, predictor.tokenizer
    (answer,) = predictor.predict(INPUTS[:1])
    (piece,) = head.encode(tokenizer, INPUTS[:1], predictor.record.backbone.max_length)
    prompt, stops = Prompt(piece.ids, head.new_tokens), head.stops(tokenizer)
    moments = drawn(predictor.model, prompt, 1, stops, MACHINE, Draw())
    ids = [token.id for (token,) in moments if token is not None and not token.ends]
    assert tokenizer.decode(ids, skip_special_tokens=True).strip() == answer.value


def test_a_long_row_keeps_its_virtual_tokens(tmp_path):
    predictor = fitted("prompt_tuning", "gpt2", tmp_path)
    head, tokenizer = predictor.head, predictor.tokenizer
    long = TASK.input({"instruction": "which one?", "input": "na " * 400}, "toy")
    (asked,) = head.encode(tokenizer, [long], 64)
    (learnt,) = head.solved(tokenizer, [long], ["kelo!"], 64)
    for piece in (asked, learnt):
        assert len(piece.ids) <= 64 and tuple(piece.ids[:5]) == head.lead
    assert learnt.labels[:5] == [-100] * 5


def test_encoder_decoders_and_narrow_windows_are_refused(tmp_path):
    with pytest.raises(NotApplicable, match="this is none"):
        fitted("prompt_tuning", "t5", tmp_path)
    backbone = resolve(str(writers.save("llama", tmp_path / "narrow")), max_length=20)
    method = registry.method("prompt_tuning")()
    with pytest.raises(NotApplicable, match="no room"):
        method.fit(Job(TASK, TRAIN, VALIDATION, backbone, MACHINE))
