"""Backbones in 4 and 8 bits: what is kept, what a product gives, and what is saved and merged."""

import json
import sys
from dataclasses import replace

import pytest
import torch
import writers

import shapes
import toy
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import ConfigError, NotApplicable, ResourceError
from tunewell.fit import anatomy
from tunewell.fit.backbones import load_model, resolve
from tunewell.fit.quantised import QuantisedLinear, quantise, quantised_layers, whole
from tunewell.measure.trial import load_model as load_predictor
from tunewell.serve.export import export
from tunewell.values import Machine, read_json

pytest.importorskip("bitsandbytes", reason="the optional package bitsandbytes is not there")
MACHINE = Machine(threads=1)
TRAIN, VALIDATION = toy.examples(24), toy.examples(9, seed=1)
TASK = registry.task("classify").from_examples(TRAIN)
INPUTS = [example.input for example in VALIDATION]
NF4 = (
    *(-1.0, -0.6962, -0.5251, -0.3949, -0.2844, -0.1848, -0.0911, 0.0),
    *(0.0796, 0.1609, 0.2461, 0.3379, 0.4407, 0.5626, 0.7230, 1.0),
)
"""The values of arXiv 2305.14314, appendix E, to four places."""


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    made = {}

    def make(shape):
        if shape not in made:
            made[shape] = resolve(str(shapes.save(shape, tmp_path_factory.mktemp(shape))))
        return made[shape]

    return make


def linear(deep, wide):
    torch.manual_seed(0)
    return torch.nn.Linear(wide, deep)


def scores(predictor):
    return torch.tensor([list(answer.scores.values()) for answer in predictor.predict(INPUTS)])


def qlora(job, **changes):
    method = replace(registry.method("qlora")(), epochs=2, batch_size=8, **changes)
    return method.fit(job)


def test_four_bits_are_the_nearest_of_sixteen_values_times_the_largest_of_64():
    plain = linear(32, 64)
    blocks = plain.weight.detach().reshape(-1, 64)
    scales = blocks.abs().amax(1, keepdim=True)
    values = torch.tensor(NF4)
    nearest = values[(blocks / scales).unsqueeze(-1).sub(values).abs().argmin(-1)] * scales
    found = QuantisedLinear(plain, 4).weight.reshape(-1, 64)
    # Scales are themselves in eight bits.
    torch.testing.assert_close(found, nearest, atol=2e-3 * scales.max().item(), rtol=0.02)


def test_eight_bits_are_whole_127ths_of_the_largest_of_a_row():
    plain = linear(12, 30)
    scales = plain.weight.detach().abs().amax(1, keepdim=True)
    expected = (plain.weight.detach() / scales * 127).round() / 127 * scales
    torch.testing.assert_close(QuantisedLinear(plain, 8).weight, expected)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize(("deep", "wide"), [(64, 128), (17, 33), (1, 7), (48, 16)])
def test_a_product_and_its_gradient_are_those_of_the_matrix_that_is_stood_for(bits, deep, wide):
    plain = linear(deep, wide)
    layer = QuantisedLinear(plain, bits)
    given = torch.randn(3, 5, wide, requires_grad=True)
    gradient = torch.randn(3, 5, deep)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        output = layer(given)
    output.backward(gradient)
    expected = given.detach() @ layer.weight.T + plain.bias
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(given.grad, gradient @ layer.weight)
    assert not kept, "a matrix is kept for the way back"


@pytest.mark.parametrize("bits", [4, 8])
def test_products_follow_the_precision_of_the_machine(bits):
    layer = QuantisedLinear(linear(16, 32), bits)
    given = torch.randn(4, 32, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = layer(given)
    output.sum().backward()
    assert output.dtype == torch.bfloat16 and given.grad.dtype == torch.float32
    torch.testing.assert_close(given.grad, layer.weight.sum(0).expand(4, -1), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("shape", ["bert", "gpt2", "llama", "t5", "deberta-v3"])
def test_the_stack_is_in_few_bits_and_nothing_else(backbone, shape):
    kind = "AutoModel" if shape == "t5" else "AutoModelForSequenceClassification"
    plain = load_model(backbone(shape), kind)
    before, names = dict(plain.named_parameters()), anatomy.linear_names(plain)
    model = load_model(replace(backbone(shape), bits=4), kind)
    bits = {n: p.nbytes for n, p in before.items() if n.removesuffix(".weight") in names}
    after = dict(model.named_parameters())
    assert names and list(quantised_layers(model)) == names
    assert set(before) - set(after) == {f"{name}.weight" for name in names}
    kept = sum(layer.codes.nbytes for layer in quantised_layers(model).values())
    assert kept == sum(bits.values()) / 8


def test_without_the_package_it_is_told_what_to_install(backbone, monkeypatch, tmp_path):
    job = Job(TASK, TRAIN, VALIDATION, backbone("bert"), MACHINE)
    qlora(job).save(tmp_path)
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(NotApplicable, match=r"bitsandbytes is missing.*tunewell\[quantised\]"):
        qlora(job)
    with pytest.raises(ResourceError, match=r"tunewell\[quantised\]"):
        load_predictor(tmp_path, MACHINE)


@pytest.mark.parametrize("shape", ["bert", "gpt2", "llama"])
@pytest.mark.parametrize("bits", [4, 8])
def test_codes_stand_still_and_come_back_and_merged_weights_answer_alike(
    backbone, shape, bits, tmp_path
):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    job = Job(TASK, TRAIN, VALIDATION, backbone(shape), MACHINE)
    predictor = qlora(job, bits=bits, learning_rate=1e-2)
    fresh = load_model(replace(backbone(shape), bits=bits))
    plain = AutoModelForSequenceClassification.from_pretrained(backbone(shape).folder, num_labels=3)
    assert predictor.parameters.total == sum(p.numel() for p in plain.parameters())
    codes = [layer.codes for layer in quantised_layers(fresh).values()]
    found = [layer.codes for layer in quantised_layers(predictor.model).values()]
    assert all(one.equal(other) for one, other in zip(codes, found, strict=True))
    before = scores(predictor)
    predictor.save(tmp_path / "adapter")
    assert read_json(tmp_path / "adapter" / "model.json")["backbone"]["bits"] == bits
    assert f"kept in {bits} bits" in (tmp_path / "adapter" / "README.md").read_text()
    again = load_predictor(tmp_path / "adapter", MACHINE)
    torch.testing.assert_close(scores(again), before, atol=1e-6, rtol=0)
    merged = again.whole()
    torch.testing.assert_close(scores(merged), before, atol=1e-5, rtol=0)
    merged.save(tmp_path / "whole")
    assert not quantised_layers(load_predictor(tmp_path / "whole", MACHINE).model)
    plain = AutoModelForSequenceClassification.from_pretrained(tmp_path / "whole").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "whole")
    with torch.no_grad():
        for text, expected in zip(INPUTS, before, strict=True):
            shares = plain(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0]
            torch.testing.assert_close(shares, expected, atol=1e-5, rtol=0)


def test_a_matrix_that_lay_the_other_way_does_so_again(backbone):
    model = load_model(backbone("gpt2"))
    before = model.h[0].mlp.c_fc.weight.detach().clone()
    made = whole(quantise(model, 8)).h[0].mlp.c_fc
    assert type(made).__name__ == "Conv1D" and made.weight.shape == before.shape
    torch.testing.assert_close(made.weight, before, atol=0.01 * before.abs().max().item(), rtol=0)


@pytest.mark.parametrize("shape", ["llama", "bart"])
def test_a_model_that_writes_keeps_its_output_layer_whole(shape, tmp_path):
    task = registry.task("instruct")
    rows = [
        task().read({"instruction": "which one?", "input": f"a na {w}", "output": f"{w}!"}, "toy")
        for w in ("kelo", "maru", "sivo", "tanu") * 4
    ]
    backbone = resolve(str(writers.save(shape, tmp_path / "backbone")))
    train, validation = tuple(rows[:12]), tuple(rows[12:])
    job = Job(task.from_examples(train), train, validation, backbone, MACHINE)
    predictor = qlora(job, learning_rate=5e-3)
    inside = anatomy.unwrapped(predictor.model)
    assert not isinstance(inside.get_output_embeddings(), QuantisedLinear)
    before = predictor.predict([row.input for row in validation])
    predictor.save(tmp_path / "adapter")
    again = load_predictor(tmp_path / "adapter", MACHINE)
    assert again.predict([row.input for row in validation]) == before
    assert again.whole().predict([row.input for row in validation]) == before


def test_an_adapter_beside_few_bits_is_a_backbone_of_whole_weights(backbone, tmp_path):
    job = Job(TASK, TRAIN, VALIDATION, backbone("bert"), MACHINE)
    predictor = qlora(job)
    predictor.save(tmp_path / "model")
    merged = load_model(resolve(str(tmp_path / "model")))
    assert not quantised_layers(merged)
    own = anatomy.body(predictor.whole().model)
    for name, p in merged.named_parameters():
        torch.testing.assert_close(p, own.get_parameter(name))


@pytest.mark.parametrize("shape", ["bert", "llama", "gpt2"])
def test_files_in_half_precision_are_quantised_as_whole_ones_are(backbone, shape, tmp_path):
    """They are not made whole before; what is not quantised is afterwards."""
    half = load_model(backbone(shape)).to(torch.bfloat16)
    found = {}
    for name, model in (("half", half), ("whole", half.float())):
        if name == "half":
            model = half.to(torch.bfloat16)
        model.save_pretrained(tmp_path / name)
        for file in backbone(shape).folder.glob("tokenizer*"):
            (tmp_path / name / file.name).write_bytes(file.read_bytes())
        found[name] = load_model(replace(resolve(str(tmp_path / name)), bits=4)).eval()
    assert {p.dtype for p in found["half"].parameters()} == {torch.float32}
    ids = torch.arange(5, 15).unsqueeze(0)
    one, other = (model(ids).last_hidden_state for model in found.values())
    torch.testing.assert_close(one, other)


def test_it_is_exported_whole_and_not_as_an_adapter_beside_whole_weights(backbone, tmp_path):
    qlora(Job(TASK, TRAIN, VALIDATION, backbone("bert"), MACHINE)).save(tmp_path / "model")
    row = {"input": INPUTS[0], "target": VALIDATION[0].target, "source": "", "row": 1}
    (tmp_path / "answers.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(ConfigError, match="in few bits"):
        export(tmp_path / "model", "adapter", tmp_path / "out")
