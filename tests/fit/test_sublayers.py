"""Sublayers are found by what they do; peft's own lists of names say the same."""

import pytest
import writers

import shapes
from tunewell.fit import anatomy
from tunewell.fit.backbones import load_model, resolve
from tunewell.fit.by_hand import in_every_layer
from tunewell.fit.sublayers import after_layers, depths, sublayers


@pytest.fixture(scope="module")
def body(tmp_path_factory):
    return lambda shape: load_model(resolve(str(shapes.save(shape, tmp_path_factory.mktemp("s")))))


@pytest.mark.parametrize(
    "shape", ["bert", "roberta", "deberta-v3", "gpt2", "falcon", "llama", "mistral", "t5"]
)
def test_they_are_those_that_peft_scales(body, shape):
    """peft's lists for the other shapes name queries where the paper scales keys or values."""
    from peft.utils import constants

    model = body(shape)
    kind = model.config.model_type
    # To peft, `output.dense` is the attention's output as well; the paper does not scale that.
    linears = [n for n in anatomy.linear_names(model) if "attention.output" not in n]

    def named(names):
        return {n for n in linears if any(n.endswith(f".{name}") for name in names)}

    found = sublayers(model)
    scaled = constants.TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING[kind]
    inner = constants.TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING[kind]
    assert {*found.keys_and_values, *found.mlp_outputs} == named(scaled)
    assert set(found.mlp_outputs) == named(inner)


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_each_output_is_as_wide_as_the_hidden_state_and_there_is_one_a_layer(body, shape):
    model = body(shape)
    found = sublayers(model)
    for names in (found.attention_outputs, found.mlp_outputs):
        assert len(names) == shapes.LAYERS or (shape == "xlnet" and not names)
        for name in names:
            linear = model.get_submodule(name)
            width = getattr(linear, "out_features", None) or linear.nf
            assert width == shapes.HIDDEN
    assert not set(found.attention_outputs) & set(found.mlp_outputs)
    assert found.mlp_outputs


@pytest.mark.parametrize("shape", writers.ENCODER_DECODERS)
def test_of_an_encoder_decoder_that_writes_both_stacks_have_them(shape, tmp_path):
    backbone = resolve(str(writers.save(shape, tmp_path)))
    model = load_model(backbone, "AutoModelForSeq2SeqLM")
    for names in vars(sublayers(model)).values():
        assert names == tuple(eval(in_every_layer(model, names)))
        halves = [sum(f"{half}." in name for name in names) for half in ("encoder", "decoder")]
        assert halves[0] == halves[1] and halves[0] % 2 == 0 < halves[0]


def test_a_layer_that_runs_many_times_is_read_as_if_it_ran_once():
    from transformers import AlbertConfig, AutoModel

    sizes = {**shapes.BERT_LIKE, "vocab_size": 40, "embedding_size": 8}
    found = sublayers(AutoModel.from_config(AlbertConfig(**sizes)))
    ends = [name.split(".")[-1] for names in vars(found).values() for name in names]
    assert ends == ["key", "value", "dense", "ffn_output"]


BEHIND = {
    "bert": ["pooler.dense"],
    "roberta": ["pooler.dense"],
    "modernbert": ["final_norm"],
    "gpt2": ["ln_f"],
    "opt": ["decoder.final_layer_norm"],
    "falcon": ["ln_f"],
    "t5": ["encoder.final_layer_norm"],
    **{shape: ["norm"] for shape in ("llama", "mistral", "qwen2", "qwen3", "gemma")},
}


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_what_stands_behind_the_layers_is_found(body, shape):
    model = body(shape)
    names = {module: name for name, module in model.named_modules()}
    assert [names[module] for module in after_layers(model)] == BEHIND.get(shape, [])


@pytest.mark.parametrize("shape", ["bert", "opt", "llama"])
def test_depth_grows_from_the_head_to_the_embeddings(body, shape):
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_config(body(shape).config)
    found = depths(model)
    assert {found[name] for name in found if name.split(".")[0] in ("classifier", "score")} == {0}
    words = next(n for n, p in model.named_parameters() if p is model.get_input_embeddings().weight)
    assert found[words] == shapes.LAYERS + 1
    for number in range(shapes.LAYERS):
        own = {found[name] for name in found if f".{number}." in name}
        assert own == {shapes.LAYERS - number}
