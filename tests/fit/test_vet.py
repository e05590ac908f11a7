"""Folders that ask for what they may not: refused with a reason, in time, with nothing run."""

import json
import os
import pickle
import time

import pytest
import tiny

from tunewell.errors import ConfigError
from tunewell.fit import backbones, vet


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def folder(tmp_path):
    return tiny.save(tmp_path / "model")


@pytest.fixture
def proof(tmp_path):
    """A file that exists only if the folder's code ran."""
    return tmp_path / "proof"


def change(folder, name="config.json", **keys):
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **keys}))


def refused(folder, within=5.0):
    start = time.perf_counter()
    with pytest.raises(ConfigError) as error:
        backbones.load_model(backbones.resolve(str(folder)))
    assert time.perf_counter() - start < within
    assert 1 <= len(str(error.value).splitlines()) <= 3
    assert str(folder) in str(error.value)
    return str(error.value)


def works(folder):
    backbone = backbones.resolve(str(folder))
    backbones.load_tokenizer(backbone)
    return backbones.load_model(backbone)


def code(proof):
    return f"import pathlib\npathlib.Path({str(proof)!r}).touch()\nclass Evil: pass\n"


def test_code_that_comes_with_a_known_kind_of_model_is_ignored(folder, proof):
    (folder / "evil.py").write_text(code(proof))
    change(folder, auto_map={"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil"})
    model = works(folder)
    assert type(model).__module__.startswith("transformers.")
    assert not proof.exists()
    assert not hasattr(model.config, "auto_map")


def test_a_kind_of_model_that_needs_its_own_code_is_refused(folder, proof):
    (folder / "evil.py").write_text(code(proof))
    change(folder, model_type="evil", auto_map={"AutoConfig": "evil.Evil"})
    assert "without code of its own" in refused(folder)
    assert not proof.exists()


@pytest.mark.parametrize("key", ["_attn_implementation", "attn_implementation"])
@pytest.mark.parametrize(
    "kernel", ["someone/repo", "kernels-community/flash-attn", "paged|someone/repo", "../kernel"]
)
def test_an_attention_kernel_to_fetch_is_refused(folder, key, kernel):
    change(folder, **{key: kernel})
    assert kernel in refused(folder)


def test_an_attention_kernel_in_a_part_of_the_configuration_is_refused(folder):
    change(folder, text_config={"_attn_implementation": "someone/repo"})
    assert "someone/repo" in refused(folder)
    change(folder, text_config={}, attn_implementation={"": "sdpa", "text_config": "someone/repo"})
    assert "someone/repo" in refused(folder)


def test_entries_in_lists_are_looked_at_too(folder):
    change(folder, parts=[{"auto_map": {"AutoModel": "evil.Evil"}}, [{"backbone": "a/b"}]])
    assert vet.vet(folder)["parts"] == [{}, [{}]]
    change(folder, parts=[[{"_attn_implementation": "someone/repo"}]])
    assert "someone/repo" in refused(folder)


def test_a_model_that_reads_no_text_is_told(folder):
    config = {"model_type": "vit", "hidden_size": 16, "num_attention_heads": 2}
    sizes = {"num_hidden_layers": 1, "intermediate_size": 32, "image_size": 32}
    (folder / "config.json").write_text(json.dumps(config | sizes))
    assert "not text" in refused(folder)


@pytest.mark.parametrize("name", ["eager", "sdpa", "flash_attention_2"])
def test_a_known_attention_may_be_named_but_ours_is_used(folder, name):
    change(folder, _attn_implementation=name, attn_implementation=name)
    assert works(folder).config._attn_implementation in ("sdpa", "rows_end_to_end")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pkl", "model.ckpt"])
def test_a_pickle_is_never_opened(folder, proof, name):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(proof),)

    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(Evil()))
    message = refused(folder)
    assert name in message and "save_pretrained" in message
    assert not proof.exists()


@pytest.mark.parametrize(
    "place", ["/etc/passwd", "../../secret.safetensors", "~/weights", "C:\\weights", "a\\..\\b"]
)
@pytest.mark.parametrize("key", ["transformers_weights", "vocab_file", "adapter_path"])
def test_a_place_outside_of_the_folder_is_refused(folder, key, place):
    change(folder, **{key: place})
    assert key in refused(folder)


def test_where_a_model_lay_on_its_makers_machine_does_not_matter(folder):
    change(folder, _name_or_path="/home/someone/model")
    change(folder, "tokenizer_config.json", tokenizer_file="/root/.cache/tokenizer.json")
    works(folder)


@pytest.mark.parametrize(
    ("key", "size"),
    [
        ("hidden_size", 10**9),
        ("num_hidden_layers", 10**7),
        ("vocab_size", 10**12),
        ("max_position_embeddings", 10**10),
        ("num_labels", 10**9),
        ("intermediate_size", 1e30),
        ("hidden_size", -(10**9)),
        # Each within its bound, but together far more than the file of weights holds.
        ("vocab_size", 9_000_000),
        ("intermediate_size", 1_000_000),
    ],
)
def test_absurd_sizes_are_refused_before_memory_is_taken(folder, key, size):
    change(folder, **{key: size})
    refused(folder)


def test_a_configuration_that_makes_no_sense_is_told(folder):
    for key, value in (("num_attention_heads", 0), ("hidden_size", "x"), ("hidden_act", "boom")):
        before = (folder / "config.json").read_text()
        change(folder, **{key: value})
        refused(folder)
        (folder / "config.json").write_text(before)


def test_modules_are_bounded_where_each_number_is_not_absurd(tmp_path):
    import torch
    import transformers

    config = transformers.AlbertConfig(
        vocab_size=100, hidden_size=8, num_attention_heads=2, intermediate_size=8, embedding_size=8
    )
    folder = tmp_path / "albert"
    torch.manual_seed(0)
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    tiny.tokenizer(pad_token="<pad>", unk_token="<unk>").save_pretrained(folder)
    works(folder)
    change(folder, num_hidden_groups=512, inner_group_num=10_000)
    assert "modules" in refused(folder, within=20)


def test_the_code_of_a_tokenizer_is_ignored(folder, proof):
    (folder / "evil.py").write_text(code(proof))
    change(
        folder,
        "tokenizer_config.json",
        auto_map={"AutoTokenizer": ["evil.Evil", "evil.Evil"]},
        tokenizer_class="Evil",
    )
    backbone = backbones.resolve(str(folder))
    tokenizer = backbones.load_tokenizer(backbone)
    assert type(tokenizer).__module__.startswith("transformers.")
    assert "auto_map" not in tokenizer.init_kwargs
    assert not proof.exists()


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "a/b", ""])
@pytest.mark.parametrize("as_list", [True, False])
def test_the_name_of_a_chat_template_is_no_path(folder, name, as_list):
    templates = {"default": "{{ x }}", name: "{{ y }}"}
    if as_list:
        templates = [{"name": key, "template": text} for key, text in templates.items()]
    change(folder, "tokenizer_config.json", chat_template=templates)
    assert "chat template" in refused(folder)


def test_plainly_named_chat_templates_stay(folder):
    change(folder, "tokenizer_config.json", chat_template={"default": "a", "tool_use": "b"})
    tokenizer = backbones.load_tokenizer(backbones.resolve(str(folder)))
    assert tokenizer.chat_template == {"default": "a", "tool_use": "b"}


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize(
    "bomb",
    [
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        "[" * 400_000,
        '{"a":' * 20 + "1" + "}" * 20,
        '{"hidden_size": ' + "9" * 100_000 + "}",
        "not json",
        "[]",
    ],
    ids=["deep", "open", "rather deep", "long number", "text", "list"],
)
def test_a_json_bomb_is_refused(folder, file, bomb):
    (folder / file).write_text(bomb)
    assert file in refused(folder)


def test_a_huge_configuration_is_refused_unread(folder):
    (folder / "config.json").write_text('{"a": "' + "x" * 2**21 + '"}')
    assert "2 MB" in refused(folder)


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
)
def test_a_link_that_leads_outside_is_refused(folder, tmp_path, name):
    outside = tmp_path / "secret"
    (folder / name).rename(outside)
    (folder / name).symlink_to(outside)
    with pytest.raises(ConfigError) as error:
        backbones.load_tokenizer(backbones.resolve(str(folder)))
    assert name in str(error.value)


def test_a_pipe_in_the_place_of_a_file_does_not_hang(folder):
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    assert "config.json" in refused(folder)


@pytest.mark.parametrize("shard", ["../model.safetensors", "/etc/passwd", "evil.bin", 7, None])
def test_an_index_lists_only_safetensors_beside_it(folder, shard):
    (folder / "model.safetensors").unlink()
    index = {"metadata": {}, "weight_map": {"embeddings.weight": shard}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "index" in refused(folder)


def test_quantized_weights_are_told(folder):
    change(folder, quantization_config={"quant_method": "gptq", "bits": 4})
    assert "full precision" in refused(folder)


def test_what_is_vetted_is_what_is_loaded(folder):
    """Nothing but the named files reaches transformers."""
    (folder / "custom_generate").mkdir()
    (folder / "additional_chat_templates").mkdir()
    (folder / "chat_template.json").write_text("{}")
    with vet.vetted_copy(folder, tokenizer=True) as copy:
        names = {path.name for path in copy.iterdir()}
    assert names == {"config.json", "tokenizer.json", "tokenizer_config.json"}
    assert not copy.exists()


def test_labels_may_be_called_anything(folder):
    words = ["auto_map", "/etc/passwd", "num_hidden_layers", "_attn_implementation"]
    change(
        folder,
        id2label={str(i): word for i, word in enumerate(words)},
        label2id={word: i + 10**9 for i, word in enumerate(words)},
    )
    assert vet.vet(folder)["id2label"]["0"] == "auto_map"
    assert set(vet.vet(folder)["label2id"]) == set(words)
