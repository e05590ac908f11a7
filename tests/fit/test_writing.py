"""Models that write: the loss of what they must say, the end of it, and answers that stay."""

import json
import random
import subprocess
import sys
from dataclasses import replace
from functools import cache

import pytest
import torch
import writers

from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit import output_layer
from tunewell.fit.backbones import load_tokenizer, resolve
from tunewell.fit.generate import Prompt, generate
from tunewell.fit.heads import head_for
from tunewell.fit.tensors import padded
from tunewell.values import Machine

MACHINE = Machine(threads=1)
SHAPES = tuple(writers.SHAPES)
WORDS = ["kelo", "maru", "sivo", "tanu"]


def rows(count, seed):
    chance, made = random.Random(seed), []
    for _ in range(count):
        word, filler = chance.choice(WORDS), "na " * chance.randint(1, 6)
        row = {"instruction": "which one?", "input": f"a {filler}{word}", "output": f"{word}!"}
        made.append(registry.task("instruct")().read(row, "toy.csv"))
    return tuple(made)


TRAIN, VALIDATION, TEST = rows(32, 0), rows(8, 1), rows(12, 2)
TASK = registry.task("instruct").from_examples(TRAIN)
INPUTS = [example.input for example in TEST]


@pytest.fixture(scope="session")
def backbone(tmp_path_factory):
    @cache
    def made(shape):
        folder = tmp_path_factory.mktemp("writers") / shape
        return resolve(str(writers.save(shape, folder, "chatml" if shape == "qwen2" else "none")))

    return made


@pytest.fixture(scope="session")
def fitted(backbone):
    @cache
    def fit(name, shape):
        notes = []
        method = registry.method(name)()
        long = (name, shape) == ("full", "llama")
        method = replace(method, learning_rate=5e-3, epochs=16 if long else 2, batch_size=8)
        job = Job(TASK, TRAIN, VALIDATION, backbone(shape), MACHINE)
        job = replace(job, report_progress=lambda heard: notes.append(heard.note))
        return method.fit(job), [note for note in notes if note]

    return fit


def settled(backbone, examples=TRAIN[:6]):
    """A head, its model in evaluation, and the pieces of some rows."""
    tokenizer = load_tokenizer(backbone)
    head = head_for(TASK, backbone)
    head.equip(tokenizer)
    inputs = [example.input for example in examples]
    sample = head.encode(tokenizer, inputs, backbone.max_length)
    head, model = head.settle(backbone, 0.0, 0, sample, tokenizer.pad_token_id)
    targets = [example.target for example in examples]
    return head, model.eval(), head.solved(tokenizer, inputs, targets, backbone.max_length)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_loss_is_that_of_transformers_over_learnt_tokens(backbone, shape):
    head, model, pieces = settled(backbone(shape))
    batch = padded(pieces, model.config.pad_token_id, "cpu")
    with torch.no_grad():
        theirs = model(**batch).loss
        for plain in (True, False):
            made = replace(head, plain=plain)
            losses = made.losses(pieces, made.logits(model, batch), made.targets(pieces, []))
            assert losses.mean().item() == pytest.approx(theirs.item(), rel=1e-5)
    assert head.plain
    whole = [sum(label != -100 for label in piece.labels) for piece in pieces]
    assert all(0 < learnt < len(piece.ids) for learnt, piece in zip(whole, pieces, strict=True))


def test_a_model_that_bends_its_logits_is_seen_and_learnt_right():
    import transformers

    sizes = {**writers.LLAMA_LIKE, "head_dim": 8, "final_logit_softcapping": 2.0}
    config = transformers.Gemma2Config(vocab_size=64, pad_token_id=0, **sizes)
    torch.manual_seed(0)
    model = transformers.Gemma2ForCausalLM(config).eval()
    torch.nn.init.normal_(model.get_output_embeddings().weight, std=1.0)
    ids = torch.arange(3, 15).view(2, 6)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    assert not output_layer.is_plain(model, batch)
    labels = ids.roll(-1, 1)
    losses = output_layer.token_losses(model, batch, labels, plain=False)
    theirs = model(**batch).logits.flatten(0, 1)
    expected = torch.nn.functional.cross_entropy(theirs, labels.flatten(), reduction="none")
    assert torch.allclose(losses.flatten(), expected, atol=1e-5)


@pytest.mark.parametrize("shape", ["gpt2", "t5"])
def test_gradients_are_those_of_transformers(backbone, shape):
    head, model, pieces = settled(backbone(shape))
    batch = padded(pieces, model.config.pad_token_id, "cpu")
    head.losses(pieces, head.logits(model, batch), head.targets(pieces, [])).mean().backward()
    ours = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    model(**batch).loss.backward()
    for name, p in model.named_parameters():
        assert torch.allclose(ours[name], p.grad, rtol=1e-3, atol=1e-6), name


@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_alone_is_answered_as_in_a_batch(fitted, shape):
    predictor, _ = fitted("full", shape)
    together, ended = predictor.written(INPUTS)
    alone = [predictor.predict([each])[0] for each in INPUTS]
    assert together == alone and len(ended) == len(INPUTS)
    assert predictor.predict([]) == []
    backwards = predictor.predict(INPUTS[::-1])[::-1]
    assert backwards == together


def test_the_end_is_learnt_and_answers_are_right(fitted):
    predictor, notes = fitted("full", "llama")
    answers, ended = predictor.written(INPUTS)
    assert all(ended) and notes == []
    assert TASK.score([example.target for example in TEST], answers)["exact_match"] > 0.5


def test_a_model_that_never_stops_is_told(backbone):
    notes = []
    job = Job(TASK, TRAIN[:8], VALIDATION, backbone("gpt2"), MACHINE)
    job = replace(job, report_progress=lambda heard: notes.append(heard.note))
    method = replace(registry.method("full")(), learning_rate=1e-9, epochs=1)
    method.fit(job)
    assert any("answers tried never end; they are cut at" in note for note in notes)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_saved_folder_is_a_stock_one_and_answers_the_same(fitted, shape, tmp_path):
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    predictor, _ = fitted("full", shape)
    predictor.save(tmp_path)
    two = shape in writers.ENCODER_DECODERS
    auto = AutoModelForSeq2SeqLM if two else AutoModelForCausalLM
    model, tokenizer = (
        auto.from_pretrained(tmp_path).eval(),
        AutoTokenizer.from_pretrained(tmp_path),
    )
    assert (tmp_path / "chat_template.jinja").exists()
    for given, answer in zip(INPUTS[:4], predictor.predict(INPUTS[:4]), strict=True):
        text = tokenizer.apply_chat_template(
            list(TASK.conversation(given)), tokenize=False, add_generation_prompt=True
        )
        batch = tokenizer(text, return_tensors="pt", add_special_tokens=two)
        batch.pop("token_type_ids", None)
        written = model.generate(**batch)[0, 0 if two else batch["input_ids"].shape[1] :]
        assert tokenizer.decode(written, skip_special_tokens=True).strip() == answer.value


def test_a_fresh_process_writes_the_same(fitted, tmp_path):
    told = {}
    for name, shape in [("full", "gpt2"), ("full", "t5"), ("lora", "llama"), ("lora", "bart")]:
        predictor, _ = fitted(name, shape)
        predictor.save(tmp_path / f"{name}-{shape}")
        told[str(tmp_path / f"{name}-{shape}")] = [a.value for a in predictor.predict(INPUTS)]
    (tmp_path / "told.json").write_text(json.dumps([told, INPUTS]))
    code = (
        "import json, sys, tunewell\n"
        "told, inputs = json.load(open(sys.argv[1]))\n"
        "for folder, before in told.items():\n"
        "    after = [a.value for a in tunewell.load(folder).predict(inputs)]\n"
        "    assert after == before, folder\n"
        "print('same')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "told.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "same", done.stderr[-2000:]


@pytest.mark.parametrize("shape", ["llama", "bart"])
def test_a_merged_model_answers_as_its_adapter_did(fitted, shape, tmp_path):
    predictor, _ = fitted("lora", shape)
    predictor.save(tmp_path)
    before = predictor.predict(INPUTS)
    again = registry.method("lora").load(tmp_path, MACHINE)
    assert again.whole().predict(INPUTS) == before


def test_what_moves_and_what_is_refused(backbone):
    job = Job(TASK, TRAIN[:8], VALIDATION, backbone("gpt2"), MACHINE)
    with pytest.raises(NotApplicable, match="nothing would move"):
        replace(registry.method("head")(), epochs=1).fit(job)
    with pytest.raises(NotApplicable, match="no biases, so nothing of it would move"):
        registry.method("bitfit")().fit(replace(job, backbone=backbone("llama")))
    made = replace(registry.method("last_layers")(), layers=1, epochs=1).fit(job)
    moving = [name for name, p in made.model.named_parameters() if p.requires_grad]
    assert moving and all(
        name.startswith(("transformer.h.1.", "transformer.ln_f")) for name in moving
    )


def test_a_backbone_that_cannot_write_is_refused(toy_backbone):
    job = Job(TASK, TRAIN, VALIDATION, resolve(str(toy_backbone)), MACHINE)
    with pytest.raises(NotApplicable, match="no output layer that writes"):
        registry.method("full")().fit(job)


def test_written_to_the_bound_or_the_first_end(backbone):
    _, model, _ = settled(backbone("gpt2"))
    prompts = [Prompt([20, 21], 3), Prompt([22], 7), Prompt([20, 21, 23], 7)]
    written = generate(model, prompts, [], model.config.pad_token_id, MACHINE)
    assert [len(each.ids) for each in written] == [3, 7, 7]
    assert not any(each.ended for each in written)
    stop = written[1].ids[2]
    place = written[1].ids.index(stop)
    again = generate(model, prompts, [stop], model.config.pad_token_id, MACHINE)
    assert again[1].ended and again[1].ids == written[1].ids[:place]
