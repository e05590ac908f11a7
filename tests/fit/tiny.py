"""Small random models with a real tokenizer, saved as folders."""

from pathlib import Path

TEXTS = ["the parcel came late and the box was torn", "thank you, it works well now", "hello"]

SMALL = {
    "vocab_size": 300,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
}


def tokenizer(**special):
    """A byte-level BPE tokenizer of 300 words at most; `special` names its special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE(unk_token=special.get("unk_token")))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=list(special.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, **special)


def config(kind, **changes):
    """A small configuration: `bert`, `roberta`, `gpt2` or `llama`."""
    import transformers

    if kind == "gpt2":
        sizes = {"vocab_size": 300, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64}
    else:
        sizes = SMALL
    classes = {"bert": "Bert", "roberta": "Roberta", "gpt2": "GPT2", "llama": "Llama"}
    special = {} if kind == "bert" else {"bos_token_id": 0, "eos_token_id": 0}
    return getattr(transformers, f"{classes[kind]}Config")(**{**sizes, **special, **changes})


def save(folder: Path, kind="bert", auto_class="AutoModel", **changes) -> Path:
    """A random model and its tokenizer in a folder."""
    import torch
    import transformers

    torch.manual_seed(0)
    if kind in ("bert", "roberta"):
        tokens = tokenizer(pad_token="<pad>", unk_token="<unk>")
        changes.setdefault("pad_token_id", tokens.pad_token_id)
    else:
        tokens = tokenizer(eos_token="<eos>")
    model = getattr(transformers, auto_class).from_config(config(kind, **changes))
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)
    return folder
