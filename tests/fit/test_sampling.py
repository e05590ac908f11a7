"""Texts written token by token: greedily those of `generate`, else drawn as asked."""

import pytest
import torch
import writers

from tunewell.fit.generate import Prompt, generate
from tunewell.fit.sampling import Draw, chosen
from tunewell.fit.together import drawn
from tunewell.values import Machine

MACHINE = Machine(threads=1)
PROMPTS = [[20, 21, 22], [30], [40, 41, 40, 41, 40]]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    def make(shape):
        from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, GenerationConfig

        folder = writers.save(shape, tmp_path_factory.mktemp("sampling"))
        two = shape in writers.ENCODER_DECODERS
        made = (AutoModelForSeq2SeqLM if two else AutoModelForCausalLM).from_pretrained(folder)
        start = getattr(made.config, "decoder_start_token_id", None)
        made.generation_config = GenerationConfig(do_sample=False, decoder_start_token_id=start)
        return made.eval()

    return make


@pytest.mark.parametrize("shape", writers.SHAPES)
def test_the_likeliest_tokens_are_those_of_generate(model, shape):
    made = model(shape)
    prompts = [Prompt(ids, 12) for ids in PROMPTS]
    expected = generate(made, prompts, [2], 5, MACHINE)
    for prompt, written in zip(prompts, expected, strict=True):
        steps = list(drawn(made, prompt, 2, [2], MACHINE, Draw(told=2)))
        for number in range(2):
            tokens = [step[number] for step in steps if step[number] is not None]
            ids = [token.id for token in tokens if not token.ends]
            assert ids == written.ids and tokens[-1].ends == written.ended
            assert all(token.likeliest[0] == (token.id, token.logprob) for token in tokens)


def test_each_token_is_computed_when_it_is_asked_for(model):
    made, calls = model("gpt2"), []
    made.register_forward_pre_hook(lambda *_: calls.append(1))
    steps = drawn(made, Prompt([20, 21], 100), 1, [], MACHINE, Draw())
    next(steps), next(steps), next(steps)
    assert len(calls) == 3


def test_a_text_that_has_ended_says_nothing_more(model):
    made = model("llama")
    draw = Draw(temperature=1.5, seed=3)
    stops = list(range(0, 330, 3))
    steps = list(drawn(made, Prompt([20], 30), 4, stops, MACHINE, draw))
    ends = []
    for number in range(4):
        column = [step[number] for step in steps]
        said = [token for token in column if token is not None]
        assert column == said + [None] * (len(column) - len(said))
        assert [token.ends for token in said] == [token.id in stops for token in said]
        ends.append(len(said))
    assert len(set(ends)) > 1 and len(steps) == max(ends)


def frequencies(draw: Draw, rows: int = 40_000) -> list[float]:
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0]).log_softmax(-1).expand(rows, 4)
    ids = chosen(logits, draw, torch.Generator().manual_seed(0))
    return (torch.bincount(ids, minlength=4) / rows).tolist()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_are_drawn_by_their_probabilities(temperature):
    expected = (torch.tensor([2.0, 1.0, 0.0, -1.0]) / temperature).softmax(-1).tolist()
    assert frequencies(Draw(temperature)) == pytest.approx(expected, abs=0.01)


def test_a_nucleus_is_as_small_as_may_be():
    """Of 0.644, 0.237, 0.087, 0.032 the first two hold 0.88: 0.85 needs two of them, 0.6 one."""
    two = frequencies(Draw(1.0, top_p=0.85))
    assert two[2:] == [0, 0]
    assert two[0] == pytest.approx(0.644 / 0.881, abs=0.01)
    assert frequencies(Draw(1.0, top_p=0.6)) == [1, 0, 0, 0]
    assert frequencies(Draw(1.0, top_p=0.9))[2] > 0
    assert frequencies(Draw(0.0)) == [1, 0, 0, 0]
