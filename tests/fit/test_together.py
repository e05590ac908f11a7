"""Texts of several askers in one batch: each is written as it is alone, whenever it joins."""

from dataclasses import replace

import pytest
import writers

from tunewell.fit import together
from tunewell.fit.generate import Prompt, generate
from tunewell.fit.sampling import Draw
from tunewell.fit.together import begun, drawn, joined, step
from tunewell.values import Machine

MACHINE = Machine(threads=1)
PROMPTS = [[20, 21, 22], [30], [40, 41, 40, 41, 40, 42, 43], [50, 51], [60] * 12, [70, 71, 72, 73]]
STOPS = [2, 40, 41]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    made = {}

    def make(shape):
        from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, GenerationConfig

        if shape not in made:
            folder = writers.save(shape, tmp_path_factory.mktemp("together"))
            two = shape in writers.ENCODER_DECODERS
            kind = AutoModelForSeq2SeqLM if two else AutoModelForCausalLM
            made[shape] = kind.from_pretrained(folder).eval()
            start = getattr(made[shape].config, "decoder_start_token_id", None)
            config = GenerationConfig(do_sample=False, decoder_start_token_id=start)
            made[shape].generation_config = config
        return made[shape]

    return make


def text_of(steps, number=0):
    """The tokens of one text, without the one that ends it, and whether one does."""
    tokens = [each[number] for each in steps if each[number] is not None]
    return [token.id for token in tokens if not token.ends], tokens[-1].ends


def written_together(model, draws, arrivals, stops=STOPS, most=24, count=1):
    """What is written to each prompt where they arrive one after the other; the largest batch."""
    members, batches, widest, at = [], [], 0, 0
    while at <= max(arrivals) or batches:
        for prompt, draw, arrives in zip(PROMPTS, draws, arrivals, strict=True):
            if arrives == at:
                batches.append(begun(model, Prompt(prompt, most), count, stops, MACHINE, draw))
                members += batches[-1].members
        batches = joined([batch for batch in batches if batch.members])
        for batch in batches:
            widest = max(widest, batch.rows)
            step(batch)
        batches = [batch for batch in batches if batch.members]
        at += 1
    by_arrival = sorted(range(len(arrivals)), key=lambda n: (arrivals[n], n))
    return {n: member.written for n, member in zip(by_arrival, members, strict=True)}, widest


@pytest.mark.parametrize("shape", writers.SHAPES)
@pytest.mark.parametrize("arrivals", [[0] * 6, [0, 1, 3, 3, 7, 9], [9, 5, 2, 2, 0, 0]])
def test_each_text_is_that_of_its_prompt_alone(model, shape, arrivals):
    made = model(shape)
    found, widest = written_together(made, [Draw(told=2)] * 6, arrivals)
    expected = generate(made, [Prompt(ids, 24) for ids in PROMPTS], STOPS, 5, MACHINE)
    assert widest > 2 if shape in writers.DECODERS else widest == 1
    for number, written in enumerate(expected):
        assert text_of(found[number]) == (written.ids, written.ended)
        alone = list(drawn(made, Prompt(PROMPTS[number], 24), 1, STOPS, MACHINE, Draw(told=2)))
        for (one,), (other,) in zip(found[number], alone, strict=True):
            assert one.logprob == pytest.approx(other.logprob, abs=1e-4)
            assert [near for near, _ in one.likeliest] == [near for near, _ in other.likeliest]


def test_texts_of_one_asker_are_drawn_by_its_own_seed(model):
    made = model("llama")
    draws = [Draw(1.0, seed=number, told=0) for number in range(5)] + [Draw()]
    found, widest = written_together(made, draws, [0, 0, 2, 2, 4, 5], count=3)
    assert widest > 6
    for number, draw in enumerate(draws):
        alone = list(drawn(made, Prompt(PROMPTS[number], 24), 3, STOPS, MACHINE, draw))
        for each in range(3):
            assert text_of(found[number], each) == text_of(alone, each)


def test_they_are_computed_at_once(model):
    made, calls = model("gpt2"), []
    hook = made.register_forward_pre_hook(lambda *_: calls.append(1))
    written_together(made, [Draw()] * 6, [0] * 6, stops=[])
    hook.remove()
    assert len(calls) == 6 + 23  # each is read by itself, then all go on together


def test_who_leaves_makes_room_and_who_comes_late_joins(model):
    made = model("llama")
    batches = [begun(made, Prompt(ids, 40), 1, [], MACHINE, Draw()) for ids in PROMPTS]
    for batch in batches:
        step(batch)
    (batch,) = joined(batches)
    longest = batch.read
    assert all(old.now() is batch for old in batches) and batch.rows == 6
    batch.members[-1].gone = True  # the one that was longest
    step(batch)
    assert batch.rows == 5 and batch.read < longest + 1
    for member in batch.members[1:]:
        member.gone = True
    step(batch)
    (left,) = batch.members
    assert batch.rows == 1 and batch.mask is None
    while batch.members:
        step(batch)
    prompt = next(ids for ids, old in zip(PROMPTS, batches, strict=True) if old is batch)
    alone = list(drawn(made, Prompt(prompt, 40), 1, [], MACHINE, Draw()))
    assert text_of(left.written) == text_of(alone)


def test_a_batch_is_bounded(model, monkeypatch):
    monkeypatch.setattr(together, "CELLS", 24)
    batches = [begun(model("llama"), Prompt(p, 9), 1, [], MACHINE, Draw()) for p in PROMPTS]
    for batch in batches:
        step(batch)
    found = joined(batches)
    assert 1 < len(found) < 6
    assert all(batch.rows * batch.read <= 24 or batch.rows == 1 for batch in found)


def test_a_step_that_breaks_off_ends_all_that_were_in_it(model):
    batch = begun(model("llama"), Prompt([20, 21], 9), 1, [], MACHINE, Draw())
    step(batch)
    (member,) = batch.members
    batch.ids = batch.ids + 10_000  # no such word
    with pytest.raises(IndexError):
        step(batch)
    assert member.failed and not batch.members and len(member.written) == 1


def test_a_model_that_counts_places_otherwise_is_not_joined(model):
    batch = begun(model("llama"), Prompt([20, 21], 9), 1, [], MACHINE, Draw())
    assert not batch.joins  # nothing is read yet
    step(batch)
    assert batch.joins
    batch.places = False
    assert not batch.joins and len(joined([batch, batch])) == 2
    assert replace(Draw(), seed=3).chance("cpu").initial_seed() == 3
