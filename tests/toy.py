"""A made-up language of three topics, and tiny backbones that have read it.

A sentence is about one topic: half of its words come from that topic, half are filler. A
backbone that has learnt to fill in missing words knows which words go together, so that frozen
methods have something to stand on.
"""

import random
from pathlib import Path

from tunewell.values import Example

TOPICS = {
    "sea": "kelo maru sivo tanu wela piso navi loru",
    "forest": "grun bark tolm hesp dorn wick mold fenn",
    "desert": "zaht qirr sahm oxid juzz xeno vaza yarr",
}
FILLER = "a na to mi su re ko pe li do"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def sentence(topic: str, chance: random.Random) -> str:
    """Four to fourteen words about a topic."""
    own, filler = TOPICS[topic].split(), FILLER.split()
    return " ".join(
        chance.choice(own if chance.random() < 0.5 else filler)
        for _ in range(chance.randint(4, 14))
    )


def examples(rows: int, seed: int = 0) -> tuple[Example, ...]:
    """Sentences with their topics, in turn."""
    chance = random.Random(seed)
    topics = [list(TOPICS)[row % len(TOPICS)] for row in range(rows)]
    return tuple(
        Example(sentence(topic, chance), topic, "toy.csv", row + 2)
        for row, topic in enumerate(topics)
    )


def texts(file: Path, rows: int = 400):
    """Sentences without their topics, read from a file as `--texts` reads it."""
    import json

    from tunewell.read.corpus import survey

    lines = [json.dumps({"text": each.input}) for each in examples(rows, seed=7)]
    file.write_text("\n".join(lines), encoding="utf-8")
    return survey([str(file)])


def tokenizer(folder: Path, decoder: bool = False):
    """One token a word; encoders get [CLS] and [SEP], decoders no padding token."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    words = [*SPECIAL, *FILLER.split(), *" ".join(TOPICS.values()).split()]
    numbers = {word: number for number, word in enumerate(words)}
    core = Tokenizer(WordLevel(numbers, unk_token="[UNK]"))
    core.pre_tokenizer = WhitespaceSplit()
    names = {"unk_token": "[UNK]", "model_max_length": 32}
    if decoder:
        names |= {"eos_token": "[SEP]", "bos_token": "[CLS]"}
    else:
        ends = [("[CLS]", 2), ("[SEP]", 3)]
        core.post_processor = TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
        )
        names |= {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
        names |= {"mask_token": "[MASK]"}
    made = PreTrainedTokenizerFast(tokenizer_object=core, **names)
    made.save_pretrained(folder)
    return made


def config(shape: str, vocabulary: int):
    """A small configuration of an architecture."""
    import transformers as t

    small = {"vocab_size": vocabulary, "max_position_embeddings": 32}
    if shape == "bert":
        return t.BertConfig(
            hidden_size=32,
            num_hidden_layers=3,
            num_attention_heads=4,
            intermediate_size=64,
            **small,
        )
    if shape == "gpt2":
        return t.GPT2Config(
            vocab_size=vocabulary,
            n_positions=32,
            n_embd=32,
            n_layer=3,
            n_head=4,
            bos_token_id=2,
            eos_token_id=3,
        )
    if shape == "llama":
        return t.LlamaConfig(
            hidden_size=32,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=64,
            bos_token_id=2,
            eos_token_id=3,
            **small,
        )
    raise KeyError(shape)


def random_backbone(shape: str, folder: Path) -> Path:
    """Random weights of a shape, with the toy tokenizer."""
    import torch
    from transformers import AutoModel

    folder.mkdir(parents=True, exist_ok=True)
    made = tokenizer(folder, decoder=shape != "bert")
    torch.manual_seed(0)
    AutoModel.from_config(config(shape, len(made))).save_pretrained(folder)
    return folder


def pretrained_backbone(folder: Path, steps: int = 400, with_words: bool = False) -> Path:
    """A BERT that has filled in missing words of the toy language; a sentence encoder by name.

    Args:
        with_words: whether the layer that fills them in is saved as well.
    """
    import json

    import torch
    from transformers import AutoModel, AutoModelForMaskedLM

    folder.mkdir(parents=True, exist_ok=True)
    made = tokenizer(folder)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = AutoModelForMaskedLM.from_config(config("bert", len(made)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    chance = random.Random(1)
    for step in range(steps):
        texts = [sentence(chance.choice(list(TOPICS)), chance) for _ in range(32)]
        batch = made(texts, padding=True, return_tensors="pt")
        hide = (torch.rand(batch["input_ids"].shape) < 0.3) & (batch["input_ids"] > 4)
        labels = batch["input_ids"].masked_fill(~hide, -100)
        batch["input_ids"][hide] = made.mask_token_id
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * (1 - step / steps)
        model(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels
        ).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    whole = AutoModel.from_config(config("bert", len(made)))  # masked words need no pooler
    whole.load_state_dict(model.bert.state_dict(), strict=False)
    (model if with_words else whole).save_pretrained(folder)
    pooling = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {
            "idx": 1,
            "name": "1",
            "path": "1_Pooling",
            "type": "sentence_transformers.models.Pooling",
        },
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    return folder
