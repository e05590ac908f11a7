"""Rows end to end answer and learn as rows alone do, on every shape and with every method."""

import contextlib
from dataclasses import replace
from functools import cache

import pytest
import torch

import shapes
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit import anatomy, attention, packing
from tunewell.fit.backbones import load_model, resolve

PACKED = {
    "bert",
    "distilbert",
    "roberta",
    "electra",
    "modernbert",
    "gpt2",
    "opt",
    "llama",
    "mistral",
    "qwen2",
    "qwen3",
    "gemma",
}
WINDOWED = ("modernbert", "mistral")
METHODS = (
    "full",
    "last_layers",
    "bitfit",
    "lora",
    "ia3",
    "adapter",
    "prefix",
    "prompt_tuning",
    "p_tuning",
)
LENGTHS = (3, 60, 9, 9, 1)
"""The longest is past the windows of `shapes`, two are alike, and none is in order."""
CLOSE = 1e-5


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    root = tmp_path_factory.mktemp("shapes")
    return cache(lambda shape: resolve(str(shapes.save(shape, root / shape))))


@pytest.fixture(scope="module")
def fitted(backbone):
    @cache
    def fit(name, shape):
        method = registry.methods()[name]()
        changes = {"epochs": 1, "batch_size": 8}
        if hasattr(method, "dropout"):
            changes["dropout"] = 0.0
        job = Job(
            shapes.TASK, shapes.TRAIN, shapes.VALIDATION, backbone(shape), shapes.MACHINE, seed=1
        )
        return replace(method, **changes).fit(job)

    return fit


def rows(model, lengths=LENGTHS):
    """Random words (rows, tokens) with their mask, padded on the right."""
    chance = torch.Generator().manual_seed(1)
    body = anatomy.body(model)
    words = body.get_input_embeddings().num_embeddings
    ids = torch.randint(words // 2, words, (len(lengths), max(lengths)), generator=chance)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
    ids = ids.where(mask, torch.tensor(body.config.pad_token_id))
    return {"input_ids": ids, "attention_mask": mask.long()}


def one_by_one(batch):
    """Each row of a batch alone, without padding."""
    lengths = batch["attention_mask"].sum(1).tolist()
    return [
        {name: value[i : i + 1, :length] for name, value in batch.items()}
        for i, length in enumerate(lengths)
    ]


@contextlib.contextmanager
def tokens_in_layers(model):
    """The shapes of hidden states that go into the first layer."""
    seen = []
    first = anatomy.layers(anatomy.body(model))[1][0]
    hook = first.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(
            tuple((args[0] if args else kwargs["hidden_states"]).shape[:2])
        ),
        with_kwargs=True,
    )
    yield seen
    hook.remove()


def assert_same(model, logits, batch):
    """Logits, and gradients of all that moves, of rows together and of each alone."""
    moving = {name: p for name, p in model.named_parameters() if p.requires_grad}

    def both(batches):
        found = torch.cat([logits(model, each) for each in batches])
        spread = torch.linspace(-1, 1, found.numel()).view(found.shape)
        gradients = torch.autograd.grad(
            (found * spread).sum(), list(moving.values()), allow_unused=True
        )
        return found.detach(), dict(zip(moving, gradients, strict=True))

    with tokens_in_layers(model) as seen:
        together, pulled = both([batch])
    with attention.staying_padded():
        alone, pulled_alone = both(one_by_one(batch))
    assert (together - alone).abs().max() <= CLOSE * alone.abs().max().clamp(min=1)
    largest = max(float(g.abs().max()) for g in pulled_alone.values() if g is not None)
    assert largest > 0
    for name, gradient in pulled.items():
        other = pulled_alone[name]
        assert (gradient is None) == (other is None), name
        if gradient is not None:
            assert (gradient - other).abs().max() <= CLOSE * max(1.0, largest), name
    return seen


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_bodies_run_end_to_end_where_they_can_and_say_why_where_not(backbone, shape):
    body = load_model(backbone(shape), "AutoModel", dropout=0.0)
    reason = packing.why_padded(body)
    assert (reason is None) == (shape in PACKED), reason
    with tokens_in_layers(body) as seen, torch.no_grad():
        body(**rows(body))
    assert (seen == [(1, sum(LENGTHS))]) == (shape in PACKED), seen


@pytest.mark.parametrize("shape", sorted(PACKED))
def test_a_stock_body_from_plain_transformers_says_the_same(backbone, shape):
    from transformers import AutoModel

    ours = load_model(backbone(shape), "AutoModel", dropout=0.0)
    stock = AutoModel.from_pretrained(backbone(shape).folder, attn_implementation="eager").eval()
    batch = rows(ours)
    with torch.no_grad():
        found = ours(**batch)
        for number, row in enumerate(one_by_one(batch)):
            expected = stock(**row)
            length = row["input_ids"].shape[1]
            apart = found.last_hidden_state[number, :length] - expected.last_hidden_state[0]
            assert apart.abs().max() < CLOSE * expected.last_hidden_state.abs().max()
            assert not found.last_hidden_state[number, length:].any()
            if expected.get("pooler_output") is not None:
                apart = found.pooler_output[number] - expected.pooler_output[0]
                assert apart.abs().max() < CLOSE


@pytest.mark.parametrize("shape", sorted(PACKED))
def test_every_weight_gets_the_gradient_of_rows_alone(backbone, shape):
    model = load_model(backbone(shape), "AutoModel", dropout=0.0)
    seen = assert_same(
        model,
        lambda m, batch: m(**batch).last_hidden_state[batch["attention_mask"] != 0].flatten(),
        rows(model),
    )
    assert seen == [(1, sum(LENGTHS))]


@pytest.mark.parametrize("shape", ["bert", "roberta", "modernbert", "gpt2", "llama", "mistral"])
@pytest.mark.parametrize("name", METHODS)
def test_methods_learn_as_from_rows_alone(fitted, name, shape):
    try:
        predictor = fitted(name, shape)
    except NotApplicable as reason:
        pytest.skip(str(reason))
    batch = rows(predictor.model)
    seen = assert_same(predictor.model, predictor.head.logits, batch)
    first = sum(LENGTHS)
    extra = (
        (sum(seen[0]) - 1 - first) // len(LENGTHS) if name in ("prompt_tuning", "p_tuning") else 0
    )
    assert seen == [(1, first + extra * len(LENGTHS))]


def test_token_types_and_left_padding_are_kept(backbone):
    body = load_model(backbone("bert"), "AutoModel", dropout=0.0)
    batch = rows(body)
    batch["token_type_ids"] = (torch.arange(max(LENGTHS)) % 2).expand_as(batch["input_ids"])
    alone = torch.cat([body(**row).last_hidden_state[0] for row in one_by_one(batch)])
    together = body(**batch).last_hidden_state[batch["attention_mask"] != 0]
    assert (together - alone).abs().max() < CLOSE
    flipped = {name: value.flip(1) for name, value in rows(load_model(backbone("llama"))).items()}
    decoder = load_model(backbone("llama"), "AutoModel", dropout=0.0)
    rightly = {name: value.clone() for name, value in flipped.items()}
    for row, length in enumerate(LENGTHS):
        for value in rightly.values():
            value[row] = value[row].roll(length)
    one = decoder(**flipped).last_hidden_state[flipped["attention_mask"] != 0]
    other = decoder(**rightly).last_hidden_state[rightly["attention_mask"] != 0]
    assert torch.equal(one, other)


def test_whoever_asks_for_more_than_hidden_states_gets_it_padded(backbone):
    body = load_model(backbone("llama"), "AutoModel", dropout=0.0)
    batch = rows(body)
    whole = body(**batch, output_hidden_states=True)
    assert len(whole.hidden_states) == shapes.LAYERS + 1
    assert whole.hidden_states[0].shape[:2] == batch["input_ids"].shape
    kept = body(**batch, use_cache=True).past_key_values
    assert kept.get_seq_length() == max(LENGTHS)
    assert packing.why_padded(body) is None


def test_saved_folders_name_no_attention(fitted, tmp_path):
    from transformers import AutoModelForSequenceClassification

    for name in ("full", "lora"):
        fitted(name, "bert").save(tmp_path / name)
        for file in (tmp_path / name).glob("*.json"):
            assert attention.NAME not in file.read_text(encoding="utf-8")
    stock = AutoModelForSequenceClassification.from_pretrained(tmp_path / "full")
    assert stock.config._attn_implementation == "sdpa"


def test_a_copy_runs_its_own_weights(backbone):
    import copy

    body = load_model(backbone("bert"), "AutoModel", dropout=0.0)
    other = copy.deepcopy(body)
    batch = rows(body)
    before = body(**batch).last_hidden_state
    with torch.no_grad():
        for p in other.parameters():
            p.mul_(2)
    assert torch.equal(body(**batch).last_hidden_state, before)
    assert not torch.equal(other(**batch).last_hidden_state, before)


def test_what_a_body_can_do_is_found_once_and_holds_for_the_next_load(backbone):
    for shape in ("bert", "t5"):
        one, two = (load_model(backbone(shape), "AutoModel", dropout=0.0) for _ in range(2))
        assert packing.why_padded(one) == packing.why_padded(two)
        assert one.config._attn_implementation == two.config._attn_implementation
