"""What training cannot reach is found by looking, and left out without a trace in the answers."""

from dataclasses import replace

import pytest
import torch

import shapes
from tunewell import registry
from tunewell.errors import NotApplicable
from tunewell.fit import anatomy, depth, loop
from tunewell.fit.backbones import load_tokenizer, resolve
from tunewell.fit.heads import head_for
from tunewell.fit.tensors import padded

CLOSE = 1e-5
TIME_FIRST = ("xlnet",)
"""Shapes whose states are not (rows, tokens, hidden): they run in full."""
REACH_THE_BOTTOM = (
    "full", "gradual", "from_scratch", "lora", "ia3", "adapter", "bitfit", "prefix",
    "prompt_tuning", "p_tuning",
)  # fmt: skip


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """Makes a model of four layers of a shape, what runs rows through it, and their lengths."""
    root = tmp_path_factory.mktemp("shapes")

    def make(shape, prepare):
        folder = root / shape
        if not folder.exists():
            shapes.save(shape, folder, layers=4)
        backbone = resolve(str(folder))
        tokenizer = load_tokenizer(backbone)
        head = head_for(shapes.TASK, backbone)
        pieces = head.encode(tokenizer, shapes.INPUTS[:3], backbone.max_length)
        head, model = head.settle(backbone, 0.1, 0, pieces, tokenizer.pad_token_id)
        model = prepare(model)
        batch = padded(pieces, tokenizer.pad_token_id, "cpu")
        return model, lambda: head.logits(model, batch), [len(piece.ids) for piece in pieces]

    return make


def top(layers):
    """Only the last so many layers move, and the head."""

    def prepare(model):
        stack = anatomy.layers(anatomy.body(model))[1]
        chosen = [p for layer in stack[len(stack) - layers :] for p in layer.parameters()]
        return anatomy.move_only(model, chosen)

    return prepare


def answers(model, run):
    """Logits, and the gradients of what moves."""
    logits = run()
    moving = [p for p in model.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(logits.square().sum(), moving, materialize_grads=True)
    return [logits.detach(), *gradients]


def runs_of(layers):
    """A list that counts the runs of what is inside of each layer."""
    runs = [0] * len(layers)
    for number, layer in enumerate(layers):
        inside = next(m for m in layer.modules() if any(True for _ in m.parameters(recurse=False)))

        def ran(*_, number=number):
            runs[number] += 1

        inside.register_forward_hook(ran)
    return runs


@pytest.mark.parametrize("moving", [0, 1, 3])
@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_kept_is_computed(classifier, shape, moving):
    model, run, lengths = classifier(shape, top(moving))
    before = {name: p.clone() for name, p in model.named_parameters()}
    lower = depth.lower_layers(model, run)
    assert lower.depth == 4 - moving
    for name, p in model.named_parameters():
        assert torch.equal(p, before[name]), name
    if shape in TIME_FIRST:
        assert not depth.proven(lower, run, lengths)
        return
    assert depth.proven(lower, run, lengths)
    whole = answers(model, run)
    states = lower.states(run, lengths)
    assert states.shape == (sum(lengths), shapes.HIDDEN)
    runs = runs_of(anatomy.layers(anatomy.body(model))[1])
    with lower.given(states, lengths):
        kept = answers(model, run)
    # T5's first layer makes the position biases of all.
    first = int(shape == "t5")
    below, above = runs[: 4 - moving], runs[4 - moving :]
    assert all(above) and below == [first, *[0] * (len(below) - 1)]
    for one, other in zip(kept, whole, strict=True):
        assert torch.allclose(one, other, atol=CLOSE, rtol=CLOSE)
    again = answers(model, run)  # nothing is left behind
    assert all(torch.equal(one, other) for one, other in zip(again, whole, strict=True))


def test_other_states_give_other_answers(classifier):
    model, run, lengths = classifier("bert", top(1))
    lower = depth.lower_layers(model, run)
    states = lower.states(run, lengths)
    with lower.given(states * 1.1, lengths):
        changed = run()
    assert not torch.allclose(changed, run(), atol=1e-3)


def test_only_the_layers_below_run_for_their_states(classifier):
    model, run, lengths = classifier("bert", top(2))
    lower = depth.lower_layers(model, run)
    runs = runs_of(anatomy.layers(anatomy.body(model))[1])
    lower.states(run, lengths)
    assert runs == [1, 1, 0, 0]


@pytest.mark.parametrize("name", REACH_THE_BOTTOM)
@pytest.mark.parametrize("shape", ["bert", "llama"])
def test_what_reaches_the_bottom_leaves_nothing_to_keep(tmp_path, monkeypatch, shape, name):
    """Prefixes and prompts stand outside of the layers and move them all the same."""
    seen = []
    own = loop.run_epochs

    def looked_at(training, stop_asked):
        seen.append(type(training.feed).__name__)
        return own(training, stop_asked)

    monkeypatch.setattr(loop, "run_epochs", looked_at)
    backbone = resolve(str(shapes.save(shape, tmp_path / shape)))
    job = shapes.Job(shapes.TASK, shapes.TRAIN, shapes.VALIDATION, backbone, shapes.MACHINE)
    method = replace(registry.methods()[name](), epochs=2, batch_size=8)
    try:
        method.fit(replace(job, cache=tmp_path / "cache"))
    except NotApplicable:
        pytest.skip(f"{name} cannot run on {shape}")
    assert seen == ["TokenFeed"]
    assert not (tmp_path / "cache").exists()


def test_an_embedding_that_moves_moves_all(classifier):
    def prepare(model):
        words = anatomy.body(model).get_input_embeddings()
        return anatomy.move_only(model, words.parameters())

    assert depth.lower_layers(*classifier("bert", prepare)[:2]) is None
