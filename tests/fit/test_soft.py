"""Virtual tokens before what a model reads that writes: learnt, kept, gone on with, and peft's."""

from dataclasses import replace
from functools import cache

import pytest
import torch
import writers
from test_writing import INPUTS, MACHINE, TASK, TEST, TRAIN, VALIDATION

from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit import anatomy
from tunewell.fit.backbones import resolve
from tunewell.fit.generate import Prompt
from tunewell.fit.packing import unpack
from tunewell.fit.sampling import Draw
from tunewell.fit.soft import soft_words
from tunewell.fit.together import begun, drawn, joined, step

TARGETS = [example.target for example in TEST]
NAMES = ("prompt_tuning", "p_tuning", "prefix")
CASES = [
    *(("prompt_tuning", shape) for shape in writers.SHAPES),
    *(("prefix", shape) for shape in writers.DECODERS),
    ("p_tuning", "gpt2"),
    ("p_tuning", "t5"),
]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    @cache
    def fit(name, shape, rate=0.05, epochs=6):
        folder = tmp_path_factory.mktemp("soft") / shape
        backbone = resolve(str(writers.save(shape, folder)))
        own = {"tokens": 5, "epochs": epochs, "batch_size": 8, "learning_rate": rate}
        return replace(registry.method(name)(), **own).fit(
            Job(TASK, TRAIN, VALIDATION, backbone, MACHINE)
        )

    return fit


def nats(predictor):
    return sum(each.nats for each in predictor.surprise(INPUTS, TARGETS))


def pieces_of(predictor, count=4):
    most = predictor.record.backbone.max_length
    return predictor.head.encode(predictor.tokenizer, INPUTS[:count], most)


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_they_are_learnt_and_the_rest_stands(name, shape, fitted):
    predictor = fitted(name, shape)
    moving = [name for name, p in predictor.model.named_parameters() if p.requires_grad]
    assert moving and all("prompt" in name for name in moving)
    size = soft_words(predictor.model).vectors().numel()
    if name != "p_tuning":
        assert predictor.parameters.trainable == size
    if name == "prefix":
        inside = anatomy.unwrapped(predictor.model)
        keys = inside(torch.tensor([[20, 21]]), use_cache=True).past_key_values.layers
        assert size == 5 * sum(2 * layer.keys[:, :, 0].numel() for layer in keys)
    assert nats(predictor) < 0.99 * nats(fitted(name, shape, 1e-9, 1))


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_what_is_saved_answers_the_same_with_peft_alone(name, shape, fitted, tmp_path):
    import peft

    predictor, two = fitted(name, shape), shape in writers.ENCODER_DECODERS
    answers = predictor.predict(INPUTS)
    assert answers == [predictor.predict([each])[0] for each in INPUTS]
    predictor.save(tmp_path)
    again = registry.method(name).load(tmp_path, MACHINE)
    assert again.predict(INPUTS) == answers
    assert nats(again) == pytest.approx(nats(predictor), rel=1e-5)
    auto = peft.AutoPeftModelForSeq2SeqLM if two else peft.AutoPeftModelForCausalLM
    stock = auto.from_pretrained(tmp_path).eval()
    head, tokenizer = predictor.head, predictor.tokenizer
    for piece, answer in zip(pieces_of(predictor), answers, strict=False):
        text, whole = torch.tensor([piece.ids[len(head.lead) :]]), torch.tensor([piece.ids])
        given = {"attention_mask": torch.ones_like(text)}
        more = {"decoder_input_ids": text} if two else {}
        with torch.no_grad():
            theirs = stock(input_ids=text, **given, **more).logits[:, -text.shape[1] :]
            ours = predictor.model(input_ids=whole, **more).logits[:, -text.shape[1] :]
            written = stock.generate(
                input_ids=text,
                **given,
                do_sample=False,
                max_new_tokens=head.new_tokens,
                eos_token_id=head.stops(tokenizer),
                pad_token_id=tokenizer.pad_token_id,
            )[0, 1 if two else text.shape[1] :]
        assert torch.allclose(ours, theirs, atol=1e-5)
        assert tokenizer.decode(written, skip_special_tokens=True).strip() == answer.value


@pytest.mark.parametrize("shape", ["gpt2", "llama", "opt"])
@pytest.mark.parametrize("name", ["prompt_tuning", "prefix"])
def test_rows_end_to_end_are_read_as_padded_ones(name, shape, fitted, tmp_path):
    predictor = fitted(name, shape)
    predictor.save(tmp_path)
    padded = registry.method(name).load(tmp_path, MACHINE)
    unpack(padded.model)
    one, other = (each.surprise(INPUTS, TARGETS) for each in (predictor, padded))
    expected = [each.nats for each in other]
    assert [each.nats for each in one] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_tokens_one_by_one_are_those_of_an_answer(name, fitted):
    predictor = fitted(name, "gpt2" if name == "p_tuning" else "llama")
    head, tokenizer = predictor.head, predictor.tokenizer
    stops, draw = head.stops(tokenizer), Draw()
    answers, told = [each.value for each in predictor.predict(INPUTS[:4])], []
    prompts = [Prompt(piece.ids, head.new_tokens) for piece in pieces_of(predictor)]
    for prompt in prompts:
        moments = drawn(predictor.model, prompt, 1, stops, MACHINE, draw)
        told.append([token for (token,) in moments])
    assert [_text(tokenizer, tokens) for tokens in told] == answers
    batches = [begun(predictor.model, each, 1, stops, MACHINE, draw) for each in prompts]
    members = [batch.members[0] for batch in batches]
    for batch in batches:
        step(batch)
    while any(batch.members for batch in batches):
        batches = joined([batch for batch in batches if batch.members])
        assert len(batches) == 1  # texts of unlike length, side by side
        step(batches[0])
    assert [_text(tokenizer, [t for (t,) in member.written]) for member in members] == answers


def _text(tokenizer, tokens):
    ids = [token.id for token in tokens if token is not None and not token.ends]
    return tokenizer.decode(ids, skip_special_tokens=True).strip()


@pytest.mark.parametrize("shape", ["gpt2", "t5"])
def test_a_long_row_keeps_its_virtual_tokens(shape, fitted):
    predictor = fitted("prompt_tuning", shape)
    head, tokenizer = predictor.head, predictor.tokenizer
    long = TASK.input({"instruction": "which one?", "input": "na " * 400}, "toy")
    (asked,) = head.encode(tokenizer, [long], 64)
    (learnt,) = head.solved(tokenizer, [long], ["kelo!"], 64)
    for piece in (asked, learnt):
        assert len(piece.ids) <= 64 and tuple(piece.ids[:5]) == head.lead
    if shape == "gpt2":
        assert learnt.labels[:5] == [-100] * 5


def test_encoders_without_keys_and_narrow_windows_are_refused(tmp_path):
    backbone = resolve(str(writers.save("t5", tmp_path / "t5")))
    with pytest.raises(NotApplicable, match="an encoder takes no keys"):
        registry.method("prefix")().fit(Job(TASK, TRAIN, VALIDATION, backbone, MACHINE))
    backbone = resolve(str(writers.save("llama", tmp_path / "narrow")), max_length=20)
    for name in NAMES:
        with pytest.raises(NotApplicable, match="no room"):
            registry.method(name)().fit(Job(TASK, TRAIN, VALIDATION, backbone, MACHINE))
