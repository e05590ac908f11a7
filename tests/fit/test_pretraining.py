"""Pre-training piece by piece: vocabulary, shapes, blocks, what is learnt, and how it goes on."""

import math
import random
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

import shapes
import toy
from fit import tiny, writers
from tunewell.errors import ConfigError, DataError
from tunewell.fit.pretraining import blocks, held_out, loop, models, objectives
from tunewell.fit.pretraining.course import Course, course_of, parameters_in
from tunewell.fit.pretraining.optimizer import optimizer_of
from tunewell.fit.pretraining.settings import PretrainOptions, parse_size
from tunewell.fit.pretraining.shapes import Shape, configuration, shape_of
from tunewell.fit.pretraining.vocabulary import train_tokenizer
from tunewell.measure.metrics.surprise import BitsPerByte
from tunewell.values import Machine

MACHINE = Machine(threads=1)
WINDOW = 32
SMALL = Shape("causal", hidden=32, layers=2, vocabulary=400, window=WINDOW)


def documents(many, seed=0):
    """Texts of the toy language, each of one topic."""
    chance = random.Random(seed)
    topics = [chance.choice(list(toy.TOPICS)) for _ in range(many)]
    return [
        " ".join(toy.sentence(topic, chance) for _ in range(chance.randint(1, 9)))
        for topic in topics
    ]


@pytest.fixture(scope="module", params=["causal", "masked"])
def learner(request):
    """Makes a new model of random weights, always the same."""
    objective = request.param
    tokenizer = vocabulary(objective)
    shape = replace(SMALL, objective=objective, vocabulary=len(tokenizer))

    def make():
        model = models.new_model(shape, tokenizer, seed=3)
        return loop.Learner(model, tokenizer, objective, MACHINE, WINDOW, fresh=True)

    return make


def written(learner, folder, texts):
    """Texts as blocks."""
    folder.mkdir(exist_ok=True)
    causal = learner.objective == "causal"
    blocks.write(folder, texts, learner.tokenizer, framed=causal)
    room = objectives.room(learner.objective, WINDOW, learner.tokenizer)
    return blocks.read(folder, learner.tokenizer, room)


@cache
def vocabulary(objective):
    """A tokenizer of the toy language."""
    return train_tokenizer(documents(200), objective, 400, WINDOW)


@pytest.mark.parametrize("objective", ["causal", "masked"])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@settings(max_examples=40)
def test_the_vocabulary_loses_nothing(objective, text):
    tokenizer = vocabulary(objective)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text


def test_a_mask_takes_the_space_before_it_as_words_have_it():
    tokenizer = vocabulary("masked")
    whole = tokenizer("kelo maru")["input_ids"]
    hidden = tokenizer("kelo [MASK]")["input_ids"]
    assert hidden[-2:] == [tokenizer.mask_token_id, tokenizer.sep_token_id]
    assert hidden[: len(hidden) - 2] == whole[: len(hidden) - 2]


@pytest.mark.parametrize("objective", ["causal", "masked"])
@pytest.mark.parametrize("size", ["300k", "2m", "8m", "30m", "135m", "1.5b"])
def test_a_shape_has_the_parameters_that_were_asked_for(objective, size):
    wanted = parse_size(size)
    shape = shape_of(objective, wanted)
    assert abs(shape.parameters / wanted - 1) < 0.12
    assert 10 <= shape.hidden / shape.layers <= 100
    assert shape.hidden % shape.heads == 0 and shape.hidden / shape.heads in (32, 64)


def test_a_shape_counts_as_the_model_itself(learner):
    made = learner()
    count = sum(p.numel() for p in made.model.parameters())
    shape = replace(SMALL, objective=made.objective, vocabulary=len(made.tokenizer))
    assert abs(count / shape.parameters - 1) < 0.03
    config = configuration(shape, made.tokenizer)
    assert config.vocab_size == len(made.tokenizer)
    assert config.max_position_embeddings == WINDOW


def test_the_rule_gives_batch_and_rate_by_size():
    """By the two formulas of the source; a smaller batch where there would be few steps."""
    course = course_of(100_000_000, 3e17 / 6e8, 1024, None, new=True)
    operations = 6 * 100_000_000 * 3e17 / 6e8
    assert course.learning_rate == pytest.approx(0.3118 * operations**-0.125, rel=0.01)
    assert course.step_tokens == pytest.approx(0.2920 * operations**0.3271, rel=0.02)
    assert course.tokens == pytest.approx(3e17 / 6e8, rel=0.01)
    small = course_of(8_000_000, 2_000_000, 512, None, new=True)
    assert 1900 < small.steps < 2100  # by the rule alone 183, of 10,939 tokens each
    assert small.learning_rate == 4e-3
    assert course_of(8_000_000, 2_000_000, 512, None, new=False).learning_rate == 1e-4
    assert 6 * 20 * parameters_in(600, 5e10) ** 2 == pytest.approx(600 * 5e10, rel=1e-3)


def test_the_learning_rate_rises_stays_and_falls():
    course = Course(window=8, blocks=1, steps=200, learning_rate=1.0)
    assert not course.falls(159, 0.0) and course.falls(160, 0.0) and course.end(160) == 200
    rates = [course.rate_at(step, 160 if step >= 160 else None) for step in range(200)]
    assert rates[:10] == pytest.approx([(n + 1) / 10 for n in range(10)])
    assert set(rates[10:160]) == {1.0}
    assert rates[160:] == pytest.approx([n / 41 for n in range(40, 0, -1)])


def test_a_course_by_time_ends_when_its_time_is_over():
    course = Course(window=8, blocks=1, steps=7, learning_rate=1.0, seconds=100.0)
    step = next(n for n in range(1000) if course.falls(n, n * 0.5))
    assert step == 160 and course.end(step) == 200  # a step takes half a second


def test_blocks_hold_every_token_and_know_where_documents_begin(learner, tmp_path):
    texts = documents(30)
    made = learner()
    there = written(made, tmp_path, texts)
    causal = made.objective == "causal"
    whole = list(blocks.tokenized(texts, made.tokenizer, causal))
    flat = [token for ids in whole for token in ids]
    starts = set(np.cumsum([0, *map(len, whole[:-1])]).tolist())
    place = 0
    for block in range(len(there)):
        for number, piece in enumerate(there.pieces(block)):
            assert flat[place : place + len(piece)] == piece
            assert number == 0 or place in starts
            assert not starts & set(range(place + 1, place + len(piece)))
            place += len(piece)
        assert place == (block + 1) * there.window
    assert len(flat) - place < there.window
    if causal:
        assert whole[0][0] == whole[0][-1] == made.tokenizer.eos_token_id


def test_each_pass_reads_every_block_once_in_another_order(learner, tmp_path):
    there = written(learner(), tmp_path, documents(40))
    many = len(there)
    drawn = [number for step in range(2 * many) for number in there.of_step(step, 1, seed=5)]
    assert sorted(drawn[:many]) == sorted(drawn[many:]) == list(range(many))
    assert drawn[:many] != drawn[many:]
    assert there.of_step(3, 4, 5) == drawn[12:16]


def test_too_few_tokens_are_refused(learner, tmp_path):
    with pytest.raises(DataError, match="too few"):
        written(learner(), tmp_path, ["kelo"])


def test_the_next_token_is_learnt_and_padding_is_not():
    tokenizer = vocabulary("causal")
    batch, labels = objectives.batch_of("causal", [[5, 6, 7], [8, 9]], tokenizer, "cpu")
    assert labels.tolist() == [[6, 7, -100], [9, -100, -100]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]


def test_three_in_ten_are_hidden_and_of_these_eight_in_ten_are_masks():
    tokenizer = vocabulary("masked")
    pieces = [list(range(10, 230))] * 200
    torch.manual_seed(0)
    batch, labels = objectives.batch_of("masked", pieces, tokenizer, "cpu")
    given, hidden = batch["input_ids"], labels != -100
    assert given[0, 0] == tokenizer.cls_token_id and given[0, -1] == tokenizer.sep_token_id
    assert not hidden[:, 0].any() and not hidden[:, -1].any()
    share = hidden[:, 1:-1].float().mean().item()
    masks = (given == tokenizer.mask_token_id)[hidden].float().mean().item()
    same = (given == labels)[hidden].float().mean().item()
    assert share == pytest.approx(0.3, abs=0.01)
    assert masks == pytest.approx(0.8, abs=0.015) and same == pytest.approx(0.1, abs=0.015)
    assert (given == torch.tensor([10]))[hidden].float().mean() < 0.01
    original = torch.tensor([tokenizer.cls_token_id, *pieces[0], tokenizer.sep_token_id])
    assert torch.equal(torch.where(hidden, labels, given), original.expand_as(given))


def test_no_piece_reads_another_document(learner, tmp_path):
    """The loss of a block is that of its pieces alone, run by transformers itself."""
    made = learner()
    if made.objective == "masked":
        pytest.skip("what is hidden is drawn by batches")
    there = written(made, tmp_path, documents(30))
    block = next(n for n in range(len(there)) if len(list(there.pieces(n))) > 1)
    ours = loop.BlockFeed(made, there).losses(made.model, [block])
    nats, said = 0.0, 0
    for piece in there.pieces(block):
        ids = torch.tensor([piece])
        logits = made.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, :-1]
        nats += functional.cross_entropy(logits, ids[0, 1:], reduction="sum").item()
        said += len(piece) - 1
    assert ours.item() == pytest.approx(nats / said, rel=1e-4)


def test_every_token_of_a_held_out_text_counts_once():
    """Short texts are one window; of a long one the first window is the same as by itself."""
    tokenizer = vocabulary("causal")
    shape = replace(SMALL, vocabulary=len(tokenizer))
    made = loop.Learner(models.new_model(shape, tokenizer, 0), tokenizer, "causal", MACHINE, WINDOW)
    text = " ".join(documents(20))
    bare = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert len(bare) > 3 * WINDOW
    found = held_out.known(made, [text])
    ids = [tokenizer.eos_token_id, *bare]
    nats = 0.0
    for target in range(1, len(ids)):
        # The window in which it is new: the first, or one that begins half a window later.
        late = max(0, target - WINDOW + 1)
        start = math.ceil(late / (WINDOW // 2)) * (WINDOW // 2)
        logits = made.model(input_ids=torch.tensor([ids[start:target]])).logits[0, -1]
        nats -= functional.log_softmax(logits, -1)[ids[target]].item()
    assert found[0, 0] == pytest.approx(nats, rel=1e-4)
    assert found[0, 1] == len(text.encode())
    bits = BitsPerByte().value(found.sum(axis=0))
    assert bits == pytest.approx(nats / math.log(2) / len(text.encode()), rel=1e-4)


def test_hidden_bytes_are_about_three_in_ten():
    tokenizer = vocabulary("masked")
    shape = replace(SMALL, objective="masked", vocabulary=len(tokenizer))
    made = loop.Learner(models.new_model(shape, tokenizer, 0), tokenizer, "masked", MACHINE, WINDOW)
    texts = documents(100, seed=9)
    found = held_out.known(made, texts)
    assert np.array_equal(found, held_out.known(made, texts))
    share = found[:, 1].sum() / sum(len(text.encode()) for text in texts)
    assert share == pytest.approx(0.3, abs=0.04)


def test_a_character_of_several_tokens_counts_once():
    """None of these was among the texts of the vocabulary: each is as many tokens as bytes."""
    tokenizer = vocabulary("masked")
    shape = replace(SMALL, objective="masked", vocabulary=len(tokenizer))
    made = loop.Learner(models.new_model(shape, tokenizer, 0), tokenizer, "masked", MACHINE, WINDOW)
    texts = ["\u6f22\u5b57\u4eee\u540d \u0434\u043e\u043c \U0001f642 " * 20] * 30
    assert len(tokenizer(texts[0], add_special_tokens=False)["input_ids"]) > 3 * len(texts[0]) / 2
    found = held_out.known(made, texts)
    share = found[:, 1].sum() / sum(len(text.encode()) for text in texts)
    assert share == pytest.approx(objectives.HIDDEN, abs=0.03)


class Stopped(Exception):
    """A training was cut off."""


def work(folder=None, stop_at=None):
    def told(progress):
        if progress.step is not None and progress.step == stop_at:
            raise Stopped

    return loop.Work(MACHINE, 7, folder, told, save_every_seconds=0.0)


def test_it_learns_and_goes_on_from_a_checkpoint_to_the_bit(learner, tmp_path):
    there = written(learner(), tmp_path / "text", documents(300))
    course = Course(there.window, blocks=8, steps=60, learning_rate=1e-2)
    texts = documents(40, seed=5)
    unbroken = learner()
    before = held_out.known(unbroken, texts).sum(axis=0)
    state = loop.train(unbroken, there, course, work())
    assert state.step == 60 and state.falls_from == 48
    after = held_out.known(unbroken, texts).sum(axis=0)
    bits = BitsPerByte()
    assert bits.value(after) < 0.7 * bits.value(before)
    for stop in (20, 50):  # the second while the rate falls
        with pytest.raises(Stopped):
            loop.train(learner(), there, course, work(tmp_path / "kept", stop))
    resumed = learner()
    loop.train(resumed, there, course, work(tmp_path / "kept"))
    ends = resumed.model.state_dict()
    for name, value in unbroken.model.state_dict().items():
        assert torch.equal(value, ends[name]), name


def test_matrices_of_a_new_model_move_by_orthogonal_steps(learner, tmp_path):
    """One step of Muon is the rate times an orthogonal matrix, scaled to AdamW's usual size."""
    made = learner()
    there = written(made, tmp_path, documents(40))
    before = {name: p.detach().clone() for name, p in made.model.named_parameters()}
    rate = 1e-3
    loop.train(made, there, Course(there.window, 4, 1, rate), work())
    words = made.model.get_input_embeddings().weight.shape
    found = 0
    for name, p in made.model.named_parameters():
        if p.ndim != 2 or p.shape == words:
            continue
        moved = p.detach() - before[name] * (1 - rate * 0.1)
        largest = torch.linalg.matrix_norm(moved, 2) / (0.2 * rate * max(p.shape) ** 0.5)
        # Five steps of Newton and Schulz leave singular values near 1; AdamW's would be 5.
        assert 0.6 < largest < 1.3, name
        found += 1
    assert found >= 2 * SMALL.layers


def test_a_backbone_goes_on_with_adamw():
    tokenizer = vocabulary("causal")
    model = models.new_model(replace(SMALL, vocabulary=len(tokenizer)), tokenizer, 0)
    weights = dict(model.named_parameters())
    assert isinstance(optimizer_of(model, weights, fresh=False), torch.optim.AdamW)
    groups = optimizer_of(model, weights, fresh=True).param_groups
    assert {id(p) for group in groups for p in group["params"]} == set(map(id, weights.values()))


def test_the_shortest_course_is_one_step(learner, tmp_path):
    there = written(learner(), tmp_path, documents(40))
    state = loop.train(learner(), there, Course(there.window, 1, 1, 1e-3), work())
    assert state.step == 1


def test_timing_moves_nothing(learner, tmp_path):
    made = learner()
    there = written(made, tmp_path, documents(40))
    before = {name: p.clone() for name, p in made.model.state_dict().items()}
    assert loop.seconds_a_token(made, there, 2, seed=0) > 0
    assert all(torch.equal(p, before[name]) for name, p in made.model.state_dict().items())


@pytest.mark.parametrize(
    ("shape", "objective"), [("gpt2", "causal"), ("llama", "causal"), ("bert", "masked")]
)
def test_backbones_learn_what_they_were_trained_for(random_backbone, shape, objective, tmp_path):
    from tunewell.fit import backbones

    backbone = backbones.resolve(str(random_backbone(shape)))
    tokenizer = backbones.load_tokenizer(backbone)
    own = objectives.own_objective(backbones.load_config(backbone), tokenizer, shape)
    assert own == objective
    with pytest.raises(ConfigError, match=f"was trained for {objective}"):
        objectives.refuse_other("masked" if own == "causal" else "causal", own, shape)
    model, notes = models.known_model(backbone, own)
    # The toy backbones are bodies alone; GPT-2's words of the input are those of its output.
    assert ["no output layer" in note for note in notes] == [True] * (shape != "gpt2")
    made = loop.Learner(model, tokenizer, own, MACHINE, 32)
    there = written(made, tmp_path, documents(60))
    before = held_out.known(made, documents(10, seed=4)).sum(axis=0)
    loop.train(made, there, Course(there.window, 4, 20, 1e-3), work())
    after = held_out.known(made, documents(10, seed=4)).sum(axis=0)
    assert after[0] < before[0] and after[1] == before[1]


def test_an_encoder_decoder_is_refused(tmp_path):
    from tunewell.fit import backbones

    backbone = backbones.resolve(str(writers.save("t5", tmp_path / "t5")))
    tokenizer = backbones.load_tokenizer(backbone)
    with pytest.raises(ConfigError, match="neither a decoder nor an encoder"):
        objectives.own_objective(backbones.load_config(backbone), tokenizer, "t5")


def test_a_backbone_that_reads_ahead_learns_no_next_word(tmp_path):
    from tunewell.fit import backbones

    backbone = backbones.resolve(str(shapes.save("xlnet", tmp_path / "xlnet")))
    with pytest.raises(ConfigError, match="reads the words that come after"):
        models.known_model(backbone, "causal")


def test_a_saved_encoder_keeps_its_way_of_pooling(tmp_path):
    from tunewell.fit import backbones

    source = tiny.save(tmp_path / "source", auto_class="AutoModelForMaskedLM")
    backbone = backbones.resolve(str(source), pooling="mean")
    model, notes = models.known_model(backbone, "masked")
    assert notes == []
    (tmp_path / "made").mkdir()
    models.save(model, backbones.load_tokenizer(backbone), tmp_path / "made", backbone.pooling)
    assert backbones.resolve(str(tmp_path / "made")).pooling == "mean"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "Neither a size nor minutes"),
        ({"size": "ten"}, "size is 'ten'"),
        ({"size": "5"}, "from 10k to 10b"),
        ({"minutes": 0.0}, "minutes is 0"),
        ({"size": "10m", "backbone": "x"}, "given with a backbone"),
    ],
)
def test_dials_that_say_nothing_are_refused(options, says):
    with pytest.raises(ConfigError, match=says):
        PretrainOptions(data=("a.txt",), **options)
