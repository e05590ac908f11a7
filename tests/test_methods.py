"""What single methods promise beyond the laws."""

import json
import random
import re
import warnings
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import shapes
import toy
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import ConfigError, NotApplicable, Probed
from tunewell.fit import anatomy
from tunewell.fit.backbones import load_model, resolve
from tunewell.measure.trial import load_model as load_predictor
from tunewell.methods.augment import altered
from tunewell.values import Example, Machine, Progress

MACHINE = Machine(threads=1)
TRAIN, VALIDATION = toy.examples(48), toy.examples(18, seed=1)
TASK = registry.task("classify").from_examples(TRAIN)
INPUTS = [example.input for example in VALIDATION]


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """Makes a job on a small random model of a shape."""
    made = {}

    def make(shape, **changes):
        if shape not in made:
            made[shape] = resolve(str(shapes.save(shape, tmp_path_factory.mktemp(shape))))
        return replace(Job(TASK, TRAIN, VALIDATION, made[shape], MACHINE), **changes)

    return make


def method(name, **changes):
    return replace(registry.method(name)(), **changes)


def short(name, **changes):
    return method(name, epochs=1, **changes)


def trained(predictor):
    return {name for name, p in predictor.model.named_parameters() if p.requires_grad}


def scores(predictor):
    return [list(answer.scores.values()) for answer in predictor.predict(INPUTS)]


# --- last_layers, bitfit, from_scratch


@pytest.mark.parametrize(
    ("shape", "k", "pieces"),
    [
        ("bert", 1, ("encoder.layer.1.", "pooler.", "classifier.")),
        ("bert", 5, ("encoder.layer.", "pooler.", "classifier.")),
        ("llama", 1, ("layers.1.", "model.norm.", "score.")),
    ],
)
def test_last_layers_moves_the_top_and_what_stands_behind_it(job, shape, k, pieces):
    predictor = short("last_layers", layers=k).fit(job(shape))
    names = [name for name, _ in predictor.model.named_parameters()]
    assert trained(predictor) == {name for name in names if any(piece in name for piece in pieces)}


def test_a_number_of_layers_below_one_is_refused():
    with pytest.raises(ConfigError, match="1 or more"):
        method("last_layers", layers=0)


@pytest.mark.parametrize(
    ("shape", "count"), [("bert", 8 * 2 + 2), ("distilbert", 8 * 2 + 1), ("opt", 8 * 2 + 1)]
)
def test_bitfit_moves_every_bias_of_the_body(job, shape, count):
    predictor = short("bitfit").fit(job(shape))
    body = dict(anatomy.body(predictor.model).named_parameters())
    moving = [name for name, p in body.items() if p.requires_grad]
    assert len(moving) == count and all(name.endswith(".bias") for name in moving)


@pytest.mark.parametrize("shape", ["modernbert", "llama", "qwen3"])
def test_bitfit_says_that_it_would_equal_head(job, shape):
    with pytest.raises(NotApplicable, match="equal `head`"):
        short("bitfit").fit(job(shape))


def test_from_scratch_does_not_look_at_the_backbones_weights(job, tmp_path):
    given_job = job("bert")
    other = load_model(given_job.backbone)
    with torch.no_grad():
        for p in other.parameters():
            p.copy_(p.flip(0))
    other.save_pretrained(tmp_path)
    for file in given_job.backbone.folder.glob("tokenizer*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    again = replace(given_job, backbone=resolve(str(tmp_path)))
    frozen = method("features")
    assert scores(frozen.fit(given_job)) != scores(frozen.fit(again))
    made = short("from_scratch")
    assert scores(made.fit(given_job)) == scores(made.fit(again))


def test_from_scratch_is_random_through_and_through(job, tmp_path):
    """Also the head, which `full` takes over where the backbone has one for the same labels."""
    short("full").fit(job("bert")).save(tmp_path)
    given_job = job("bert", backbone=replace(resolve(str(tmp_path)), pooling=None))
    stays = {"learning_rate": 1e-12, "weight_decay": 0.0}

    def start(name, **changes):
        model = short(name, **stays).fit(replace(given_job, **changes)).model
        return {n: p for n, p in model.named_parameters() if p.ndim > 1}

    known, first, again = start("full"), start("from_scratch"), start("from_scratch")
    other = start("from_scratch", seed=1)
    head = [name for name in first if name.startswith("classifier")]
    saved = load_predictor(tmp_path, MACHINE).model.state_dict()
    assert head and all(known[name].allclose(saved[name]) for name in head)
    for name, p in first.items():
        assert not p.allclose(known[name], atol=1e-4), name
        assert p.equal(again[name]) and not p.allclose(other[name], atol=1e-4), name


# --- adapter


@pytest.mark.parametrize(("placement", "count"), [("houlsby", 4), ("pfeiffer", 2)])
def test_adapters_stand_where_the_papers_put_them(job, placement, count, tmp_path):
    from tunewell.fit.bottlenecks import attached

    predictor = short("adapter", placement=placement, size=4).fit(job("bert"))
    found = attached(predictor.model)
    assert len(found) == count
    per_layer = count // shapes.LAYERS
    mlp = [name for name in found if "attention" not in name]
    assert len(mlp) == shapes.LAYERS and len(found) - len(mlp) == (per_layer - 1) * shapes.LAYERS
    units = 2 * shapes.HIDDEN * 4 + 4 + shapes.HIDDEN
    head = shapes.HIDDEN * 3 + 3
    assert predictor.parameters.trainable == count * units + head
    predictor.save(tmp_path)
    record = json.loads((tmp_path / "bottlenecks.json").read_text())
    assert record == {"format": 1, "size": 4, "behind": list(found)}


def test_new_adapters_change_next_to_nothing(job):
    from tunewell.fit.bottlenecks import attach
    from tunewell.fit.sublayers import sublayers

    model = load_model(job("bert").backbone).eval()
    ids = torch.arange(5, 15).unsqueeze(0)
    before = model(ids).last_hidden_state
    classifier = torch.nn.Module()
    classifier.backbone, classifier.pooling = model, "mean"
    attach(classifier, sublayers(model).mlp_outputs, 8)
    after = model(ids).last_hidden_state
    assert 0 < (after - before).abs().max() < 0.02 * before.abs().max()


def test_where_adapters_find_no_place_it_is_told(job, monkeypatch):
    """XLNet's attention ends in no linear layer, nor do the experts of a mixture."""
    _, told = fit_told(short("adapter"), job("xlnet"))
    assert [p.note for p in told if "behind the attention" in p.note]
    _, told = fit_told(short("adapter", placement="pfeiffer"), job("xlnet"))
    assert not any(p.note for p in told)
    sizes = {**shapes.LLAMA_LIKE, "num_local_experts": 2, "num_experts_per_tok": 1}
    monkeypatch.setitem(shapes.SHAPES, "mixtral", ("Mixtral", sizes))
    with pytest.raises(NotApplicable, match="no linear layer at the end of its MLP"):
        short("adapter", placement="pfeiffer").fit(job("mixtral"))


@pytest.mark.parametrize("name", ["lora", "prefix"])
def test_what_peft_asks_transformers_is_no_news_for_the_user(job, name, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        short(name).fit(job("bert")).save(tmp_path)
        load_predictor(tmp_path, MACHINE)


# --- virtual tokens


def test_the_head_reads_the_text_behind_virtual_tokens(job):
    """By hand: virtual embeddings, then the words'; the head reads the first word's position."""
    predictor = short("prompt_tuning", tokens=3, learning_rate=0.1).fit(job("bert"))
    wrapped, tokenizer = predictor.model.bert, predictor.tokenizer
    body = wrapped.get_base_model()
    virtual = wrapped.prompt_encoder["default"].embedding.weight.unsqueeze(0)
    for text, expected in zip(INPUTS, scores(predictor), strict=True):
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        embeddings = torch.cat([virtual, body.get_input_embeddings()(ids)], dim=1)
        with torch.no_grad():
            hidden = body(inputs_embeds=embeddings).last_hidden_state[:, 3:]
            logits = predictor.model.classifier(body.pooler(hidden))
        assert logits.softmax(-1)[0].tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("shape", ["bert", "llama"])
def test_prefixes_are_those_of_peft(job, shape):
    """peft's own classifier with the same keys, values and head gives the same answers."""
    from peft import PrefixTuningConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    given_job = job(shape)
    predictor = short("prefix", tokens=4, learning_rate=0.1).fit(given_job)
    base = AutoModelForSequenceClassification.from_pretrained(
        given_job.backbone.folder, num_labels=3
    )
    base.config.pad_token_id = predictor.tokenizer.pad_token_id
    ours = predictor.model
    head = next(name for name in ("classifier", "score") if hasattr(ours, name))
    getattr(base, head).load_state_dict(getattr(ours, head).state_dict())
    config = PrefixTuningConfig(num_virtual_tokens=4, task_type="SEQ_CLS")
    theirs = get_peft_model(base, config).eval()
    vectors = anatomy.carrier(ours).prompt_encoder.state_dict()
    theirs.prompt_encoder.load_state_dict(vectors)
    for text, expected in zip(INPUTS, scores(predictor), strict=True):
        with torch.no_grad():
            logits = theirs(**predictor.tokenizer(text, return_tensors="pt")).logits
        assert logits.softmax(-1)[0].tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["prompt_tuning", "p_tuning", "prefix"])
def test_virtual_tokens_open_with_plain_peft(job, name, tmp_path):
    from peft import PeftModel
    from transformers import AutoModel

    predictor = short(name, tokens=3).fit(job("bert"))
    predictor.save(tmp_path)
    saved = PeftModel.from_pretrained(
        AutoModel.from_pretrained(job("bert").backbone.folder), tmp_path
    )
    ours = anatomy.carrier(predictor.model).get_prompt_embedding_to_save("default")
    assert saved.prompt_encoder["default"].embedding.weight.equal(ours)


def test_rows_make_room_for_virtual_tokens_and_it_is_told(job):
    notes = []
    given_job = job("bert", report_progress=lambda progress: notes.append(progress.note))
    predictor = short("prompt_tuning", tokens=shapes.WINDOW - 8).fit(given_job)
    assert predictor.record.backbone.max_length == 8
    longer = sum(len(e.input.split()) + 2 > 8 for e in (*TRAIN, *VALIDATION))
    assert any(f"{longer} of {len(TRAIN) + len(VALIDATION)} rows are cut" in n for n in notes)
    for tokens in (shapes.WINDOW, shapes.WINDOW - 2):
        with pytest.raises(NotApplicable, match="no room"):
            short("prompt_tuning", tokens=tokens).fit(given_job)


def test_a_body_that_takes_no_keys_is_found_by_trying(job):
    with pytest.raises(NotApplicable, match="past keys"):
        short("prefix").fit(job("distilbert"))


# --- gradual


def test_gradual_opens_the_layers_from_the_top_and_slower_below(job):
    model = short("full").fit(job("bert")).model
    factors = method("gradual", epochs=6, decay=2.0)._factors(model)
    word, low, high, head = (
        "bert.embeddings.word_embeddings.weight",
        "bert.encoder.layer.0.output.dense.weight",
        "bert.encoder.layer.1.output.dense.weight",
        "classifier.weight",
    )
    course = [[factors(epoch)[name] for name in (head, high, low, word)] for epoch in range(6)]
    assert course[:3] == [[1, 0, 0, 0], [1, 0.5, 0, 0], [1, 0.5, 0.25, 0]]
    assert course[3:] == [[1, 0.5, 0.25, 0.125]] * 3


def test_what_has_not_had_its_turn_does_not_move(job, tmp_path):
    """Epoch by epoch of four: the head and the top layer, the layer below, all of it."""
    from tunewell.fit import checkpoint

    made = method("gradual", epochs=4, learning_rate=1e-2)
    given_job = job("bert", train=TRAIN[:16], folder=tmp_path, save_every_seconds=0.0)
    fresh = dict(load_model(given_job.backbone).named_parameters())
    moved = []

    def look(progress):
        """When an epoch's one step is told, the checkpoint is that of the epoch before."""
        kept = checkpoint.latest(tmp_path)
        if progress.done and kept:
            weights = kept.tensors["weights"]
            moved.append({n for n in fresh if not fresh[n].equal(weights[f"bert.{n}"])})

    predictor = made.fit(replace(given_job, report_progress=look))
    look(Progress(done=1.0))
    assert predictor.parameters.trainable == predictor.parameters.total
    top = {name for name in fresh if name.startswith(("encoder.layer.1.", "pooler."))}
    below = {name for name in fresh if name.startswith("encoder.layer.0.")}
    assert moved == [top, top | below, set(fresh), set(fresh)]


def test_gradual_goes_on_to_the_bit(job, tmp_path):
    made = method("gradual", epochs=4, learning_rate=3e-3)
    whole = made.fit(job("bert"))

    class Unplugged(Exception):
        pass

    for stop_at in (0.25, 0.4):  # at an epoch's end, and in the middle of one

        def stop(progress, stop_at=stop_at):
            if progress.done >= stop_at:
                raise Unplugged

        folder = tmp_path / str(stop_at)
        saving = job("bert", folder=folder, save_every_seconds=0.0)
        with pytest.raises(Unplugged):
            made.fit(replace(saving, report_progress=stop))
        again = made.fit(saving)
        for name, p in whole.model.named_parameters():
            assert p.equal(dict(again.model.named_parameters())[name]), name


# --- augment and instructed

WORDS = st.lists(st.text("abcdefg", min_size=1, max_size=4), max_size=12)


@given(WORDS, st.floats(0.01, 0.5), st.integers(0, 10_000))
def test_altered_texts_hold_words_of_their_row_only(words, share, seed):
    after = altered(" ".join(words), share, random.Random(seed)).split()
    most = max(1, round(share * len(words)))
    assert set(after) <= set(words)
    assert abs(len(after) - len(words)) <= most
    assert bool(after) == bool(words)


def fit_told(made, given_job):
    notes = []
    told = replace(given_job, report_progress=lambda progress: notes.append(progress))
    return made.fit(told), notes


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_augment_keeps_what_validation_likes_better(job, seed):
    """The note's two scores are those of the base on the rows, and the predictor has the better."""
    given_job = job("bert", seed=seed)
    predictor, told = fit_told(method("augment", base_method="head", copies=3), given_job)
    note = told[-1].note
    copies, alone = map(float, re.findall(r"0\.\d+|1\.0+", note))
    targets = [example.target for example in VALIDATION]
    base = registry.method("head")().fit(given_job)
    assert TASK.score(targets, base.predict(INPUTS))[TASK.metric] == pytest.approx(alone, abs=1e-3)
    own = TASK.score(targets, predictor.predict(INPUTS))[TASK.metric]
    assert own == pytest.approx(max(copies, alone), abs=1e-3)
    assert ("the rows alone" in note) == (copies <= alone)
    shares = [progress.done for progress in told]
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_augment_alters_no_validation_row(job):
    given_job = job("bert")
    before = json.dumps([e.input for e in (*given_job.train, *given_job.validation)])
    predictor = method("augment", base_method="few_shot").fit(given_job)
    assert json.dumps([e.input for e in (*given_job.train, *given_job.validation)]) == before
    assert predictor.predict(INPUTS[:1])


def test_augment_needs_words(job):
    rows = tuple(Example("word", label) for label in TASK.labels)
    with pytest.raises(NotApplicable, match="two words"):
        method("augment", base_method="head").fit(job("bert", train=rows))


def test_a_probe_of_augment_tells_the_cost_of_both_fits(job):
    with pytest.raises(Probed) as both:
        method("augment", base_method="full", copies=4).fit(job("bert", probe=True))
    with pytest.raises(Probed) as alone:
        registry.method("full")().fit(job("bert", probe=True))
    assert both.value.seconds > 2 * alone.value.seconds


@pytest.mark.parametrize("name", ["augment", "instructed"])
def test_an_unknown_base_method_is_refused_at_once(name):
    with pytest.raises(ConfigError, match="Did you mean 'full'"):
        method(name, base_method="fulll")


def test_instructed_is_the_base_method_on_longer_texts(job):
    made = method("instructed", base_method="head", instruction="kelo {labels} na")
    given_job = job("bert")
    lead = f"kelo {', '.join(TASK.labels)} na\n"
    longer = [tuple(replace(e, input=lead + e.input) for e in rows) for rows in (TRAIN, VALIDATION)]
    base = registry.method("head")().fit(replace(given_job, train=longer[0], validation=longer[1]))
    expected = [list(a.scores.values()) for a in base.predict([lead + text for text in INPUTS])]
    assert scores(made.fit(given_job)) == expected


def test_an_instruction_that_leaves_no_room_is_refused(job):
    made = method("instructed", base_method="head", instruction="kelo " * 100)
    with pytest.raises(NotApplicable, match="shorter one"):
        made.fit(job("bert"))


@pytest.mark.parametrize("name", ["augment", "instructed"])
def test_texts_that_stand_together_stay_together(job, name):
    def pairs(rows):
        return tuple(replace(e, input=(e.input, "na to")) for e in rows)

    made = method(name, base_method="head")
    given_job = job("bert", train=pairs(TRAIN), validation=pairs(VALIDATION))
    answers = made.fit(given_job).predict([("kelo maru", "na to"), ("grun bark", "na to")])
    assert [answer.value in TASK.labels for answer in answers] == [True, True]


def test_rows_that_an_instruction_cuts_are_told_and_the_card_has_it(job, tmp_path):
    given_job = job("bert")
    short_rows = replace(given_job, backbone=replace(given_job.backbone, max_length=12))
    made = method("instructed", base_method="head", instruction="kelo na to")
    predictor, told = fit_told(made, short_rows)
    words = [len(e.input.split()) for e in (*TRAIN, *VALIDATION)]
    more = sum(10 - 3 < count <= 10 for count in words)
    assert [p.note for p in told if p.note.startswith(f"{more} of {len(words)} rows are cut at 12")]
    predictor.save(tmp_path)
    assert "    kelo na to\n" in (tmp_path / "README.md").read_text()


# --- what was random in the backbone


@pytest.fixture(scope="module")
def without_pooler(job, tmp_path_factory):
    """A BERT as it comes from filling in masked words: no file holds a pooler."""
    from transformers import AutoModelForMaskedLM

    folder, given_job = tmp_path_factory.mktemp("masked"), job("bert")
    config = load_model(given_job.backbone).config
    torch.manual_seed(0)
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    for file in given_job.backbone.folder.glob("tokenizer*"):
        (folder / file.name).write_bytes(file.read_bytes())
    return replace(given_job, backbone=resolve(str(folder)), seed=5)


@pytest.mark.parametrize("name", ["head", "lora", "adapter", "prompt_tuning", "bitfit", "ia3"])
def test_a_pooler_that_no_file_holds_is_trained_and_saved(without_pooler, name, tmp_path):
    predictor = short(name).fit(without_pooler)
    assert any("pooler" in moving for moving in trained(predictor))
    predictor.save(tmp_path)
    again = load_predictor(tmp_path, MACHINE)
    torch.testing.assert_close(scores(again), scores(predictor), atol=1e-6, rtol=0)


def test_a_fresh_pooler_is_trained_on_the_frozen_pass(without_pooler):
    from tunewell.fit import feeds
    from tunewell.fit.heads import head_for
    from tunewell.fit.loop import _feeds
    from tunewell.fit.once import built

    head = head_for(TASK, without_pooler.backbone)
    ready = built(without_pooler, anatomy.freeze_body, head, 0.0)
    model, (feed, _) = ready.model, _feeds(without_pooler, ready, epochs=1)
    assert isinstance(feed, feeds.VectorFeed)
    feed.logits(model, range(8)).sum().backward()
    moved = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
    assert any("pooler" in name for name in moved) and all(g is not None for g in moved.values())


# --- rows and heads that read the padding


def test_a_head_that_reads_the_padding_is_replaced(job):
    predictor = short("full").fit(job("xlnet"))
    assert predictor.head.pooling == "last"


def test_padding_is_looked_for_where_all_rows_are_as_long(job):
    """As when all were cut, which says nothing of the rows to come."""
    rows = tuple(replace(e, input=" ".join(e.input.split()[:4])) for e in TRAIN)
    assert {len(e.input.split()) for e in rows} == {4}
    predictor = short("full").fit(job("xlnet", train=rows))
    assert predictor.head.pooling == "last"


def test_an_encoder_decoder_is_read_by_its_encoder_alone(job):
    predictor = short("full").fit(job("t5"))
    assert predictor.head.pooling == "mean"
    assert not any("decoder" in name for name, _ in predictor.model.named_parameters())


@pytest.mark.parametrize("name", ["features", "full", "prefix"])
def test_a_text_without_tokens_is_answered(job, name):
    rows = (*TRAIN, Example("", "sea"))
    predictor = method(name).fit(job("gpt2", train=rows))
    together = predictor.predict([INPUTS[0], ""])
    alone = predictor.predict([""])
    assert list(together[1].scores.values()) == pytest.approx(
        list(alone[0].scores.values()), abs=1e-5
    )


def stock_prompt_tuning(model):
    """What peft makes of a decoder's classifier by itself: its head looks for the text's end in
    ids that are no longer given."""
    from peft import PromptTuningConfig, get_peft_model

    config = PromptTuningConfig(
        task_type="SEQ_CLS", num_virtual_tokens=4, prompt_tuning_init="SAMPLE_VOCAB"
    )
    return get_peft_model(model, config)


def test_a_model_that_reads_the_padding_is_refused(job):
    from tunewell.fit.loop import train

    made = short("full")
    with pytest.raises(NotApplicable, match="beside a longer one"):
        train(job("gpt2"), stock_prompt_tuning, made)
    assert train(job("gpt2"), lambda model: model, made).predict(INPUTS[:1])
